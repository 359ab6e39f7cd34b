//! Fetching: what a line and a server may do, and what is kept of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use standclear::model_package::fetch::{FetchError, Fetcher, Go, forget};

/// Enough that a part of it is progress.
const BYTES: usize = 700_000;

/// What a server does with one request: what it writes before it hangs up.
type Says = dyn FnMut(usize, &str) -> Vec<u8> + Send;

/// A server on a free port, and what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `says` gets how many requests there were before, and this one's head.
    fn start(mut says: Box<Says>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let server =
            Server { address: listener.local_addr().expect("an address"), asked: asked.clone() };
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let head = head(&stream);
                let mut asked = asked.lock().expect("not poisoned");
                let answer = says(asked.len(), &head);
                asked.push(head);
                drop(asked);
                // The other side may have had enough before.
                let _ = stream.write_all(&answer);
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/people.standclear-model", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

/// A request's head in lower case.
fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        head += &format!("{}\n", line.to_lowercase());
    }
    head
}

/// Where the request wants to go on.
fn range_of(head: &str) -> Option<usize> {
    let line = head.lines().find_map(|line| line.strip_prefix("range: bytes="))?;
    line.trim_end_matches('-').parse().ok()
}

fn whole(body: &[u8], tag: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{tag}Connection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn rest(body: &[u8], from: usize, tag: &str) -> Vec<u8> {
    let (last, total) = (body.len() - 1, body.len());
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{last}/{total}\r\n\
         Content-Length: {}\r\n{tag}Connection: close\r\n\r\n",
        total - from
    );
    [head.as_bytes(), &body[from..]].concat()
}

/// The answer with only so much of its body.
fn cut(answer: Vec<u8>, body_bytes: usize) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    answer[..answer.len().min(end + body_bytes)].to_vec()
}

fn body(seed: usize) -> Vec<u8> {
    (0..BYTES).map(|n| (n.wrapping_mul(2_654_435_761) >> 7).wrapping_add(seed) as u8).collect()
}

const TAG: &str = "ETag: \"one\"\r\n";

struct Place {
    _folder: tempfile::TempDir,
    part: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("fetched.part");
    Place { _folder: folder, part }
}

fn fetch(url: &str, part: &Path) -> Result<Vec<u8>, FetchError> {
    fetch_until(url, part, usize::MAX)
}

/// Stops once so many bytes are there.
fn fetch_until(url: &str, part: &Path, enough: usize) -> Result<Vec<u8>, FetchError> {
    let fetcher = Fetcher::new(None).expect("authorities");
    let mut file = fetcher.fetch(url, part, &mut |progress| {
        if progress.bytes >= enough as u64 { Go::Stop } else { Go::On }
    })?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("readable");
    Ok(bytes)
}

#[test]
fn a_line_that_breaks_is_gone_on_from_where_it_broke() {
    let sent = body(1);
    let server = Server::start(Box::new({
        let sent = sent.clone();
        move |n, head| match range_of(head) {
            None => cut(whole(&sent, TAG), 200_000),
            Some(from) if n < 3 => cut(rest(&sent, from, TAG), 150_000),
            Some(from) => rest(&sent, from, TAG),
        }
    }));
    let place = place();
    assert!(fetch(&server.url(), &place.part).expect("whole in the end") == sent);
    let froms: Vec<_> = server.asked().iter().map(|head| range_of(head)).collect();
    assert_eq!(froms, [None, Some(200_000), Some(350_000), Some(500_000)]);
    assert!(server.asked()[1].contains("if-range: \"one\""), "{}", server.asked()[1]);
}

