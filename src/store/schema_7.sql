-- Schema 7: everybody who drew a change of zones, and what a zone file meant when it was taken.

-- Names, a JSON list: whoever saved the draft since it was begun.
ALTER TABLE zone_draft ADD COLUMN drawn_by TEXT NOT NULL DEFAULT '[]';
UPDATE zone_draft SET drawn_by = json_array(by);
ALTER TABLE zone_version ADD COLUMN drawn_by TEXT NOT NULL DEFAULT '[]';
DROP TRIGGER zone_version_is_never_rewritten;
CREATE TRIGGER zone_version_is_never_rewritten BEFORE UPDATE OF
  camera, number, base, document, digest, source, by, at_us, reason, drawn_by ON zone_version
BEGIN SELECT RAISE(ABORT, 'a zone version is never rewritten'); END;

-- Digest of the document that was last taken from the file; NULL when that is not known.
ALTER TABLE zone_file ADD COLUMN document_digest TEXT;
