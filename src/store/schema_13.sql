-- Schema 13: pictures of incidents in which nobody can be recognised, beside the clear ones; and what
-- people judged incidents to be. Times are microseconds since 1970 in UTC.

-- What `jpeg` shows of people. Pictures kept before this are clear.
ALTER TABLE snapshot ADD COLUMN shows TEXT NOT NULL DEFAULT 'clear'
  CHECK (shows IN ('clear', 'pixelated'));

-- The clear picture of a pixelated one; goes with it.
CREATE TABLE snapshot_clear (
  incident INTEGER PRIMARY KEY REFERENCES snapshot(incident) ON DELETE CASCADE,
  jpeg BLOB NOT NULL CHECK (length(jpeg) > 0)
) STRICT;

-- Another picture is clear until somebody says otherwise: never shown by mistake.
CREATE TRIGGER snapshot_replaced AFTER UPDATE OF jpeg ON snapshot
BEGIN
  UPDATE snapshot SET shows = 'clear' WHERE id = NEW.id;
  DELETE FROM snapshot_clear WHERE incident = NEW.incident;
END;

-- The newest verdict on an incident; earlier ones are in the audit log.
CREATE TABLE verdict (
  incident INTEGER PRIMARY KEY REFERENCES incident(id) ON DELETE CASCADE,
  verdict TEXT NOT NULL CHECK (verdict IN ('true', 'false', 'test')),
  by TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  note TEXT NOT NULL
) STRICT;
