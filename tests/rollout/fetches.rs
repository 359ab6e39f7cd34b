//! Packages that are fetched, and the room that incidents need more.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use jiff::SignedDuration;
use standclear::clock;
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

/// Sends half of it and hangs up, until it is mended. What comes back says from where each one asked.
fn breaks_until(mended: Arc<AtomicBool>, bytes: Vec<u8>) -> (String, Receiver<Option<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/people", listener.local_addr().expect("an address"));
    let (asked, hears) = mpsc::sync_channel(64);
    let all = bytes.len();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let reader = BufReader::new(stream.try_clone().expect("a stream"));
            let head = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let heads: Vec<String> = head.map(|line| line.to_lowercase()).collect();
            let range = heads.iter().find_map(|line| line.strip_prefix("range: bytes="));
            let from: Option<usize> = range.and_then(|it| it.trim_end_matches('-').parse().ok());
            asked.send(from).expect("somebody listens");
            let (status, first) = match from {
                None => ("200 OK".to_owned(), 0),
                Some(first) => {
                    let range = format!("Content-Range: bytes {first}-{}/{all}", all - 1);
                    (format!("206 Partial Content\r\n{range}"), first)
                }
            };
            let length = all - first;
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: \"1\"\r\n\r\n");
            let last = if mended.load(Ordering::SeqCst) { all } else { all / 2 };
            // Whoever has enough hangs up.
            let _ = stream.write_all(&[head.as_bytes(), &bytes[first..last.max(first)]].concat());
        }
    });
    (url, hears)
}

#[test]
fn what_an_earlier_life_of_the_box_began_to_fetch_is_gone_on_with_where_it_broke() {
    let mut world = World::new();
    let bytes = world.package(7);
    let (mended, half) = (Arc::new(AtomicBool::new(false)), bytes.len() / 2);
    let (url, asked) = breaks_until(mended.clone(), bytes);
    world.desk().fetch(&url, "Eva").expect("begun");
    let said = refused(&world);
    assert!(said.contains("the next try goes on from there"), "{said}");
    world.end();
    world.begin();
    assert_eq!(parts(&world).len(), 2, "what came, and what it is a part of");
    mended.store(true, Ordering::SeqCst);
    let of_before: Vec<Option<usize>> = asked.try_iter().collect();
    assert_eq!((of_before[0], of_before.last()), (None, Some(&Some(half))));
    world.desk().fetch(&url, "Eva").expect("begun");
    world.is_told("verified");
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), [Some(half)], "only what was missing");
    world.wait_for("nothing is left of it", || parts(&world).is_empty());
}

#[test]
fn what_an_earlier_life_of_the_box_began_to_fetch_goes_where_incidents_need_its_room_or_nobody_came()
 {
    for (free, days) in [(ADVISED, 0), (1 << 40, 8)] {
        let mut world = World::new();
        world.end();
        let part = world.root().join("fetched.part");
        fs::write(&part, "half of it").expect("written");
        fs::write(world.root().join("fetched.part.from"), "{}").expect("written");
        let changed = clock::wall() - SignedDuration::from_hours(24 * days);
        let file = fs::File::options().write(true).open(&part).expect("there");
        file.set_modified(changed.into()).expect("said");
        world.free.store(free, Ordering::SeqCst);
        world.begin();
        world.wait_for("it is gone", || parts(&world).is_empty());
    }
}
