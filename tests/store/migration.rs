//! A store of schema 7 with something in every table, brought to today's schema row by row.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use standclear::store::check::{Finding, check};
use standclear::store::{FILE_NAME, Moved, SCHEMA};

use super::{at, folder, number, open};

/// More rows of the log than come over at once.
const EVENTS: i64 = 13_500;

const SCHEMAS: [&str; 7] = [
    include_str!("../../src/store/schema_1.sql"),
    include_str!("../../src/store/schema_2.sql"),
    include_str!("../../src/store/schema_3.sql"),
    include_str!("../../src/store/schema_4.sql"),
    include_str!("../../src/store/schema_5.sql"),
    include_str!("../../src/store/schema_6.sql"),
    include_str!("../../src/store/schema_7.sql"),
];

/// What a box of that time had written: an incident that was answered, one that is open, and people,
/// zones, tests, heat.
const ROWS: &str = "
  INSERT INTO life VALUES (1, 0, 900, '0.1.0', 'z1', NULL), (2, 1000, 9000, '0.2.0', 'z2', 'b00t');
  INSERT INTO life_zone VALUES (1, 0, 'gate', 'Tor „Süd“', 'east', NULL, NULL),
    (2, 0, 'gate', 'Tor', 'east', NULL, 8000), (2, 1, 'dock', 'Dock', 'east', 1500, NULL);
  INSERT INTO alarm VALUES
    (4, 'intrusion', 'gate', 'acknowledged', 100, 300, 1, '1 person\ninside', 'Zoë 山田', 250),
    (5, 'warning', 'dock', 'normal', 400, 500, NULL, '', NULL, NULL),
    (6, 'fault', 'siren', 'returned_unacknowledged', 600, 700, NULL, 'it is silent', NULL, NULL),
    (7, 'blind', 'east', 'unacknowledged', 800, 800, NULL, 'no pictures', NULL, NULL),
    (8, 'untested', 'dock', 'unacknowledged', 900, 900, NULL, 'not walked', NULL, NULL);
  INSERT INTO incident VALUES
    (1, 'gate', 'Tor', 'east', 100, 90, 8, 0.7, 0.5, 0.25, 3, 'd1', 'z1', 190, 2, 290, 300,
      'clear', 4, 'Zoë 山田'),
    (2, 'dock', 'Dock', 'east', 1600, 1590, 9, 1, 0, 1, NULL, 'd1', 'z2', NULL, 1, NULL, NULL,
      NULL, NULL, NULL);
  INSERT INTO stage VALUES (1, 0, 'seen', 38.5), (1, 1, 'inferred', 26.25);
  INSERT INTO entry VALUES (1, 120, 0.3, 0.5, 0.6, NULL);
  INSERT INTO snapshot VALUES (3, 1, 4, x'ffd8ffd9');
  INSERT INTO unknown_span VALUES (1, 'gate', 0, 10, 'starting', 'known'),
    (2, 'gate', 900, 1000, 'gap', 'interrupted'), (3, 'dock', 1500, NULL, 'starting', NULL);
  INSERT INTO removed VALUES ('event', 64);
  INSERT INTO event VALUES (65, 'started', 0, '', NULL, NULL, 'version=0.1.0'),
    (66, 'incident_started', 100, 'gate', 1, NULL, 'camera=east'),
    (67, 'alarm', 100, 'gate', 1, 4, 'source=intrusion\nstate=unacknowledged'),
    (68, 'siren_sounded', NULL, '', 1, NULL, 'after_ms=190'),
    (69, 'person_entered', 120, '', 1, NULL, 'score=0.6'),
    (70, 'alarm', 250, 'gate', 1, 4, 'state=acknowledged'),
    (71, 'acknowledged', 250, '', NULL, 4, 'by=Zoë 山田'),
    (72, 'incident_ended', 300, '', 1, NULL, 'entries=2'),
    (73, 'zone_unknown', 900, 'gate', NULL, NULL, 'cause=gap'),
    (74, 'zone_known', 1000, 'gate', NULL, NULL, ''),
    (75, 'zone_disarmed', 1100, 'gate', NULL, NULL, 'by=schedule'),
    (76, 'zone_armed', 1200, 'gate', NULL, NULL, ''),
    (77, 'interrupted', 900, 'gate', NULL, NULL, 'what=unknown_span'),
    (78, 'incident_started', 1600, 'dock', 2, NULL, 'camera=east'),
    (79, 'alarm', 900, 'dock', NULL, 8, 'state=unacknowledged');
  INSERT INTO user VALUES
    ('eva', 'Eva', 'admin', '$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA', 0, 1, 2);
  INSERT INTO session VALUES (zeroblob(32), 'eva', 3, 4);
  INSERT INTO api_token VALUES ('t1', 'plc', 'integration', randomblob(32), 5, NULL);
  INSERT INTO zone_version VALUES
    ('east', 1, NULL, '{}', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      'replaced', 'file', 'the file', 1, '', NULL, NULL, 1, NULL, NULL, NULL, '[]'),
    ('east', 2, 1, '{}', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      'in_force', 'page', 'Eva', 2, 'moved', 'Tom', 3, 3, NULL, NULL, NULL, '[\"Eva\"]');
  INSERT INTO zone_draft VALUES ('east', 2, '{\"a\":1}', 'Tom', 6, '[\"Tom\",\"Eva\"]');
  INSERT INTO zone_file VALUES ('east', 'abc', 7, 'def');
  INSERT INTO walk_test VALUES (1, 'gate', 'Tor', 'east', printf('%064d', 1), 2, 'Tom', 'Eva', 8,
    'passed', 'sounds', 2000, '{}', 0, x'ffd8', 'Eva', 9, 'done');
  INSERT INTO walk_edge VALUES (1, 0, 'edge 1', '[]', NULL, NULL), (1, 1, 'wall', '[]', 'person', 'a wall');
  INSERT INTO walk_attempt VALUES (1, 1, 0, 8, 'pass', '', 100, 110, 190, 5, 1);
  INSERT INTO heat_hour VALUES ('east', 490000, x'010002000000');";

