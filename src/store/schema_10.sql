-- Schema 10: handhelds, who is on duty, and the receipts of what was sent to whom.
-- Times are microseconds since 1970 in UTC. Secrets are kept as digests only.

-- Who this box is: a device's proof is bound to it.
CREATE TABLE IF NOT EXISTS box (
  place INTEGER PRIMARY KEY CHECK (place = 1),
  id TEXT NOT NULL CHECK (length(id) = 16)
) STRICT;
INSERT OR IGNORE INTO box VALUES (1, lower(hex(randomblob(8))));

-- Devices are never removed, only revoked: receipts and the audit log speak of them for ever.
CREATE TABLE handheld (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  -- Whose it is, as whoever paired it wrote it.
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  platform TEXT NOT NULL,
  -- A point of P-256, uncompressed. The other half never leaves the device.
  public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 65),
  paired_by TEXT NOT NULL,
  paired_us INTEGER NOT NULL,
  last_seen_us INTEGER,
  revoked_by TEXT,
  revoked_us INTEGER,
  revoked_reason TEXT,
  CHECK ((revoked_by IS NULL) = (revoked_us IS NULL)
    AND (revoked_by IS NULL) = (revoked_reason IS NULL))
) STRICT;
CREATE TRIGGER handheld_is_never_removed BEFORE DELETE ON handheld
BEGIN SELECT RAISE(ABORT, 'handhelds are revoked, never removed'); END;
CREATE TRIGGER handheld_is_never_another BEFORE UPDATE OF id, person, public_key ON handheld
BEGIN SELECT RAISE(ABORT, 'a handheld keeps its key and its person'); END;
CREATE TRIGGER handheld_stays_revoked BEFORE UPDATE OF revoked_us ON handheld
WHEN OLD.revoked_us IS NOT NULL AND NEW.revoked_us IS NOT OLD.revoked_us
BEGIN SELECT RAISE(ABORT, 'a revoked handheld stays so'); END;

-- Codes that wait to be used, each once.
CREATE TABLE handheld_pairing (
  -- SHA-256 of the code.
  code BLOB PRIMARY KEY CHECK (length(code) = 32),
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The duty list in force; older ones stand in the audit log.
CREATE TABLE duty (
  place INTEGER PRIMARY KEY CHECK (place = 1),
  -- JSON.
  document TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT;

-- What became of one version of an alarm on one device: evidence that somebody was told, and when.
CREATE TABLE receipt (
  id INTEGER PRIMARY KEY,
  alarm INTEGER NOT NULL CHECK (alarm > 0),
  version INTEGER NOT NULL CHECK (version >= 0),
  handheld INTEGER NOT NULL REFERENCES handheld(number),
  attempts INTEGER NOT NULL CHECK (attempts >= 1),
  sent_us INTEGER NOT NULL,
  received_us INTEGER,
  shown_us INTEGER,
  -- When its person answered on it.
  acknowledged_us INTEGER,
  UNIQUE (alarm, version, handheld)
) STRICT;
