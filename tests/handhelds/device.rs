//! A phone as the box sees it: a key of its own, a socket, and habits good or bad.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::time::Instant;
use tokio_tungstenite::tungstenite::client::client;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use crate::site::WAIT_MAX;

type Socket = WebSocket<TcpStream>;

/// How often a phone looks whether it has something to say.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// base64url, written once more: what the box reads must be what others write.
pub fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let six = |bits: &[u8]| (0..6).fold(0, |all, at| all << 1 | bits.get(at).unwrap_or(&0));
    bits.chunks(6).map(|bits| char::from(LETTERS[usize::from(six(bits))])).collect()
}

/// A private key that never leaves.
#[derive(Clone)]
pub struct Key(Arc<EcdsaKeyPair>);

impl Key {
    pub fn new() -> Key {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
        Key(Arc::new(pair))
    }

    pub fn public(&self) -> String {
        base64url(self.0.public_key().as_ref())
    }

    pub fn sign(&self, text: &str) -> String {
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
        base64url(signature.as_ref())
    }
}

/// A paired phone.
#[derive(Clone)]
pub struct Phone {
    pub id: String,
    pub box_id: String,
    pub key: Key,
    port: u16,
}

/// What a phone does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Answers pings, and confirms every alarm.
    Good,
    /// Answers pings, and confirms nothing.
    Deaf,
    /// Reads, and says nothing.
    Mute,
    /// Reads nothing once it is welcome.
    Stuck,
}

/// An open connection.
pub struct Line {
    heard: Receiver<(Value, Instant)>,
    say: Option<SyncSender<Message>>,
    pub welcome: Value,
}

impl Phone {
    pub fn new(port: u16, person: &str, paired: &Value, key: Key) -> Phone {
        let text = |name: &str| paired[name].as_str().expect("a text").to_owned();
        assert_eq!(text("person"), person);
        Phone { id: text("device"), box_id: text("box"), key, port }
    }

    pub fn proof(&self, nonce: &str) -> String {
        let text = format!("standclear-handheld-1|{}|{}|{nonce}", self.box_id, self.id);
        self.key.sign(&text)
    }

    #[track_caller]
    pub fn connect(&self, habit: Habit) -> Line {
        self.try_connect(habit, |nonce| self.proof(nonce)).expect("welcome")
    }

    /// Connects with another proof; the refusal where there is one, null where the box only closes.
    pub fn try_connect(
        &self,
        habit: Habit,
        proof: impl FnOnce(&str) -> String,
    ) -> Result<Line, Value> {
        let mut socket = open(self.port);
        send(&mut socket, &json!({ "type": "hello", "device": self.id, "protocol": 1 }));
        let Some(challenge) = read(&mut socket) else { return Err(Value::Null) };
        assert_eq!(challenge["type"], "challenge", "{challenge}");
        let nonce = challenge["nonce"].as_str().expect("a text").to_owned();
        send(&mut socket, &json!({ "type": "proof", "signature": proof(&nonce) }));
        let Some(welcome) = read(&mut socket) else { return Err(Value::Null) };
        if welcome["type"] != "welcome" {
            return Err(welcome);
        }
        socket.get_ref().set_read_timeout(Some(LOOK_EVERY)).expect("set");
        let (tell, heard) = mpsc::sync_channel(4096);
        let (say, said) = mpsc::sync_channel(64);
        thread::spawn(move || live(socket, habit, &tell, &said));
        Ok(Line { heard, say: Some(say), welcome })
    }

    /// Says this instead of hello; what comes back until the end.
    pub fn says_first(&self, message: Message) -> Vec<Value> {
        let mut socket = open(self.port);
        let _ = socket.send(message);
        std::iter::from_fn(|| read(&mut socket)).collect()
    }
}

fn open(port: u16) -> Socket {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("set");
    stream.set_nodelay(true).expect("set");
    let url = format!("ws://127.0.0.1:{port}/api/handheld/socket");
    client(url, stream).expect("a socket").0
}

