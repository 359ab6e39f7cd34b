-- What a quantized model sees beside the parent that it was made of, by recording; the newest of a
-- recording counts.
CREATE TABLE parent_check (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  -- sha256 of the manifests, and of the model that was run.
  package  TEXT NOT NULL,
  parent   TEXT NOT NULL,
  model    TEXT NOT NULL,
  name     TEXT NOT NULL,
  sha256   TEXT NOT NULL,
  zones    TEXT NOT NULL,
  -- JSON of whoever keeps it.
  counted  TEXT NOT NULL,
  by       TEXT NOT NULL,
  kept_us  INTEGER NOT NULL,
  UNIQUE (package, model, sha256, zones)
) STRICT;
