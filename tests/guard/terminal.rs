//! The program itself with a terminal that takes nothing: it guards on, and it ends when told.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use standclear::clock;
use standclear::guard::accounts::secret;
use standclear::store::Store;
use standclear::store::accounts::{AccountChange, Role, TokenRow};

use crate::site::{TestSite, wait_for};

/// Longest wait for one answer of the page.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A real `standclear run`, killed at the end whatever happens.
struct Program {
    child: Child,
    address: String,
    /// What makes this test one who may see.
    token: &'static str,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Its vision process cannot start, which makes it log for ever.
    fn start(site: &TestSite, stdout: Stdio, stderr: Stdio) -> Program {
        let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = probe.local_addr().expect("an address").to_string();
        drop(probe);
        let text = format!(
            r#"
            site = {{ name = "Test", time_zone = "UTC" }}
            web.listen = "{address}"
            model.folder = "nowhere"
            siren.device = "none"
            [[camera]]
            id = "yard"
            name = "Yard"
            source = {{ test = "ball" }}
            zones = "yard.json"
            "#
        );
        fs::write(site.path("standclear.toml"), text).expect("a configuration");
        let token = "a secret of this test";
        let row = TokenRow {
            id: "test".into(),
            name: "test".into(),
            role: Role::Viewer,
            token: secret::digest(token),
            created_at: clock::wall(),
            last_used_at: None,
        };
        let mut store = Store::open(&site.path("data")).expect("a store");
        store.change_accounts(&[AccountChange::AddToken(row)], &[]).expect("kept");
        drop(store);
        let child = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .args(["run", "--config"])
            .arg(site.path("standclear.toml"))
            .env("STANDCLEAR_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the program");
        Program { child, address, token }
    }

    /// The guard's own time in its newest snapshot; `None` while it does not answer.
    fn now(&self) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
        let host = &self.address;
        write!(
            stream,
            "GET /api/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\n\r\n",
            self.token
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let from = body.find(r#""now":"#)?;
        Some(body[from..].chars().take(40).collect())
    }

    fn wait_alive(&self) {
        let first = wait_for("the page", || self.now());
        wait_for("a newer snapshot", || self.now().filter(|now| *now != first));
    }

    fn stops(&mut self) -> i32 {
        let pid = Pid::from_raw(self.child.id() as i32).expect("not 0");
        kill_process(pid, Signal::TERM).expect("it lives");
        let status = wait_for("its end", || self.child.try_wait().expect("a child"));
        status.code().expect("it ended by itself")
    }
}

/// The writing end of a pipe that is full and stays so while the reading end is kept.
fn full_pipe() -> (std::io::PipeReader, Stdio) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let flags = rustix::fs::fcntl_getfl(&writer).expect("flags");
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).expect("set");
    while (&writer).write(&[b'x'; 4096]).is_ok() {}
    while (&writer).write(b"x").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).expect("set");
    (reader, writer.into())
}

#[test]
fn full_pipes_that_nobody_reads_stop_neither_the_guard_nor_its_end() {
    let site = TestSite::new();
    let (kept_out, stdout) = full_pipe();
    let (kept_err, stderr) = full_pipe();
    let mut program = Program::start(&site, stdout, stderr);
    program.wait_alive();
    assert_eq!(program.stops(), 0);
    drop((kept_out, kept_err));
}

#[test]
fn a_terminal_that_fails_ends_nothing() {
    let site = TestSite::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut program = Program::start(&site, full().into(), full().into());
    program.wait_alive();
    assert_eq!(program.stops(), 0);
}
