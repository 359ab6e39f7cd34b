-- Video of what only the shadow model told: a file of the folder `cases`, or why there is none. Neither
-- of them: it is being made.
CREATE TABLE shadow_clip (
  incident INTEGER PRIMARY KEY REFERENCES shadow_incident (id) ON DELETE CASCADE,
  file     TEXT UNIQUE,
  bytes    INTEGER,
  sha256   TEXT,
  codec    TEXT,
  hides    TEXT,
  from_us  INTEGER,
  to_us    INTEGER,
  lost     TEXT,
  CHECK (file IS NULL OR (lost IS NULL AND bytes IS NOT NULL AND sha256 IS NOT NULL
    AND codec IS NOT NULL AND from_us IS NOT NULL AND to_us IS NOT NULL))
) STRICT;
