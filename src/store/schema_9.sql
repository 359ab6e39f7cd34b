-- Schema 9: who this box is, what is to be sent to others, and how far each of them has got.

-- The box's identity: with key and version of a message, what a receiver knows repeats by.
CREATE TABLE box (
  place INTEGER PRIMARY KEY CHECK (place = 1),
  id TEXT NOT NULL CHECK (length(id) = 16)
) STRICT;
INSERT INTO box VALUES (1, lower(hex(randomblob(8))));

-- Messages, in the order in which they came about. A number is never given twice, also when every
-- row is gone: cursors point at numbers.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  class TEXT NOT NULL CHECK (class IN ('alarm', 'fault', 'telemetry')),
  key TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 0),
  at_us INTEGER NOT NULL,
  -- Later than this it is delivered as history.
  valid_until_us INTEGER NOT NULL,
  -- JSON.
  body TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes > 0)
) STRICT;
CREATE INDEX outbox_class ON outbox (class, id, bytes, at_us);

-- Everything of the class up to `position` is delivered to the channel, or counted in `outbox_loss`,
-- or not for it.
CREATE TABLE outbox_cursor (
  channel TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('alarm', 'fault', 'telemetry')),
  position INTEGER NOT NULL CHECK (position >= 0),
  delivered INTEGER NOT NULL DEFAULT 0 CHECK (delivered >= 0),
  delivered_us INTEGER,
  PRIMARY KEY (channel, class)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_cursor_class ON outbox_cursor (class, position);

-- What a channel will never get, and why; `told` of it have been told to the receiver.
CREATE TABLE outbox_loss (
  channel TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('alarm', 'fault', 'telemetry')),
  reason TEXT NOT NULL CHECK (reason IN ('age', 'room', 'refused', 'expired', 'unconfigured')),
  rows INTEGER NOT NULL CHECK (rows > 0),
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (channel, class, reason)
) STRICT, WITHOUT ROWID;

-- Where a handheld's browser takes messages while its page is closed.
CREATE TABLE push_subscription (
  device TEXT PRIMARY KEY,
  endpoint TEXT NOT NULL UNIQUE,
  p256dh TEXT NOT NULL,
  auth TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  -- Since when the push service has not taken anything for it.
  failed_us INTEGER
) STRICT, WITHOUT ROWID;
