-- Schema 11: losses of what was never written, because the store was too slow to take it.
-- SQLite cannot change a CHECK, so the table is built anew; it has a row for each reason at most.

CREATE TABLE outbox_loss_11 (
  channel TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('alarm', 'fault', 'telemetry')),
  reason TEXT NOT NULL
    CHECK (reason IN ('age', 'room', 'refused', 'expired', 'unconfigured', 'unkept')),
  rows INTEGER NOT NULL CHECK (rows > 0),
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (channel, class, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO outbox_loss_11 (channel, class, reason, rows, first_us, last_us, told)
  SELECT channel, class, reason, rows, first_us, last_us, told FROM outbox_loss;
DROP TABLE outbox_loss;
ALTER TABLE outbox_loss_11 RENAME TO outbox_loss;
