//! A real broker: Debian's mosquitto, on a free port of this machine, for one test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rumqttc::{Client, Event, LastWill, MqttOptions, Packet, QoS};
use rustix::process::{Pid, Signal, kill_process};
use standclear::config::Mqtt;

use crate::wait_for;

/// Tries to find a port that nobody else takes meanwhile.
const PORT_TRIES: usize = 10;

/// A broker that ends with its test.
pub struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

/// Whether the broker keeps a message for whoever comes later.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Yes,
    No,
}

impl Broker {
    /// Anybody may publish and subscribe.
    pub fn start() -> Broker {
        Broker::start_with("allow_anonymous true", &[])
    }

    /// With these lines in its configuration, and files of these names and texts in its folder, which
    /// the lines call `{folder}`.
    pub fn start_with(lines: &str, files: &[(&str, &str)]) -> Broker {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        for _ in 0..PORT_TRIES {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = free.local_addr().expect("an address").port();
            drop(free);
            let lines = lines.replace("{folder}", &folder.path().display().to_string());
            // As root it would become another user, who cannot read this folder.
            let text = format!(
                "listener {port} 127.0.0.1\nuser root\nlog_type error\npersistence false\n{lines}\n"
            );
            fs::write(folder.path().join("broker.conf"), text).expect("a configuration");
            if let Some(process) = run(folder.path(), port) {
                return Broker { folder, port, process: Some(process) };
            }
        }
        panic!("mosquitto does not start; its words are above");
    }

    /// As the box's configuration names it.
    pub fn config(&self) -> Mqtt {
        Mqtt { host: "127.0.0.1".into(), port: self.port, login: None }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("ended");
        }
    }

    pub fn restart(&mut self) {
        self.kill();
        self.process = Some(wait_for("the broker", || run(self.folder.path(), self.port)));
    }

    /// It stands still, or goes on.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("it lives");
    }

    /// Publishes one message and waits until the broker has it.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, kept: Kept) {
        let (client, mut connection) = Client::new(self.options(), 4);
        client.publish(topic, QoS::AtLeastOnce, kept == Kept::Yes, payload).expect("queued");
        for event in connection.iter() {
            if let Event::Incoming(Packet::PubAck(_)) = event.expect("the broker answers") {
                return;
            }
        }
    }

    /// A machine that dies without a word, and the message that the broker sends for it then.
    pub fn publish_last_will(&self, topic: &str, payload: &str) {
        let mut options = self.options();
        options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, false));
        let (_client, mut connection) = Client::new(options, 4);
        for event in connection.iter() {
            if let Event::Incoming(Packet::ConnAck(_)) = event.expect("the broker answers") {
                // The connection is dropped without goodbye.
                return;
            }
        }
    }

    fn options(&self) -> MqttOptions {
        let id = format!("test-{:x}", standclear::clock::monotonic().as_nanos());
        let mut options = MqttOptions::new(id, "127.0.0.1", self.port);
        options.set_max_packet_size(1 << 20, 1 << 20).set_keep_alive(Duration::from_secs(5));
        options
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts it and waits until it takes connections; `None` when it ends instead.
fn run(folder: &Path, port: u16) -> Option<Child> {
    let mut process = Command::new(program())
        .arg("-c")
        .arg(folder.join("broker.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("mosquitto starts");
    let came_up = wait_for("the broker", || {
        if process.try_wait().expect("a child").is_some() {
            return Some(false);
        }
        TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
    });
    came_up.then_some(process)
}

fn program() -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join("mosquitto")).find(|path| path.is_file());
    found.expect("mosquitto is missing: run scripts/setup --test, or apt-get install mosquitto")
}
