//! An HTTP server that is as rude as it is told to be.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Status(u16),
    /// Takes the request and never answers.
    Hang,
    /// Ends the connection without a word.
    Reset,
    Garbage,
}

type Says = dyn FnMut(&Request) -> Manner + Send;

/// A server on a free port of this machine.
#[derive(Clone)]
pub struct Hook {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Request>>>,
    tried: Arc<Mutex<Vec<Request>>>,
    says: Arc<Mutex<Box<Says>>>,
}

impl Hook {
    pub fn start(says: impl FnMut(&Request) -> Manner + Send + 'static) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let hook = Hook {
            address: listener.local_addr().expect("an address"),
            taken: Arc::default(),
            tried: Arc::default(),
            says: Arc::new(Mutex::new(Box::new(says))),
        };
        let server = hook.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || while server.serve(&stream).is_some() {});
            }
        });
        hook
    }

    /// From now on it says something else.
    pub fn says(&self, says: impl FnMut(&Request) -> Manner + Send + 'static) {
        *self.says.lock().expect("not poisoned") = Box::new(says);
    }

    /// What was answered with 2xx.
    pub fn taken(&self) -> Vec<Request> {
        self.taken.lock().expect("not poisoned").clone()
    }

    /// Everything that came.
    pub fn tried(&self) -> Vec<Request> {
        self.tried.lock().expect("not poisoned").clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let request = read(stream)?;
        self.tried.lock().expect("not poisoned").push(request.clone());
        let manner = (self.says.lock().expect("not poisoned"))(&request);
        match manner {
            Manner::Status(status) => {
                if (200..300).contains(&status) {
                    self.taken.lock().expect("not poisoned").push(request);
                }
                let answer = format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n");
                (&*stream).write_all(answer.as_bytes()).ok()
            }
            Manner::Hang => {
                // Until the other side has had enough.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                let _ = (&*stream).read(&mut [0]);
                None
            }
            Manner::Reset => {
                let _ = stream.shutdown(Shutdown::Both);
                None
            }
            Manner::Garbage => {
                let _ = (&*stream).write_all(b"\x00\xffnonsense\r\n\r\n");
                let _ = stream.shutdown(Shutdown::Both);
                None
            }
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { headers, body })
}