/// The box may have closed meanwhile.
fn send(socket: &mut Socket, message: &Value) {
    let _ = socket.send(Message::text(message.to_string()));
}

/// The next message; `None` at the end.
fn read(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// What a phone does while it is connected.
fn live(
    mut socket: Socket,
    habit: Habit,
    tell: &SyncSender<(Value, Instant)>,
    said: &Receiver<Message>,
) {
    loop {
        let wait = if habit == Habit::Stuck { LOOK_EVERY } else { Duration::ZERO };
        match said.recv_timeout(wait) {
            Ok(message) => drop(socket.send(message)),
            Err(RecvTimeoutError::Timeout) => {}
            // The line was dropped: so is the connection.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if habit == Habit::Stuck {
            continue;
        }
        let heard: Value = match socket.read() {
            Ok(Message::Text(text)) => serde_json::from_str(&text).expect("JSON"),
            Ok(Message::Close(_)) => return,
            Ok(_) => continue,
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(_) => return,
        };
        let alarm = &heard["alarm"];
        let answer = match (heard["type"].as_str(), habit) {
            (Some("ping"), Habit::Good | Habit::Deaf) => {
                Some(json!({ "type": "pong", "n": heard["n"] }))
            }
            (Some("alarm"), Habit::Good) => Some(json!({
                "type": "received", "alarm": alarm["id"], "version": alarm["version"],
                "attempt": heard["attempt"], "after_ms": 0,
            })),
            _ => None,
        };
        if let Some(answer) = answer {
            send(&mut socket, &answer);
        }
        if tell.try_send((heard, clock::monotonic())).is_err() {
            return;
        }
    }
}

impl Line {
    pub fn say(&self, message: &Value) {
        self.say_any(Message::text(message.to_string()));
    }

    pub fn say_any(&self, message: Message) {
        // An error means that the box has closed, which the test looks at elsewhere.
        let _ = self.say.as_ref().expect("open").send(message);
    }

    /// The next message of this type; those before it are passed over.
    #[track_caller]
    pub fn next(&self, kind: &str) -> (Value, Instant) {
        self.find(kind, |_| true)
    }

    /// The next message of this type that is as wanted.
    #[track_caller]
    pub fn find(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> (Value, Instant) {
        let until = clock::monotonic().after(WAIT_MAX);
        loop {
            let left = until.since(clock::monotonic());
            match self.heard.recv_timeout(left) {
                Ok((heard, at)) if heard["type"] == kind && wanted(&heard) => return (heard, at),
                Ok(_) => {}
                Err(error) => panic!("no {kind} came: {error}"),
            }
        }
    }

    /// Messages of this type that came within a time.
    pub fn within(&self, span: Duration, kind: &str) -> Vec<Value> {
        let until = clock::monotonic().after(span);
        let mut found = Vec::new();
        loop {
            let left = until.since(clock::monotonic());
            match self.heard.recv_timeout(left) {
                Ok((heard, _)) if heard["type"] == kind => found.push(heard),
                Ok(_) => {}
                Err(_) => return found,
            }
            if left.is_zero() {
                return found;
            }
        }
    }

    /// Waits until the box has closed; the last messages.
    #[track_caller]
    pub fn closed(&self) -> Vec<Value> {
        let until = clock::monotonic().after(WAIT_MAX);
        let mut last = Vec::new();
        loop {
            match self.heard.recv_timeout(until.since(clock::monotonic())) {
                Ok((heard, _)) => last.push(heard),
                Err(RecvTimeoutError::Disconnected) => return last,
                Err(RecvTimeoutError::Timeout) => panic!("it is open still; last: {last:?}"),
            }
        }
    }

    /// Answers an alarm as a person would, and what became of that.
    #[track_caller]
    pub fn acknowledge(&self, alarm: u64, version: u64, id: &str, age_ms: u64) -> Value {
        self.say(&json!({
            "type": "acknowledge", "alarm": alarm, "version": version, "id": id,
            "pressed_at": "2026-03-01T14:00:00.000Z", "age_ms": age_ms,
        }));
        self.find("acknowledged", |answer| answer["id"] == id).0
    }
}
