-- Schema 15: clips in which nobody can be recognised, beside the clear ones; and where people were in
-- each clip. A clip that is removed keeps its rows here but the track, as it keeps its own.

-- What `file` shows of people: the clear clip, or the hidden one where there is no clear one.
ALTER TABLE clip ADD COLUMN shows TEXT NOT NULL DEFAULT 'clear' CHECK (shows IN ('clear', 'hidden'));
-- How much of people it hides, of a hidden one; NULL: masks only.
ALTER TABLE clip ADD COLUMN hides TEXT CHECK (hides IN ('heads', 'persons'));

-- The hidden clip beside a clear one. Neither `file` nor `lost`: it is being made.
CREATE TABLE clip_hidden (
  clip INTEGER PRIMARY KEY REFERENCES clip(id) ON DELETE CASCADE,
  -- Name in the folder; kept when the file is removed, so that no other clip gets it.
  file TEXT UNIQUE,
  bytes INTEGER CHECK (bytes > 0),
  sha256 TEXT CHECK (length(sha256) = 64),
  codec TEXT,
  hides TEXT CHECK (hides IN ('heads', 'persons')),
  -- Why there is none.
  lost TEXT,
  CHECK ((file IS NULL) = (bytes IS NULL) AND (file IS NULL) = (sha256 IS NULL)
    AND (file IS NULL) = (codec IS NULL))
) STRICT;

-- Who was seen where while a clip lasted, as it is handed out (JSON).
CREATE TABLE clip_track (
  clip INTEGER PRIMARY KEY REFERENCES clip(id) ON DELETE CASCADE,
  json TEXT NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
) STRICT;