fn store_of_schema_7(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join(FILE_NAME)).expect("made");
    for sql in SCHEMAS {
        connection.execute_batch(sql).expect("a schema");
    }
    connection.execute_batch(ROWS).expect("rows");
    let many = "INSERT INTO event WITH RECURSIVE n (i) AS (
        SELECT 80 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + 64)
      SELECT i, 'note', 2000 + i, '', NULL, NULL, 'text=' || i FROM n";
    connection.execute(many, [EVENTS]).expect("notes");
    // The chain of the audit log is of hashes, which SQL cannot make; its tables are the same today.
    let other = folder();
    let mut written = open(other.path());
    for (action, subject) in [("started", ""), ("alarm_acknowledged", "alarm 4")] {
        written.append_audit("Zoë 山田", action, subject, "", at(1)).expect("kept");
    }
    drop(written);
    let copied = format!(
        "ATTACH '{}' AS written;
         INSERT INTO audit SELECT * FROM written.audit;
         DELETE FROM audit_head;
         INSERT INTO audit_head SELECT * FROM written.audit_head;
         DETACH written;
         PRAGMA application_id = 1400128364; PRAGMA user_version = 7;",
        other.path().join(FILE_NAME).display()
    );
    connection.execute_batch(&copied).expect("an audit log");
    connection
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("prepared");
    let rows = statement.query_map([], |row| row.get(0)).expect("asked");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// Every table with its columns.
fn tables(connection: &Connection) -> BTreeMap<String, Vec<String>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let columns = |table: &String| {
        texts(connection, &format!("SELECT name FROM pragma_table_info('{table}')"))
    };
    texts(connection, names).into_iter().map(|table| (table.clone(), columns(&table))).collect()
}

