//! Handhelds: one that a browser plays and that says when it showed an alarm, and some that hang.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::service::Service;

/// What a box with handhelds adds to its configuration.
pub const SETTINGS: &str = "[handhelds]\nlisten = \"127.0.0.1:0\"\n";

/// Longest wait until the browser has paired and the box hears it.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Receipts kept.
const KEPT: usize = 256;

/// A browser that plays a phone.
pub struct Handheld {
    browser: Child,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    lines: Mutex<VecDeque<String>>,
    more: Condvar,
}

impl Handheld {
    /// Pairs a phone and waits until it listens.
    pub fn start(service: &Service) -> Handheld {
        let door = Door::of(service);
        let url =
            format!("http://localhost:{}/handheld#pair={}", door.port, door.code(service, "Eva"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/handheld-clock.mjs");
        let mut browser = Command::new("chrt")
            .args(["--other", "0", "node"])
            .arg(script)
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let said = browser.stdout.take().expect("a pipe");
        let heard = Arc::new(Heard::default());
        let listener = heard.clone();
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let mut lines = listener.lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() == KEPT {
                    lines.pop_front();
                }
                lines.push_back(line);
                listener.more.notify_all();
            }
        });
        let until = clock::monotonic().after(READY_WITHIN);
        let ready = heard.wait(until, |line| (line == "ready").then_some(()));
        assert!(ready.is_some(), "the handheld is not ready within {READY_WITHIN:?}");
        Handheld { browser, heard }
    }

    /// When an alarm of after `then` was on its screen, if it was by `until`.
    pub fn shown(&self, then: Instant, until: Instant) -> Option<Instant> {
        self.heard.wait(until, |line| {
            let nanos = line.strip_prefix("shown ")?.split_once(' ')?.1;
            let at = Instant::from_nanos(nanos.parse().ok()?);
            (at > then).then_some(at)
        })
    }
}

impl Drop for Handheld {
    fn drop(&mut self) {
        // Its end of input ends it, and the browser with it.
        drop(self.browser.stdin.take());
        let until = clock::monotonic().after(Duration::from_secs(5));
        while matches!(self.browser.try_wait(), Ok(None)) && clock::monotonic() < until {
            thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

impl Heard {
    fn wait<T>(&self, until: Instant, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = lines.iter().find_map(|line| found(line)) {
                return Some(found);
            }
            let left = until.since(clock::monotonic());
            if left.is_zero() {
                return None;
            }
            let waited = self.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The handhelds' own door of the box.
struct Door {
    port: u16,
}

impl Door {
    fn of(service: &Service) -> Door {
        let answer = service.get("/api/handhelds").expect("the box has handhelds");
        let url = answer["url"].as_str().expect("an address");
        let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next());
        let port = host.and_then(|host| host.rsplit(':').next()).and_then(|port| port.parse().ok());
        Door { port: port.unwrap_or_else(|| panic!("{url} has no port")) }
    }

    fn code(&self, service: &Service, person: &str) -> String {
        let body = json!({ "person": person, "device_name": format!("{person}'s phone") });
        let answer = service.post("/api/handhelds/pairings", &body).expect("a pairing code");
        answer["code"].as_str().unwrap_or_else(|| panic!("no code: {answer}")).to_owned()
    }
}

/// Phones that are paired, connect when they are told to, and then read nothing.
pub struct Hanging {
    port: u16,
    phones: Vec<Phone>,
    connected: Vec<WebSocket<TcpStream>>,
}

struct Phone {
    key: EcdsaKeyPair,
    device: String,
    of_box: String,
}

impl Hanging {
    /// Pairs so many.
    pub fn pair(service: &Service, count: usize) -> Hanging {
        let door = Door::of(service);
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let phone = |number: usize| {
            let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
            let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
            let key = key.expect("its own key");
            let code = door.code(service, &format!("Hanging {number}"));
            let body = json!({
                "code": code,
                "public_key": base64url(key.public_key().as_ref()),
                "platform": "hanging",
            });
            let url = format!("http://localhost:{}/api/handheld/pair", door.port);
            let answer = ureq::post(&url).content_type("application/json").send(body.to_string());
            let answer = answer.expect("paired").body_mut().read_to_string().expect("an answer");
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            let text = |key: &str| answer[key].as_str().expect("a text").to_owned();
            Phone { key, device: text("device"), of_box: text("box") }
        };
        let phones = (0..count).map(phone).collect();
        Hanging { port: door.port, phones, connected: Vec::new() }
    }

    /// Connects all of them; none reads anything from then on.
    pub fn hang(&mut self) {
        let port = self.port;
        self.connected = self.phones.iter().map(|phone| phone.connect(port)).collect();
    }

    pub fn let_go(&mut self) {
        self.connected.clear();
    }
}

impl Phone {
    fn connect(&self, port: u16) -> WebSocket<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the handhelds' door");
        let url = format!("ws://localhost:{port}/api/handheld/socket");
        let (mut socket, _) = tungstenite::client(url, stream).expect("a WebSocket");
        let send = |socket: &mut WebSocket<TcpStream>, message: Value| {
            socket.send(Message::text(message.to_string())).expect("it takes the greeting");
        };
        send(&mut socket, json!({ "type": "hello", "device": self.device, "protocol": 1 }));
        let challenge = said(&mut socket);
        let nonce = challenge["nonce"].as_str().unwrap_or_else(|| panic!("{challenge}"));
        let text = format!("standclear-handheld-1|{}|{}|{nonce}", self.of_box, self.device);
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
        send(&mut socket, json!({ "type": "proof", "signature": base64url(signature.as_ref()) }));
        let welcome = said(&mut socket);
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        socket
    }
}

fn said(socket: &mut WebSocket<TcpStream>) -> Value {
    let message = socket.read().expect("an answer");
    serde_json::from_str(message.to_text().expect("text")).expect("JSON")
}

/// RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| word << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
        for letter in 0..=chunk.len() {
            text.push(char::from(LETTERS[(word >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    text
}
