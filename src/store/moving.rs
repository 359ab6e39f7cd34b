//! The rest of an earlier schema's event log, brought over while the box guards.
//!
//! Schema 8 takes the newest rows of the log along at once and leaves the others in `event_before`
//! (`schema_8.sql` says why). They come over from the newest to the oldest, so that at any moment the
//! log has every row from some number on and none before it, as if the older ones were not kept any
//! more; whoever reads the log needs to know of nothing else.
//!
//! Not here: when a portion is moved (the guard's store thread).

use rusqlite::{Connection, params};

use super::retention::{self, EVENTS_KEPT};
use super::{Store, StoreError, in_transaction};

/// Rows that are moved in one transaction: tens of milliseconds, so that no alarm's commit waits
/// long behind it.
const MOVED_AT_ONCE: u32 = 1_024;

/// Whether rows are left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Everything is where it belongs.
    All,
    /// One portion came over; there may be more.
    Portion,
}

impl Store {
    /// Brings over one portion of what an earlier schema's log left behind. Call it again, at leisure,
    /// until it says that this was all.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn move_log(&mut self) -> Result<Moved, StoreError> {
        let path = &self.path;
        in_transaction(&mut self.connection, |connection| move_portion(connection, EVENTS_KEPT))
            .map_err(|source| {
                StoreError::or_full(path, source, |path, source| StoreError::Commit {
                    path,
                    source,
                })
            })
    }
}

pub(super) fn move_portion(connection: &Connection, events_kept: i64) -> rusqlite::Result<Moved> {
    let is_there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'event_before')";
    if !connection.query_row(is_there, [], |row| row.get::<_, bool>(0))? {
        return Ok(Moved::All);
    }
    // Beyond the log's limit: were they moved, the log would have a hole once it is trimmed.
    let gone = connection.execute(
        "DELETE FROM event_before WHERE id IN (
           SELECT id FROM event_before WHERE id <= (SELECT max(id) FROM event) - ?1
           ORDER BY id LIMIT ?2)",
        params![events_kept, MOVED_AT_ONCE],
    )?;
    retention::count(connection, "event", gone)?;
    if gone > 0 {
        return Ok(Moved::Portion);
    }
    let moved = connection.execute(
        "INSERT INTO event (id, kind, at_us, subject, incident, alarm, detail)
         SELECT id, kind, at_us, subject, incident, alarm, detail FROM event_before
         ORDER BY id DESC LIMIT ?1",
        [MOVED_AT_ONCE],
    )?;
    connection.execute("DELETE FROM event_before WHERE id >= (SELECT min(id) FROM event)", [])?;
    if moved == MOVED_AT_ONCE as usize {
        return Ok(Moved::Portion);
    }
    connection.execute_batch("DROP TABLE event_before")?;
    Ok(Moved::All)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of 10 to 5000, of which schema 8 left the rows up to 3000 behind.
    fn behind() -> Connection {
        let connection = Connection::open_in_memory().expect("in memory");
        let rows = "CREATE TABLE event (id INTEGER PRIMARY KEY, kind, at_us, subject, incident,
              alarm, detail);
            CREATE TABLE event_before AS SELECT * FROM event;
            WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
            INSERT INTO event_before SELECT i, 'note', i, '', NULL, NULL, 'text=' || i FROM n;
            INSERT INTO event SELECT * FROM event_before WHERE id > 3000;
            DELETE FROM event_before WHERE id > 3000;
            CREATE TABLE removed (what TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;";
        connection.execute_batch(rows).expect("a log");
        connection
    }

    fn number(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    const HOLES: &str = "SELECT max(id) - min(id) + 1 - count(*) FROM event";

    #[test]
    fn every_row_comes_over_in_portions_and_the_log_never_has_a_hole() {
        let connection = behind();
        let mut portions = 0;
        while move_portion(&connection, EVENTS_KEPT).expect("moved") == Moved::Portion {
            portions += 1;
            assert_eq!(number(&connection, HOLES), 0);
            assert!(portions < 10, "it never ends");
        }
        assert_eq!(portions, 2, "2991 rows, 1024 at a time, and a rest");
        assert_eq!(number(&connection, "SELECT min(id) FROM event"), 10);
        assert_eq!(number(&connection, "SELECT count(*) FROM event"), 4991);
        let as_they_were = "SELECT count(*) FROM event WHERE detail = 'text=' || id AND at_us = id";
        assert_eq!(number(&connection, as_they_were), 4991);
        assert_eq!(move_portion(&connection, EVENTS_KEPT).expect("asked"), Moved::All);
    }

    #[test]
    fn what_is_beyond_the_limit_is_counted_and_not_moved() {
        let connection = behind();
        while move_portion(&connection, 2_500).expect("moved") == Moved::Portion {
            assert_eq!(number(&connection, HOLES), 0);
        }
        assert_eq!(number(&connection, "SELECT min(id) FROM event"), 2_501);
        assert_eq!(number(&connection, "SELECT rows FROM removed WHERE what = 'event'"), 2_491);
    }
}
