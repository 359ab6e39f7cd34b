-- Schema 12: clips of incidents, and incidents whose evidence somebody pinned.
-- Times are microseconds since 1970 in UTC. The clips themselves are files beside this one, in the
-- folder `evidence`: a row without `lost` and `removed_us` has its file, and a file has its row.

CREATE TABLE clip (
  id INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL REFERENCES incident(id) ON DELETE CASCADE,
  -- An incident that goes on has several.
  part INTEGER NOT NULL CHECK (part >= 1),
  kept_us INTEGER NOT NULL,
  -- Name in the folder; kept when the file is removed, so that no other clip gets it.
  file TEXT UNIQUE,
  bytes INTEGER CHECK (bytes > 0),
  sha256 TEXT CHECK (length(sha256) = 64),
  -- When its first and its last picture were captured, and the longest time between two.
  from_us INTEGER,
  to_us INTEGER,
  longest_gap_ms INTEGER,
  pictures INTEGER,
  codec TEXT,
  -- Why there is none.
  lost TEXT,
  -- When it was removed to make room.
  removed_us INTEGER,
  UNIQUE (incident, part),
  CHECK ((file IS NULL) <= (lost IS NOT NULL)),
  CHECK ((file IS NULL) = (bytes IS NULL) AND (file IS NULL) = (sha256 IS NULL)
    AND (file IS NULL) = (from_us IS NULL) AND (file IS NULL) = (to_us IS NULL))
) STRICT;
CREATE INDEX clip_kept ON clip (id, bytes, incident) WHERE lost IS NULL AND removed_us IS NULL;

CREATE TABLE pin (
  incident INTEGER PRIMARY KEY REFERENCES incident(id),
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;

-- Incidents up to here are older than clips are; every later one has a row in `clip` in the end.
CREATE TABLE clip_since (
  place INTEGER PRIMARY KEY CHECK (place = 1),
  incident INTEGER NOT NULL
) STRICT;
INSERT INTO clip_since SELECT 1, coalesce(max(id), 0) FROM incident;

-- Of pictures kept before this, NULL.
ALTER TABLE snapshot ADD COLUMN sha256 TEXT CHECK (length(sha256) = 64);
