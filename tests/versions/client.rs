//! A person at a browser: one connection that stays open, a session, JSON both ways.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse battery";

/// Longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Somebody who is signed in, or nobody yet.
pub struct Person {
    address: String,
    connection: Option<BufReader<TcpStream>>,
    cookie: String,
    csrf: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub cookie: Option<String>,
    pub json: Value,
}

impl Answer {
    /// The answer of what must have worked.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    /// Asserts a refusal, and gives its `error`.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let error = &self.json["error"];
        assert_eq!((self.status, error["code"].as_str()), (status, Some(code)), "{}", self.json);
        error.clone()
    }

    /// Names of the members a refusal is about.
    pub fn fields(&self) -> Vec<String> {
        let fields = self.json["error"]["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|f| f["field"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Person {
    pub fn nobody(address: impl ToString) -> Person {
        let (cookie, csrf) = (String::new(), String::new());
        Person { address: address.to_string(), connection: None, cookie, csrf }
    }

    /// Makes the first admin.
    pub fn set_up(address: impl ToString, code: &str, name: &str) -> Person {
        let mut person = Person::nobody(address);
        let body = json!({ "code": code, "name": name, "password": PASSWORD });
        let answer = person.post("/api/setup", &body);
        person.keep(answer);
        person
    }

    pub fn sign_in(address: impl ToString, name: &str) -> Person {
        let mut person = Person::nobody(address);
        let answer = person.post("/api/session", &json!({ "name": name, "password": PASSWORD }));
        person.keep(answer);
        person
    }

    /// Adds a person of this role, and signs them in.
    pub fn add(&mut self, name: &str, role: &str) -> Person {
        let body = json!({ "name": name, "role": role, "password": PASSWORD });
        let answer = self.post("/api/users", &body);
        assert_eq!(answer.status, 201, "{}", answer.json);
        Person::sign_in(&self.address, name)
    }

    fn keep(&mut self, answer: Answer) {
        assert_eq!(answer.status, 200, "{}", answer.json);
        let cookie = answer.cookie.expect("a cookie");
        self.cookie = cookie.split(';').next().expect("a value").to_owned();
        self.csrf = answer.json["csrf"].as_str().expect("a text").to_owned();
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, b"")
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, body.to_string().as_bytes())
    }

    pub fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, body.to_string().as_bytes())
    }

    pub fn delete(&mut self, path: &str) -> Answer {
        self.ask("DELETE", path, b"")
    }

    pub fn state(&mut self) -> Value {
        self.get("/api/state").ok()
    }

    /// Any bytes as the body.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        let answer = self.try_ask(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same, of a box that may die meanwhile.
    pub fn try_ask(&mut self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Answer> {
        let kept = self.connection.is_some();
        match self.ask_once(method, path, body) {
            // The box ends connections that were idle for long.
            Err(error) if kept && error.kind() == ErrorKind::UnexpectedEof => {
                self.ask_once(method, path, body)
            }
            answer => answer,
        }
    }

    fn ask_once(&mut self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_read_timeout(Some(ANSWER_MAX))?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            self.address,
            body.len()
        );
        if !self.cookie.is_empty() {
            request += &format!("Cookie: {}\r\nX-Standclear-CSRF: {}\r\n", self.cookie, self.csrf);
        }
        let mut bytes = (request + "\r\n").into_bytes();
        bytes.extend_from_slice(body);
        connection.get_mut().write_all(&bytes)?;
        let (head, body) = read_answer(&mut connection)?;
        let header = |name: &str| {
            head.iter().skip(1).find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        if header("connection").as_deref() != Some("close") {
            self.connection = Some(connection);
        }
        let status = head[0].split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok(Answer {
            status: status.expect("a status"),
            cookie: header("set-cookie"),
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        })
    }
}

fn read_answer(from: &mut BufReader<TcpStream>) -> std::io::Result<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.parse().expect("a number");
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((head, body))
}
