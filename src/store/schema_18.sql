-- Schema 18: pictures that are worth learning from, what people say of incidents apart from verdicts,
-- and what happened to models.
-- Times are microseconds since 1970 in UTC. The pictures themselves are files beside this one, in the
-- folder `examples`: a row has its file, and a file has its row.

CREATE TABLE example (
  -- Never given twice: exported labels name it.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  occasion TEXT NOT NULL
    CHECK (occasion IN ('incident', 'near_miss', 'disagreement', 'low_score')),
  camera TEXT NOT NULL,
  zone TEXT,
  zone_name TEXT,
  -- Its number; the incident itself may have made room already.
  incident INTEGER,
  at_us INTEGER NOT NULL,
  score REAL,
  width_px INTEGER NOT NULL CHECK (width_px > 0),
  height_px INTEGER NOT NULL CHECK (height_px > 0),
  -- Where people are, JSON, frame fractions.
  boxes TEXT NOT NULL,
  -- What is to be hidden of it, JSON; NULL: everything, since nobody looked at this very picture.
  covers TEXT,
  -- How the surroundings look, 64 bits.
  hash INTEGER NOT NULL,
  file TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  -- For people.
  why TEXT NOT NULL,
  label TEXT CHECK (label IN ('true', 'false', 'unsure')),
  labelled_by TEXT,
  labelled_us INTEGER,
  -- Asked for this very label, or taken from a verdict on the incident.
  label_from TEXT CHECK (label_from IN ('person', 'verdict')),
  CHECK ((zone IS NULL) = (zone_name IS NULL)),
  CHECK ((label IS NULL) = (labelled_by IS NULL) AND (label IS NULL) = (labelled_us IS NULL)
    AND (label IS NULL) = (label_from IS NULL))
) STRICT;
CREATE INDEX example_incident ON example (incident) WHERE incident IS NOT NULL;

-- What somebody said of an incident when they were asked whether anybody was there; it outlives the
-- incident's example.
CREATE TABLE incident_label (
  incident INTEGER PRIMARY KEY REFERENCES incident(id) ON DELETE CASCADE,
  label TEXT NOT NULL CHECK (label IN ('true', 'false', 'unsure')),
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE model_event (
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  -- `shipped`, or a package by its digest.
  slot TEXT,
  release INTEGER,
  by TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
