-- Schema 4: versions and drafts of each camera's zones.
-- Times are microseconds since 1970 in UTC and may step back with the clock; versions are ordered
-- by their numbers, never by a time.

-- Versions are kept for ever: an incident names the digest of the version it was decided by.
CREATE TABLE zone_version (
  camera TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  -- The version it was drawn from; NULL when there was none.
  base INTEGER,
  document TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  state TEXT NOT NULL
    CHECK (state IN ('proposed', 'in_force', 'replaced', 'withdrawn', 'refused')),
  source TEXT NOT NULL CHECK (source IN ('file', 'page', 'rollback')),
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  reason TEXT NOT NULL,
  approved_by TEXT,
  approved_us INTEGER,
  -- When it came into force; stays when it is replaced.
  applied_us INTEGER,
  -- Who refused or withdrew it, and why.
  closed_by TEXT,
  closed_us INTEGER,
  closed_reason TEXT,
  PRIMARY KEY (camera, number),
  CHECK ((approved_by IS NULL) = (approved_us IS NULL)),
  CHECK ((applied_us IS NOT NULL) = (state IN ('in_force', 'replaced'))),
  CHECK ((closed_by IS NOT NULL) = (state IN ('withdrawn', 'refused'))),
  CHECK ((closed_by IS NULL) = (closed_us IS NULL)
    AND (closed_by IS NULL) = (closed_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX zone_version_in_force ON zone_version (camera) WHERE state = 'in_force';
CREATE UNIQUE INDEX zone_version_proposed ON zone_version (camera) WHERE state = 'proposed';
CREATE TRIGGER zone_version_is_never_removed BEFORE DELETE ON zone_version
BEGIN SELECT RAISE(ABORT, 'zone versions are kept for ever'); END;
CREATE TRIGGER zone_version_is_never_rewritten BEFORE UPDATE OF
  camera, number, base, document, digest, source, by, at_us, reason ON zone_version
BEGIN SELECT RAISE(ABORT, 'a zone version is never rewritten'); END;

-- The one unfinished document of a camera.
CREATE TABLE zone_draft (
  camera TEXT PRIMARY KEY,
  base INTEGER,
  document TEXT NOT NULL,
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The zone file of a camera as it was when it was last taken.
CREATE TABLE zone_file (
  camera TEXT PRIMARY KEY,
  -- sha256 of the file's bytes, hex.
  digest TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Zones may now come and go while a life lasts: NULL is the life's own beginning and end.
ALTER TABLE life_zone ADD COLUMN from_us INTEGER;
ALTER TABLE life_zone ADD COLUMN to_us INTEGER;
