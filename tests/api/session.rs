//! People and machines of a served fake, and crowds before its door.

use std::net::{SocketAddr, TcpStream};

use super::{PASSWORD, PATIENCE, Reply, Served};

/// What a browser keeps of having signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub cookie: String,
    pub csrf: String,
}

impl Session {
    /// What a page sends with every change.
    pub fn headers(&self) -> [(&str, &str); 2] {
        [("Cookie", &self.cookie), ("X-Standclear-CSRF", &self.csrf)]
    }
}

impl Served {
    /// Signs in, and keeps what a browser would; the answer where that is refused.
    pub fn sign_in(&self, name: &str, password: &str) -> Result<Session, Reply> {
        let body = serde_json::json!({ "name": name, "password": password }).to_string();
        let kind = [("Content-Type", "application/json")];
        let reply = self.request_as(&[], "POST", "/api/session", &kind, body.as_bytes());
        if reply.status != 200 {
            return Err(reply);
        }
        let cookie = reply.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a value").to_owned();
        let csrf = reply.json()["csrf"].as_str().expect("a text").to_owned();
        Ok(Session { cookie, csrf })
    }

    /// Adds a person of this role with [`PASSWORD`], and signs them in.
    pub fn person(&self, name: &str, role: &str) -> Session {
        let body = serde_json::json!({ "name": name, "role": role, "password": PASSWORD });
        let reply = self.post("/api/users", &body.to_string());
        assert_eq!(reply.status, 201, "{reply:?}");
        self.sign_in(name, PASSWORD).expect("signed in")
    }

    /// Makes a token of this role; its secret.
    pub fn token(&self, name: &str, role: &str) -> String {
        let body = serde_json::json!({ "name": name, "role": role });
        let reply = self.post("/api/tokens", &body.to_string());
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["token"].as_str().expect("a secret").to_owned()
    }

    /// From another address of this machine, `127.0.0.HOST`.
    pub fn connect_from(&self, host: u8) -> TcpStream {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::from(([127, 0, 0, host], 0))).expect("an address");
        connect(&socket, &self.address).expect("connected");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream
    }

    /// Connections that say nothing, from as many addresses as it takes.
    pub fn crowd(&self, count: usize) -> Vec<TcpStream> {
        (0..count).map(|n| self.connect_from(u8::try_from(10 + n / 100).expect("few"))).collect()
    }
}
