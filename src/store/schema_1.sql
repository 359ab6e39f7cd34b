-- Schema 1. Applied once, in one transaction; never edited afterwards: a change is schema_2.sql.
-- Times are microseconds since 1970-01-01 UTC (`_us`) and may step back with the clock, so no
-- CHECK compares two of them: a stepped clock must not stop the store.

-- One row for each time the box began to watch.
CREATE TABLE life (
  id INTEGER PRIMARY KEY,
  started_us INTEGER NOT NULL,
  -- The last time of which we know that the box lived. The zones were not watched from here until
  -- the next life began.
  last_alive_us INTEGER NOT NULL,
  version TEXT NOT NULL,
  zone_revision TEXT NOT NULL
) STRICT;

-- The zones a life watched, in the order of the configuration.
CREATE TABLE life_zone (
  life INTEGER NOT NULL REFERENCES life(id) ON DELETE CASCADE,
  place INTEGER NOT NULL CHECK (place >= 0),
  zone TEXT NOT NULL,
  name TEXT NOT NULL,
  camera TEXT NOT NULL,
  PRIMARY KEY (life, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  zone TEXT NOT NULL,
  zone_name TEXT NOT NULL,
  camera TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  captured_us INTEGER NOT NULL,
  frame INTEGER NOT NULL CHECK (frame >= 0),
  score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
  anchor_x REAL NOT NULL,
  anchor_y REAL NOT NULL,
  track INTEGER,
  model_digest TEXT NOT NULL,
  zone_revision TEXT NOT NULL,
  siren_after_ms INTEGER CHECK (siren_after_ms >= 0),
  entries INTEGER NOT NULL DEFAULT 1 CHECK (entries >= 1),
  last_inside_us INTEGER,
  ended_us INTEGER,
  ended_how TEXT CHECK (ended_how IN ('clear', 'interrupted')),
  -- The newest alarm that spoke of this incident, and who answered it.
  alarm INTEGER,
  acknowledged_by TEXT,
  CHECK ((ended_us IS NULL) = (ended_how IS NULL))
) STRICT;
CREATE INDEX incident_ended ON incident (ended_us);
CREATE INDEX incident_alarm ON incident (alarm);

-- Stages of the frame that raised an incident; they add up to capture -> siren.
CREATE TABLE stage (
  incident INTEGER NOT NULL REFERENCES incident(id) ON DELETE CASCADE,
  place INTEGER NOT NULL CHECK (place >= 0),
  stage TEXT NOT NULL,
  ms REAL NOT NULL,
  PRIMARY KEY (incident, place)
) STRICT, WITHOUT ROWID;

-- Further people of an incident; the first one stands in `incident`.
CREATE TABLE entry (
  incident INTEGER NOT NULL REFERENCES incident(id) ON DELETE CASCADE,
  at_us INTEGER NOT NULL,
  anchor_x REAL NOT NULL,
  anchor_y REAL NOT NULL,
  score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
  track INTEGER,
  PRIMARY KEY (incident, at_us, anchor_x, anchor_y)
) STRICT, WITHOUT ROWID;

CREATE TABLE unknown_span (
  id INTEGER PRIMARY KEY,
  zone TEXT NOT NULL,
  from_us INTEGER NOT NULL,
  to_us INTEGER,
  cause TEXT NOT NULL,
  ended_how TEXT CHECK (ended_how IN ('known', 'interrupted')),
  CHECK ((to_us IS NULL) = (ended_how IS NULL))
) STRICT;
CREATE UNIQUE INDEX unknown_span_open ON unknown_span (zone) WHERE to_us IS NULL;
CREATE INDEX unknown_span_to ON unknown_span (to_us);

CREATE TABLE alarm (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  source TEXT NOT NULL CHECK (source IN ('intrusion', 'blind', 'fault')),
  subject TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('normal', 'unacknowledged', 'acknowledged', 'returned_unacknowledged')),
  raised_us INTEGER NOT NULL,
  changed_us INTEGER NOT NULL,
  incident INTEGER,
  text TEXT NOT NULL,
  acknowledged_by TEXT,
  acknowledged_us INTEGER,
  CHECK ((acknowledged_by IS NULL) = (acknowledged_us IS NULL))
) STRICT;
CREATE INDEX alarm_open ON alarm (id) WHERE state <> 'normal';
CREATE INDEX alarm_incident ON alarm (incident);

CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL UNIQUE REFERENCES incident(id) ON DELETE CASCADE,
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  jpeg BLOB NOT NULL CHECK (length(jpeg) = bytes)
) STRICT;
CREATE INDEX snapshot_bytes ON snapshot (id, bytes);

-- Every record, in the order of arrival. Rows are never changed; only the oldest may go.
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('started', 'incident_started', 'person_entered',
    'incident_ended', 'zone_unknown', 'zone_known', 'alarm', 'acknowledged', 'siren_sounded',
    'note', 'interrupted')),
  at_us INTEGER,
  subject TEXT NOT NULL,
  incident INTEGER,
  alarm INTEGER,
  -- The rest of the record, `key=value` a line; `\` and line ends inside values are escaped.
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at_us, kind);
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_goes_oldest_first BEFORE DELETE ON event
WHEN OLD.id <> (SELECT min(id) FROM event)
BEGIN SELECT RAISE(ABORT, 'only the oldest event may be removed'); END;

-- How many rows were removed to keep the store bounded, by table. No loss goes uncounted.
CREATE TABLE removed (
  what TEXT PRIMARY KEY,
  rows INTEGER NOT NULL CHECK (rows > 0)
) STRICT, WITHOUT ROWID;
