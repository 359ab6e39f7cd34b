//! Packages that are fetched, and the room that incidents need more.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use standclear::guard::handle::models::Models;

use super::world::World;

const MB: u64 = 1024 * 1024;

/// What has to stay free.
const ADVISED: u64 = 100 * MB;

/// Sends so many bytes to one who asks; the disk has none left when a fifth of them is sent, where one
/// is given.
fn serves(bytes: u64, disk: Option<Arc<AtomicU64>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/people", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody");
        let reader = BufReader::new(stream.try_clone().expect("a stream"));
        let head = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        assert!(head.count() > 0);
        let said = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\nETag: \"1\"\r\n\r\n");
        stream.write_all(said.as_bytes()).expect("sent");
        let piece = vec![7; 64 * 1024];
        for sent in (0..bytes).step_by(piece.len()) {
            if let Some(disk) = disk.as_ref().filter(|_| sent >= bytes / 5) {
                disk.store(ADVISED, Ordering::SeqCst);
            }
            // Whoever has enough hangs up.
            if stream.write_all(&piece).is_err() {
                return;
            }
        }
    });
    url
}

fn parts(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.root())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("fetched")).collect()
}

/// What the history says of the fetch, when it is over.
fn refused(world: &World) -> String {
    world.is_told("refused");
    world.wait("nothing is being taken", |now| now.taking.is_none());
    let rows = world.desk().model_history(10, None).expect("read");
    rows.into_iter().find(|row| row.kind == "refused").expect("told").text
}

#[test]
fn a_package_for_which_there_is_no_room_is_not_fetched() {
    let world = World::new();
    world.free.store(ADVISED + MB, Ordering::SeqCst);
    world.desk().fetch(&serves(4 * MB, None), "Eva").expect("begun");
    let said = refused(&world);
    assert!(said.contains(&MB.to_string()), "{said}");
    assert_eq!(parts(&world), [""; 0]);
    world.free.store(ADVISED, Ordering::SeqCst);
    world.desk().fetch("http://127.0.0.1:9/people", "Eva").expect("begun");
    world.wait_for("both are refused", || {
        world.history().iter().filter(|it| *it == "refused").count() == 2
    });
    let rows = world.desk().model_history(1, None).expect("read");
    assert!(rows[0].text.contains("100 MB have to stay free"), "{}", rows[0].text);
}

#[test]
fn a_fetch_ends_and_leaves_nothing_when_something_else_took_the_room_meanwhile() {
    let world = World::new();
    world.desk().fetch(&serves(80 * MB, Some(world.free.clone())), "Eva").expect("begun");
    let said = refused(&world);
    assert!(said.contains("100 MB have to stay free"), "{said}");
    assert_eq!(parts(&world), [""; 0]);
}

#[test]
fn what_an_earlier_life_of_the_box_began_to_fetch_is_gone_after_its_start() {
    let mut world = World::new();
    world.end();
    fs::write(world.root().join("fetched.part"), "half of it").expect("written");
    fs::write(world.root().join("fetched.part.from"), "{}").expect("written");
    world.begin();
    assert_eq!(parts(&world), [""; 0]);
}
