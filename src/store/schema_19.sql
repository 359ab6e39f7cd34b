-- What a shadow model told beside the active one, on this site's cameras ('live') or on recordings
-- ('corpus').
CREATE TABLE shadow_run (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  source    TEXT NOT NULL CHECK (source IN ('live', 'corpus')),
  name      TEXT NOT NULL,
  active    TEXT NOT NULL,
  shadow    TEXT NOT NULL,
  -- sha256 of what was loaded: an update of the program brings another model under the same slot.
  active_model TEXT NOT NULL,
  shadow_model TEXT NOT NULL,
  zones     TEXT NOT NULL,
  began_us  INTEGER NOT NULL,
  ended_us  INTEGER,
  seen      INTEGER NOT NULL DEFAULT 0,
  looked    INTEGER NOT NULL DEFAULT 0,
  figures   TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX shadow_run_models ON shadow_run (shadow, active);

-- One incident of one model, or of the truth of a recording. Times are of the run: they do not jump when
-- the wall clock is set.
CREATE TABLE shadow_incident (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  run         INTEGER NOT NULL REFERENCES shadow_run (id) ON DELETE CASCADE,
  side        TEXT NOT NULL CHECK (side IN ('active', 'shadow', 'truth')),
  number      INTEGER NOT NULL,
  camera      TEXT NOT NULL,
  zone        TEXT NOT NULL,
  zone_name   TEXT NOT NULL,
  zone_number INTEGER,
  began_us    INTEGER NOT NULL,
  last_us     INTEGER NOT NULL,
  ended       INTEGER NOT NULL CHECK (ended IN (0, 1)),
  score       REAL NOT NULL,
  boxes       TEXT NOT NULL,
  left_out    TEXT,
  UNIQUE (run, side, number)
) STRICT;

CREATE TABLE shadow_label (
  incident INTEGER PRIMARY KEY REFERENCES shadow_incident (id) ON DELETE CASCADE,
  label    TEXT NOT NULL CHECK (label IN ('true', 'false', 'unsure')),
  by       TEXT NOT NULL,
  at_us    INTEGER NOT NULL
) STRICT;

CREATE TABLE shadow_picture (
  incident INTEGER PRIMARY KEY REFERENCES shadow_incident (id) ON DELETE CASCADE,
  hides    TEXT,
  jpeg     BLOB NOT NULL
) STRICT;

-- What a run over recordings looked at: each counts once for two models and the same zones.
CREATE TABLE shadow_recording (
  run    INTEGER NOT NULL REFERENCES shadow_run (id) ON DELETE CASCADE,
  name   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  zones  TEXT NOT NULL,
  PRIMARY KEY (run, sha256, zones)
) STRICT;