/// What the columns hold, row by row.
fn rows(connection: &Connection, table: &str, columns: &[String]) -> Vec<Vec<Value>> {
    let order: Vec<String> = (1..=columns.len()).map(|place| place.to_string()).collect();
    let sql = format!(
        "SELECT \"{}\" FROM \"{table}\" ORDER BY {}",
        columns.join("\", \""),
        order.join(", ")
    );
    let mut statement = connection.prepare(&sql).expect("prepared");
    let values = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|at| row.get(at)).collect();
    let all = statement.query_map([], values).expect("asked");
    all.collect::<Result<_, _>>().expect("rows")
}

#[test]
fn a_store_of_schema_7_has_every_row_it_had_and_the_check_finds_nothing() {
    let dir = folder();
    let old = store_of_schema_7(dir.path());
    let had: Vec<(String, Vec<String>, Vec<Vec<Value>>)> = tables(&old)
        .into_iter()
        .map(|(table, columns)| {
            let all = rows(&old, &table, &columns);
            assert!(!all.is_empty(), "nothing in {table}");
            (table, columns, all)
        })
        .collect();
    drop(old);

    let mut store = open(dir.path());
    assert_eq!(number(dir.path(), "PRAGMA user_version"), SCHEMA);
    let newest = "SELECT count(*) FROM event WHERE id > 13564 - 10000";
    assert_eq!(number(dir.path(), newest), 10_000, "what a start looks at is there at once");
    assert!(number(dir.path(), "SELECT count(*) FROM event") < EVENTS, "the rest waits");
    let broken = |found: Vec<Finding>| -> Vec<Finding> {
        found.into_iter().filter(Finding::is_broken).collect()
    };
    assert_eq!(broken(check(dir.path()).expect("checked")), [], "also while the log is moved");
    let mut portions = 0;
    while store.move_log().expect("moved") == Moved::Portion {
        portions += 1;
        assert!(portions < 100, "it never ends");
    }
    drop(store);

    let new = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    for (table, columns, before) in had {
        let after = rows(&new, &table, &columns);
        assert_eq!(after.len(), before.len(), "{table}");
        for (now, then) in after.iter().zip(&before) {
            assert_eq!(now, then, "{table}");
        }
    }
    assert_eq!(number(dir.path(), "SELECT count(*) FROM event"), EVENTS);
    assert_eq!(texts(&new, "SELECT name FROM sqlite_schema WHERE name LIKE '%before%'"), [""; 0]);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM alarm WHERE version + renewed = 0"), 5);
    assert_eq!(broken(check(dir.path()).expect("checked")), []);
}

/// Not run by itself: what an update costs a box with a full log.
///
/// `cargo test --release --test store -- --ignored --nocapture update_of`
#[test]
#[ignore = "takes minutes and a gigabyte of disk; prints figures"]
fn update_of_two_million_rows() {
    let dir = folder();
    let old = store_of_schema_7(dir.path());
    old.execute_batch(
        "PRAGMA synchronous = OFF;
         INSERT INTO event WITH RECURSIVE n (i) AS (
           SELECT 13565 UNION ALL SELECT i + 1 FROM n WHERE i < 2000064)
         SELECT i, 'alarm', 20000 + i, 'gate', i / 10, 4, 'source=intrusion' || char(10)
           || 'state=acknowledged' || char(10) || 'text=1 person inside the zone, row ' || i FROM n;",
    )
    .expect("a full log");
    drop(old);
    let began = standclear::clock::monotonic();
    let mut store = open(dir.path());
    let opened = standclear::clock::monotonic();
    let (mut portions, mut longest) = (0, std::time::Duration::ZERO);
    loop {
        let from = standclear::clock::monotonic();
        let moved = store.move_log().expect("moved");
        longest = longest.max(standclear::clock::monotonic().since(from));
        portions += 1;
        if moved == Moved::All {
            break;
        }
    }
    let all = standclear::clock::monotonic();
    println!(
        "opened after {:?}; {portions} portions in {:?}, the longest {longest:?}",
        opened.since(began),
        all.since(opened)
    );
}
