-- Schema 14: what a camera's view is held against, so that it outlives the box. One row a camera; the
-- oldest rows go when cameras do. Times are microseconds since 1970 in UTC.

-- The view that the zones in force were drawn on: the learned picture in grey, and a picture to show.
CREATE TABLE view_reference (
  camera TEXT PRIMARY KEY,
  taken_us INTEGER NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('first', 'zones_approved', 'confirmed')),
  by TEXT,
  zone_version INTEGER,
  width_px INTEGER NOT NULL CHECK (width_px > 0),
  height_px INTEGER NOT NULL CHECK (height_px > 0),
  luma BLOB NOT NULL CHECK (length(luma) = width_px * height_px AND length(luma) <= 4194304),
  -- JPEG: for everybody, and in which people can be recognised.
  shown BLOB CHECK (length(shown) BETWEEN 1 AND 8388608),
  clear BLOB CHECK (length(clear) BETWEEN 1 AND 8388608)
) STRICT;

-- What else was learned of it: usual values by hour of day, and how it looks at other times. Its form
-- is the program's own; what cannot be read is learned anew.
CREATE TABLE view_learned (
  camera TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL,
  learned BLOB NOT NULL CHECK (length(learned) BETWEEN 1 AND 16777216)
) STRICT;

-- Views that have moved and that nobody has confirmed.
CREATE TABLE view_unconfirmed (
  camera TEXT PRIMARY KEY,
  since_us INTEGER NOT NULL
) STRICT;
