-- Schema 17: incidents are looked for by zone, camera, time and verdict; and how far people were from
-- camera and zone.

CREATE INDEX incident_zone ON incident (zone);
CREATE INDEX incident_camera ON incident (camera);
CREATE INDEX incident_started ON incident (started_us);
CREATE INDEX verdict_word ON verdict (verdict);

-- What was measured in the picture that raised an incident, JSON; none where the floor is not known.
CREATE TABLE distance (
  incident INTEGER PRIMARY KEY REFERENCES incident(id) ON DELETE CASCADE,
  facts TEXT NOT NULL
) STRICT;

-- Which clips are there is asked of the index alone, however many were removed.
CREATE INDEX clip_there ON clip (id, incident, bytes, lost) WHERE removed_us IS NULL;
