-- Schema 5: walk tests, and where people stood.
-- Times are microseconds since 1970 in UTC and may step back with the clock.

CREATE TABLE walk_test (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  zone TEXT NOT NULL,
  zone_name TEXT NOT NULL,
  camera TEXT NOT NULL,
  -- What of the zone was tested; another digest is another zone.
  zone_digest TEXT NOT NULL CHECK (length(zone_digest) = 64),
  zones_version INTEGER NOT NULL CHECK (zones_version >= 0),
  -- Who walked, and who started it.
  tester TEXT NOT NULL,
  by TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('running', 'passed', 'failed', 'incomplete', 'abandoned')),
  siren TEXT NOT NULL CHECK (siren IN ('sounds', 'muted')),
  -- What an edge must keep, from inside to siren.
  limit_ms INTEGER NOT NULL CHECK (limit_ms > 0),
  -- What else held then, for the report: JSON.
  facts TEXT NOT NULL,
  -- Observations that found no room while it ran.
  lost INTEGER NOT NULL DEFAULT 0 CHECK (lost >= 0),
  picture BLOB,
  closed_by TEXT,
  closed_us INTEGER,
  closed_reason TEXT,
  CHECK ((closed_us IS NULL) = (state = 'running')),
  CHECK ((closed_by IS NULL) = (closed_us IS NULL)
    AND (closed_reason IS NULL) = (closed_us IS NULL))
) STRICT;
CREATE INDEX walk_test_zone ON walk_test (zone, id);
-- One siren, one test.
CREATE UNIQUE INDEX walk_test_running ON walk_test (state) WHERE state = 'running';
CREATE TRIGGER walk_test_is_never_rewritten BEFORE UPDATE ON walk_test
WHEN OLD.state <> 'running' AND NOT (NEW.picture IS NULL AND OLD.picture IS NOT NULL
  AND NEW.state = OLD.state AND NEW.closed_us = OLD.closed_us AND NEW.facts = OLD.facts)
BEGIN SELECT RAISE(ABORT, 'a walk test that is over is never rewritten'); END;

CREATE TABLE walk_edge (
  test INTEGER NOT NULL REFERENCES walk_test(id) ON DELETE CASCADE,
  edge INTEGER NOT NULL CHECK (edge >= 0),
  label TEXT NOT NULL,
  -- JSON list of points, frame fractions.
  points TEXT NOT NULL,
  skipped_by TEXT CHECK (skipped_by IN ('box', 'person')),
  skipped_reason TEXT,
  PRIMARY KEY (test, edge),
  CHECK ((skipped_by IS NULL) = (skipped_reason IS NULL))
) STRICT, WITHOUT ROWID;

-- Every time somebody walked in at an edge, the newest counts.
CREATE TABLE walk_attempt (
  test INTEGER NOT NULL REFERENCES walk_test(id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number > 0),
  edge INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'fail')),
  -- Why it failed; empty for a pass.
  reason TEXT NOT NULL,
  -- From the first picture inside: until the box had seen it, decided, and the siren had the sound.
  detected_ms INTEGER CHECK (detected_ms >= 0),
  decided_ms INTEGER CHECK (decided_ms >= 0),
  time_ms INTEGER CHECK (time_ms >= 0),
  frames INTEGER NOT NULL CHECK (frames >= 0),
  incident INTEGER,
  PRIMARY KEY (test, number),
  FOREIGN KEY (test, edge) REFERENCES walk_edge(test, edge) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- How long feet of people were where, an hour a row.
CREATE TABLE heat_hour (
  camera TEXT NOT NULL,
  -- Hours since 1970 in UTC.
  hour INTEGER NOT NULL,
  -- Cells that have any: number of the cell (u16), milliseconds (u32), little-endian, by cell.
  cells BLOB NOT NULL CHECK (length(cells) % 6 = 0),
  PRIMARY KEY (camera, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX heat_hour_age ON heat_hour (hour);
