-- Schema 3: who may do what, and who did what.
-- Times are microseconds since 1970 in UTC. Secrets are kept as digests only.

-- People are never removed, only disabled: the audit log speaks of them for ever.
CREATE TABLE user (
  -- The name in lower case: names are told apart without regard to case.
  folded TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'supervisor', 'engineer', 'admin')),
  -- argon2id, as a PHC string.
  password TEXT NOT NULL CHECK (password LIKE '$argon2id$%'),
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_us INTEGER NOT NULL,
  last_seen_us INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER user_is_never_removed BEFORE DELETE ON user
BEGIN SELECT RAISE(ABORT, 'people are disabled, never removed'); END;
CREATE TRIGGER an_admin_remains BEFORE UPDATE OF role, disabled ON user
WHEN OLD.role = 'admin' AND OLD.disabled = 0 AND (NEW.role <> 'admin' OR NEW.disabled = 1)
  AND NOT EXISTS (SELECT 1 FROM user
    WHERE role = 'admin' AND disabled = 0 AND folded <> OLD.folded)
BEGIN SELECT RAISE(ABORT, 'one enabled admin must remain'); END;

CREATE TABLE session (
  -- SHA-256 of what the browser's cookie holds.
  token BLOB PRIMARY KEY CHECK (length(token) = 32),
  user TEXT NOT NULL REFERENCES user(folded),
  created_us INTEGER NOT NULL,
  last_used_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_token (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'supervisor', 'engineer', 'admin', 'integration')),
  token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
  created_us INTEGER NOT NULL,
  last_used_us INTEGER
) STRICT, WITHOUT ROWID;

-- Who did what. Rows are never changed and never removed; each carries the hash of the one before.
CREATE TABLE audit (
  number INTEGER PRIMARY KEY CHECK (number > 0),
  at_us INTEGER NOT NULL,
  by TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- JSON, or empty.
  detail TEXT NOT NULL,
  previous BLOB NOT NULL CHECK (length(previous) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- The newest entry once more, so that entries cut off at the end are missed.
CREATE TABLE audit_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_head (id, number, hash) VALUES (1, 0, zeroblob(32));
