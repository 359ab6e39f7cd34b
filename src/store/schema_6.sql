-- Schema 6: whether the machine itself was restarted between two lives. Then its clock may have stood
-- still, and nobody knows for how long the box was off.

-- Linux's /proc/sys/kernel/random/boot_id; nothing where it is not known.
ALTER TABLE life ADD COLUMN boot_id TEXT;
