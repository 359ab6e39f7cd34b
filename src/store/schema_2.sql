-- Schema 2: alarms of warning zones, approaches and overdue walk tests; zones armed and disarmed.
-- SQLite cannot change a CHECK, so the two tables are built anew with every row they had. Dropping a
-- table fires no trigger, so the log's own guards do not stand in the way.

CREATE TABLE alarm_2 (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  source TEXT NOT NULL CHECK (source IN ('intrusion', 'warning', 'blind', 'fault', 'untested')),
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
INSERT INTO alarm_2 (id, source, subject, state, raised_us, changed_us, incident, text,
    acknowledged_by, acknowledged_us)
  SELECT id, source, subject, state, raised_us, changed_us, incident, text,
    acknowledged_by, acknowledged_us FROM alarm;
DROP TABLE alarm;
ALTER TABLE alarm_2 RENAME TO alarm;
CREATE INDEX alarm_open ON alarm (id) WHERE state <> 'normal';
CREATE INDEX alarm_incident ON alarm (incident);

CREATE TABLE event_2 (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('started', 'incident_started', 'person_entered',
    'incident_ended', 'zone_unknown', 'zone_known', 'zone_armed', 'zone_disarmed', 'alarm',
    'acknowledged', 'siren_sounded', 'note', 'interrupted')),
  at_us INTEGER,
  subject TEXT NOT NULL,
  incident INTEGER,
  alarm INTEGER,
  -- The rest of the record, `key=value` a line; `\` and line ends inside values are escaped.
  detail TEXT NOT NULL
) STRICT;
INSERT INTO event_2 (id, kind, at_us, subject, incident, alarm, detail)
  SELECT id, kind, at_us, subject, incident, alarm, detail FROM event;
DROP TABLE event;
ALTER TABLE event_2 RENAME TO event;
CREATE INDEX event_at ON event (at_us, kind);
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_goes_oldest_first BEFORE DELETE ON event
WHEN OLD.id <> (SELECT min(id) FROM event)
BEGIN SELECT RAISE(ABORT, 'only the oldest event may be removed'); END;