#[test]
fn a_fetch_that_was_stopped_goes_on_after_a_restart() {
    let sent = body(2);
    let server = Server::start(Box::new({
        let sent = sent.clone();
        move |_, head| match range_of(head) {
            None => whole(&sent, TAG),
            Some(from) => rest(&sent, from, TAG),
        }
    }));
    let place = place();
    let stopped = fetch_until(&server.url(), &place.part, 300_000);
    assert!(matches!(stopped, Err(FetchError::Stopped { .. })));
    let had = fs::metadata(&place.part).expect("there").len();
    assert!((300_000..BYTES as u64).contains(&had), "{had}");
    assert!(fetch(&server.url(), &place.part).expect("whole") == sent);
    assert_eq!(range_of(&server.asked()[1]), Some(had as usize));
    // Another address is another file, also where a part of this one lies.
    assert!(fetch(&format!("{}?2", server.url()), &place.part).expect("whole") == sent);
    assert_eq!(range_of(&server.asked()[2]), None);
    forget(&place.part).expect("removed");
    assert_eq!(fs::read_dir(place.part.parent().expect("a folder")).expect("there").count(), 0);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew_and_two_are_never_mixed() {
    let (old, new) = (body(3), body(4));
    let server = Server::start(Box::new({
        let (old, new) = (old, new.clone());
        // What a server does that knows If-Range.
        move |n, _| match n {
            0 => cut(whole(&old, TAG), 200_000),
            _ => whole(&new, "ETag: \"two\"\r\n"),
        }
    }));
    assert!(fetch(&server.url(), &place().part).expect("whole") == new);
}

#[test]
fn a_server_that_says_nothing_to_go_on_from_is_asked_for_the_whole() {
    for tag in ["", "ETag: W/\"weak\"\r\n"] {
        let sent = body(5);
        let server = Server::start(Box::new({
            let sent = sent.clone();
            move |n, _| if n == 0 { cut(whole(&sent, tag), 300_000) } else { whole(&sent, tag) }
        }));
        assert!(fetch(&server.url(), &place().part).expect("whole") == sent);
        assert_eq!(range_of(&server.asked()[1]), None, "{tag}");
    }
}

#[test]
fn a_server_that_sends_another_part_than_was_asked_for_is_given_up() {
    let sent = body(6);
    let server = Server::start(Box::new(move |_, head| match range_of(head) {
        None => cut(whole(&sent, TAG), 100_000),
        Some(from) => rest(&sent, from + 1, TAG),
    }));
    let refused = fetch(&server.url(), &place().part);
    assert!(matches!(refused, Err(FetchError::Broken { .. })), "{refused:?}");
    assert!(server.asked().len() < 10, "it is not asked for ever");
}

#[test]
fn whatever_would_not_end_is_refused_and_nothing_of_it_is_left() {
    let limit = 256 * 1024;
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let says_much = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{TAG}\r\n", 10_u64 << 30);
    let just_goes_on = [
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{TAG}\r\n").into_bytes(),
        chunk.repeat(20),
    ]
    .concat();
    for answer in [says_much.into_bytes(), just_goes_on] {
        let server = Server::start(Box::new(move |_, _| answer.clone()));
        let place = place();
        let fetcher = Fetcher::new(None).expect("authorities").at_most(limit);
        let mut most = 0;
        let refused = fetcher.fetch(&server.url(), &place.part, &mut |progress| {
            most = most.max(progress.bytes);
            Go::On
        });
        assert!(matches!(refused, Err(FetchError::Refused { .. })), "{refused:?}");
        assert!(most <= limit, "{most} bytes were kept");
        let left = fs::read_dir(place.part.parent().expect("a folder")).expect("there").count();
        assert_eq!(left, 0, "nothing is left");
    }
}

#[test]
fn an_answer_that_is_no_package_ends_it_and_no_secret_of_the_address_is_told() {
    let server = Server::start(Box::new(|_, _| {
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
    }));
    let url = format!("http://eva:geheim@{}/x?token=geheim", server.address);
    let place = place();
    let refused = fetch(&url, &place.part).expect_err("refused");
    assert!(matches!(refused, FetchError::Answered { status: 404, .. }), "{refused:?}");
    assert!(!refused.to_string().contains("geheim"), "{refused}");
    for url in ["/etc/passwd", "file:///etc/passwd", "ftp://example.org/x", ""] {
        let refused = fetch(url, &place.part);
        assert!(matches!(refused, Err(FetchError::Address { .. })), "{url}: {refused:?}");
    }
}

#[test]
fn a_line_that_brings_nothing_is_given_up_and_what_came_is_kept() {
    let sent = body(7);
    let server = Server::start(Box::new(move |n, _| match n {
        0 => cut(whole(&sent, TAG), 200_000),
        _ => Vec::new(),
    }));
    let place = place();
    let broken = fetch(&server.url(), &place.part);
    assert!(matches!(broken, Err(FetchError::Broken { .. })), "{broken:?}");
    assert_eq!(fs::metadata(&place.part).expect("there").len(), 200_000);
    assert_eq!(server.asked().len(), 4, "one that came far, three that came nowhere");
}

fn sends_on(to: &str) -> Vec<u8> {
    let head = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n";
    format!("{head}Location: {to}\r\n\r\n").into_bytes()
}

#[test]
fn a_server_that_sends_us_on_is_followed_a_few_times_and_not_for_ever() {
    let sent = body(8);
    let server = Server::start(Box::new({
        let sent = sent.clone();
        move |n, _| if n < 5 { sends_on(&format!("/{n}")) } else { whole(&sent, TAG) }
    }));
    assert!(fetch(&server.url(), &place().part).expect("whole in the end") == sent);
    let endless = Server::start(Box::new(|n, _| sends_on(&format!("/{n}"))));
    let refused = fetch(&endless.url(), &place().part);
    assert!(matches!(refused, Err(FetchError::TooFar { .. })), "{refused:?}");
    assert_eq!(endless.asked().len(), 6, "the first and five others");
}
