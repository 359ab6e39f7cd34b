-- What a quantized model sees beside the parent that it was made of, by recording; the newest of the same
-- question counts: the same parent, recording, zones and way of looking.
CREATE TABLE parent_check (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  -- sha256 of the manifests, and of the model that was run.
  package  TEXT NOT NULL,
  parent   TEXT NOT NULL,
  model    TEXT NOT NULL,
  name     TEXT NOT NULL,
  sha256   TEXT NOT NULL,
  zones    TEXT NOT NULL,
  -- JSON of whoever keeps it: how it was looked, what was counted.
  settings TEXT NOT NULL,
  counted  TEXT NOT NULL,
  made_us  INTEGER NOT NULL,
  by       TEXT NOT NULL,
  kept_us  INTEGER NOT NULL,
  UNIQUE (package, parent, model, sha256, zones, settings)
) STRICT;
