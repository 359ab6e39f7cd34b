-- Schema 16: how much of people a kept picture hides, the digest of clear pictures, and their bytes.

-- How much of people a pixelated picture hides. Of those kept before this nobody knows more than that it
-- is the heads at least: NULL.
ALTER TABLE snapshot ADD COLUMN hides TEXT CHECK (hides IN ('heads', 'persons'));
-- Bytes of the clear picture beside it, so that both are within the bound.
ALTER TABLE snapshot ADD COLUMN clear_bytes INTEGER NOT NULL DEFAULT 0 CHECK (clear_bytes >= 0);
-- Of clear pictures kept before this, NULL.
ALTER TABLE snapshot_clear ADD COLUMN sha256 TEXT CHECK (length(sha256) = 64);
UPDATE snapshot SET clear_bytes =
  (SELECT length(it.jpeg) FROM snapshot_clear AS it WHERE it.incident = snapshot.incident)
WHERE incident IN (SELECT incident FROM snapshot_clear);

-- How many and how large is asked of the index alone: the rows are pictures.
DROP INDEX snapshot_bytes;
CREATE INDEX snapshot_bytes ON snapshot (id, bytes, clear_bytes);

DROP TRIGGER snapshot_replaced;
CREATE TRIGGER snapshot_replaced AFTER UPDATE OF jpeg ON snapshot
BEGIN
  UPDATE snapshot SET shows = 'clear', hides = NULL, clear_bytes = 0 WHERE id = NEW.id;
  DELETE FROM snapshot_clear WHERE incident = NEW.incident;
END;

-- The same of the picture of a walk test; NULL: nothing, or kept before this.
ALTER TABLE walk_test ADD COLUMN picture_hides TEXT CHECK (picture_hides IN ('heads', 'persons'));
