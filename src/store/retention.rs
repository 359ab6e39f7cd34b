//! How much is kept. The oldest rows go first, and every removed row is counted in `removed`.
//!
//! Row numbers only ever rise, so "more than N rows" is asked as "older than newest − N": no table
//! is counted through on the way of an alarm.

use rusqlite::{Connection, params};

/// Incidents kept: at a hundred a day, five years.
pub const INCIDENTS_KEPT: i64 = 200_000;

/// Alarms kept; open ones always are.
pub const ALARMS_KEPT: i64 = 200_000;

/// Unknown spans kept: a camera that fails every ten minutes fills this in four years.
pub const UNKNOWN_SPANS_KEPT: i64 = 200_000;

/// Lives kept. Time before the oldest one counts as not watched.
pub const LIVES_KEPT: i64 = 10_000;

/// Rows of the event log kept, about 200 bytes each: 400 MB.
pub const EVENTS_KEPT: i64 = 2_000_000;

/// Snapshots kept, and their bytes together, those of the clear ones beside them too: each may have two
/// of 250 kB. Whichever is reached first counts.
pub const SNAPSHOTS_KEPT: i64 = 2_000;
pub const SNAPSHOT_BYTES_KEPT: i64 = 1024 * 1024 * 1024;

/// Rows removed from a table in one transaction, so that no write pays for a long backlog.
const REMOVED_AT_ONCE: i64 = 64;

/// Takes what is over the limits from every table but `snapshot`.
pub(super) fn trim(connection: &Connection) -> rusqlite::Result<()> {
    for (table, kept, only) in [
        (
            "incident",
            INCIDENTS_KEPT,
            "ended_us IS NOT NULL AND id NOT IN (SELECT incident FROM pin)",
        ),
        ("alarm", ALARMS_KEPT, "state = 'normal'"),
        ("unknown_span", UNKNOWN_SPANS_KEPT, "to_us IS NOT NULL"),
        ("life", LIVES_KEPT, "true"),
        ("event", EVENTS_KEPT, "true"),
    ] {
        let removed = connection
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE id IN (
                   SELECT id FROM {table}
                   WHERE id <= (SELECT max(id) FROM {table}) - ?1 AND {only}
                   ORDER BY id LIMIT ?2)"
            ))?
            .execute(params![kept, REMOVED_AT_ONCE])?;
        count(connection, table, removed)?;
    }
    Ok(())
}

/// Takes the oldest rows of one more table.
pub(super) fn trim_table(connection: &Connection, table: &str, kept: i64) -> rusqlite::Result<()> {
    let removed = connection
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE id IN (
               SELECT id FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?1
               ORDER BY id LIMIT ?2)"
        ))?
        .execute(params![kept, REMOVED_AT_ONCE])?;
    count(connection, table, removed)
}

/// Takes the oldest snapshots until count and bytes are within the limits.
pub(super) fn trim_snapshots(
    connection: &Connection,
    rows_kept: i64,
    bytes_kept: i64,
) -> rusqlite::Result<()> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM snapshot WHERE id IN (
               SELECT id FROM (
                 SELECT id, row_number() OVER newest AS place,
                   sum(bytes + clear_bytes) OVER newest AS total
                 FROM snapshot INDEXED BY snapshot_bytes WINDOW newest AS (ORDER BY id DESC))
               WHERE place > ?1 OR total > ?2)
             AND incident NOT IN (SELECT incident FROM pin)",
        )?
        .execute(params![rows_kept, bytes_kept])?;
    count(connection, "snapshot", removed)
}

pub(super) fn count(connection: &Connection, what: &str, rows: usize) -> rusqlite::Result<()> {
    if rows == 0 {
        return Ok(());
    }
    connection
        .execute(
            "INSERT INTO removed (what, rows) VALUES (?1, ?2)
             ON CONFLICT (what) DO UPDATE SET rows = rows + excluded.rows",
            params![what, rows],
        )
        .map(|_rows| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshots(sizes: &[i64]) -> Connection {
        let connection = Connection::open_in_memory().expect("in memory");
        connection.execute_batch(include_str!("schema_1.sql")).expect("schema");
        for sql in [include_str!("schema_12.sql"), include_str!("schema_13.sql")] {
            connection.execute_batch(sql).expect("schema");
        }
        connection.execute_batch("CREATE TABLE walk_test (id INTEGER)").expect("schema");
        connection.execute_batch(include_str!("schema_16.sql")).expect("schema");
        connection.execute_batch("PRAGMA foreign_keys = OFF").expect("pragma");
        for (id, bytes) in (1_i64..).zip(sizes) {
            connection
                .execute(
                    "INSERT INTO snapshot (id, incident, bytes, jpeg)
                     VALUES (?1, ?1, ?2, zeroblob(?2))",
                    params![id, bytes],
                )
                .expect("insert");
        }
        connection
    }

    fn kept(connection: &Connection) -> Vec<i64> {
        connection
            .prepare("SELECT id FROM snapshot ORDER BY id")
            .expect("prepare")
            .query_map([], |row| row.get(0))
            .expect("query")
            .collect::<Result<_, _>>()
            .expect("rows")
    }

    #[test]
    fn oldest_snapshots_go_first_by_count_and_by_bytes_and_are_counted() {
        let connection = snapshots(&[10, 10, 10, 10, 10]);
        trim_snapshots(&connection, 3, 1_000).expect("trim");
        assert_eq!(kept(&connection), [3, 4, 5]);
        trim_snapshots(&connection, 3, 20).expect("trim");
        assert_eq!(kept(&connection), [4, 5]);
        let rows: i64 = connection
            .query_row("SELECT rows FROM removed WHERE what = 'snapshot'", [], |row| row.get(0))
            .expect("count");
        assert_eq!(rows, 3);
        // What lies beside them counts: 10 and 10 clear ones are over 15.
        connection.execute_batch("UPDATE snapshot SET clear_bytes = 10").expect("beside");
        trim_snapshots(&connection, 3, 25).expect("trim");
        assert_eq!(kept(&connection), [5]);
    }

    #[test]
    fn event_log_refuses_change_and_removal_from_the_middle() {
        let connection = snapshots(&[]);
        for at in 1..=3 {
            connection
                .execute(
                    "INSERT INTO event (kind, at_us, subject, detail) VALUES ('note', ?1, '', '')",
                    [at],
                )
                .expect("insert");
        }
        assert!(connection.execute("UPDATE event SET subject = 'x'", []).is_err());
        assert!(connection.execute("DELETE FROM event WHERE id = 2", []).is_err());
        assert_eq!(connection.execute("DELETE FROM event WHERE id <= 2", []).expect("oldest"), 2);
    }

    #[test]
    fn rows_beyond_the_limit_go_but_open_ones_stay() {
        let connection = snapshots(&[]);
        let insert = |id: i64, state: &str| {
            connection
                .execute(
                    "INSERT INTO alarm (id, source, subject, state, raised_us, changed_us, text)
                     VALUES (?1, 'blind', 'east', ?2, 0, 0, '')",
                    params![id, state],
                )
                .expect("insert");
        };
        insert(1, "normal");
        insert(2, "unacknowledged");
        insert(ALARMS_KEPT + 2, "normal");
        trim(&connection).expect("trim");
        let ids: Vec<i64> = connection
            .prepare("SELECT id FROM alarm ORDER BY id")
            .expect("prepare")
            .query_map([], |row| row.get(0))
            .expect("query")
            .collect::<Result<_, _>>()
            .expect("rows");
        assert_eq!(ids, [2, ALARMS_KEPT + 2]);
    }
}
