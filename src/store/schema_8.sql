-- Schema 8: alarms that latch, alarms on the shelf, zones out of service; and versions of alarms.
-- SQLite cannot change a CHECK, so two tables are built anew.

CREATE TABLE alarm_8 (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  source TEXT NOT NULL CHECK (source IN ('intrusion', 'warning', 'blind', 'fault', 'untested')),
  subject TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('normal', 'unacknowledged', 'acknowledged', 'returned_unacknowledged',
      'latched_unacknowledged', 'latched_acknowledged', 'shelved', 'out_of_service')),
  raised_us INTEGER NOT NULL,
  changed_us INTEGER NOT NULL,
  incident INTEGER,
  text TEXT NOT NULL,
  acknowledged_by TEXT,
  acknowledged_us INTEGER,
  -- Rises with every change, over restarts too; 0 for what was kept before there were any.
  version INTEGER NOT NULL CHECK (version >= 0),
  -- The version at which it last wanted an answer.
  renewed INTEGER NOT NULL CHECK (renewed BETWEEN 0 AND version),
  CHECK ((acknowledged_by IS NULL) = (acknowledged_us IS NULL))
) STRICT;
INSERT INTO alarm_8 (id, source, subject, state, raised_us, changed_us, incident, text,
    acknowledged_by, acknowledged_us, version, renewed)
  SELECT id, source, subject, state, raised_us, changed_us, incident, text,
    acknowledged_by, acknowledged_us, 0, 0 FROM alarm;
DROP TABLE alarm;
ALTER TABLE alarm_8 RENAME TO alarm;
CREATE INDEX alarm_open ON alarm (id) WHERE state <> 'normal';
CREATE INDEX alarm_incident ON alarm (incident);
CREATE INDEX alarm_version ON alarm (version);

-- The log may have millions of rows, and nothing guards while they are copied. So only the newest are
-- taken along at once; the others stay in `event_before`, from where the box that runs brings them over,
-- a portion at a time and the newest first, until the table is empty and dropped (`moving.rs`).
DROP TRIGGER event_is_never_changed;
DROP TRIGGER event_goes_oldest_first;
DROP INDEX event_at;
ALTER TABLE event RENAME TO event_before;
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('started', 'incident_started', 'person_entered',
    'incident_ended', 'zone_unknown', 'zone_known', 'zone_armed', 'zone_disarmed', 'alarm',
    'acknowledged', 'silenced', 'reset', 'shelved', 'unshelved', 'out_of_service', 'in_service',
    'siren_sounded', 'note', 'interrupted')),
  at_us INTEGER,
  subject TEXT NOT NULL,
  incident INTEGER,
  alarm INTEGER,
  -- The rest of the record, `key=value` a line; `\` and line ends inside values are escaped.
  detail TEXT NOT NULL
) STRICT;
-- As many as the start looks back at (`restore.rs`).
INSERT INTO event (id, kind, at_us, subject, incident, alarm, detail)
  SELECT id, kind, at_us, subject, incident, alarm, detail FROM event_before
  ORDER BY id DESC LIMIT 10000;
DELETE FROM event_before WHERE id >= (SELECT min(id) FROM event);
CREATE INDEX event_at ON event (at_us, kind);
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_goes_oldest_first BEFORE DELETE ON event
WHEN OLD.id <> (SELECT min(id) FROM event)
BEGIN SELECT RAISE(ABORT, 'only the oldest event may be removed'); END;
CREATE TRIGGER event_before_is_never_changed BEFORE UPDATE ON event_before
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

-- What people keep from being heard and sent: on the shelf until a time, or out of service.
CREATE TABLE inhibition (
  source TEXT NOT NULL CHECK (source IN ('intrusion', 'warning', 'blind', 'fault', 'untested')),
  subject TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('shelved', 'out_of_service')),
  -- The alarm that was put on the shelf.
  alarm INTEGER,
  by TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason <> ''),
  since_us INTEGER NOT NULL,
  until_us INTEGER,
  PRIMARY KEY (source, subject),
  CHECK ((kind = 'shelved') = (until_us IS NOT NULL) AND (alarm IS NULL) = (until_us IS NULL))
) STRICT, WITHOUT ROWID;
