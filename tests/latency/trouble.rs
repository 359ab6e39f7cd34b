//! What goes wrong around the box while it is measured.

use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::engine::time::Instant;

use crate::handheld::Hanging;
use crate::service::Service;

/// How long the store's disk stands still at each incident.
const STALL: Duration = Duration::from_secs(3);

/// Busy processes for each core.
const BUSY_A_CORE: usize = 2;

/// Connections that flood the web server: half ask as fast as they can, half never finish asking.
const CONNECTIONS: usize = 200;

/// Handhelds that hang.
const HANGING: usize = 4;

/// Size of the disk that is filled, and of the one that stands still.
const SMALL_DISK: &str = "48M";
const SLOW_DISK_BYTES: u64 = 128 << 20;

/// Set in the run of this program that floods; the address to flood.
pub const FLOOD: &str = "STANDCLEAR_LATENCY_FLOOD";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Calm,
    NoRoute,
    DnsBlackHole,
    BrokerDead,
    DiskFull,
    DiskStalled,
    WebFlooded,
    CoresBusy,
    HandheldsHang,
}

impl Condition {
    pub const ALL: [Condition; 9] = [
        Condition::Calm,
        Condition::NoRoute,
        Condition::DnsBlackHole,
        Condition::BrokerDead,
        Condition::DiskFull,
        Condition::DiskStalled,
        Condition::WebFlooded,
        Condition::CoresBusy,
        Condition::HandheldsHang,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Condition::Calm => "calm",
            Condition::NoRoute => "no-route",
            Condition::DnsBlackHole => "dns-black-hole",
            Condition::BrokerDead => "broker-dead",
            Condition::DiskFull => "disk-full",
            Condition::DiskStalled => "disk-stalled",
            Condition::WebFlooded => "web-flooded",
            Condition::CoresBusy => "cores-busy",
            Condition::HandheldsHang => "handhelds-hang",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Condition::Calm => "nothing wrong",
            Condition::NoRoute => "no route to anywhere",
            Condition::DnsBlackHole => "name server never answers",
            Condition::BrokerDead => "broker accepts and says nothing",
            Condition::DiskFull => "disk full",
            Condition::DiskStalled => "store's disk stands still for 3 s",
            Condition::WebFlooded => "200 connections flood the page",
            Condition::CoresBusy => "two busy processes a core",
            Condition::HandheldsHang => "four handhelds hang without reading",
        }
    }

    pub fn of_key(key: &str) -> Option<Condition> {
        Condition::ALL.into_iter().find(|condition| condition.key() == key)
    }

    /// What the run has to be started under, so that it can have its own network and mounts.
    pub fn wrapper(self) -> &'static [&'static str] {
        match self {
            Condition::NoRoute | Condition::DnsBlackHole => &[
                "unshare",
                "--net",
                "--mount",
                "sh",
                "-c",
                "ip link set lo up && exec \"$@\"",
                "sh",
            ],
            Condition::DiskFull | Condition::DiskStalled => &["unshare", "--mount"],
            Condition::Calm
            | Condition::BrokerDead
            | Condition::WebFlooded
            | Condition::CoresBusy
            | Condition::HandheldsHang => &[],
        }
    }
}

/// The trouble of one run, from before the box is started until it has ended.
pub struct Trouble {
    condition: Condition,
    pub store: PathBuf,
    /// Added to the box's configuration.
    pub settings: String,
    _held: Held,
    stalled_at: Option<Instant>,
    children: Vec<Child>,
    hanging: Option<Hanging>,
}

/// Sockets that are open and nothing more.
#[derive(Default)]
struct Held {
    _tcp: Option<TcpListener>,
    _udp: Option<UdpSocket>,
}

impl Trouble {
    pub fn prepare(condition: Condition, folder: &Path) -> Trouble {
        let store = folder.join("data");
        fs::create_dir(&store).expect("a folder");
        let (mut held, mut settings) = (Held::default(), String::new());
        match condition {
            Condition::DnsBlackHole => {
                held._udp = Some(UdpSocket::bind("127.0.0.1:53").expect("port 53"));
                let resolver = folder.join("resolv.conf");
                fs::write(&resolver, "nameserver 127.0.0.1\n").expect("a file");
                do_it("mount", &["--bind", text(&resolver), "/etc/resolv.conf"]);
                settings = others(folder, "broker.example", 1883, "https://site.example/");
            }
            Condition::BrokerDead => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                let port = listener.local_addr().expect("bound").port();
                let url = format!("http://127.0.0.1:{port}/");
                settings = others(folder, "127.0.0.1", port, &url);
                held._tcp = Some(listener);
            }
            Condition::DiskFull => {
                let size = format!("size={SMALL_DISK}");
                do_it("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&store)]);
            }
            Condition::DiskStalled => {
                let image = folder.join("disk");
                let file = File::create(&image).expect("a file");
                file.set_len(SLOW_DISK_BYTES).expect("room");
                do_it("mkfs.ext4", &["-q", text(&image)]);
                do_it("mount", &["-o", "loop", text(&image), text(&store)]);
            }
            Condition::NoRoute => {
                settings = others(folder, "192.0.2.1", 1883, "https://192.0.2.1/");
            }
            Condition::Calm
            | Condition::WebFlooded
            | Condition::CoresBusy
            | Condition::HandheldsHang => {}
        }
        let children = Vec::new();
        let (stalled_at, hanging) = (None, None);
        Trouble { condition, store, settings, _held: held, stalled_at, children, hanging }
    }

    /// The box watches: what lasts for the whole run begins.
    pub fn start(&mut self, service: &Service) {
        match self.condition {
            Condition::DiskFull => fill(&self.store),
            Condition::CoresBusy => {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                let busy = || at_normal_priority("sh").args(["-c", "while :; do :; done"]).spawn();
                let all = (0..BUSY_A_CORE * cores).map(|_| busy().expect("a shell"));
                self.children.extend(all);
            }
            Condition::HandheldsHang => {
                self.hanging = Some(Hanging::pair(service, HANGING));
            }
            Condition::Calm
            | Condition::NoRoute
            | Condition::DnsBlackHole
            | Condition::BrokerDead
            | Condition::DiskStalled
            | Condition::WebFlooded => {}
        }
    }

    /// Somebody is about to appear.
    pub fn begin(&mut self, address: &str) {
        match self.condition {
            Condition::DiskStalled => {
                do_it("fsfreeze", &["--freeze", text(&self.store)]);
                self.stalled_at = Some(clock::monotonic());
            }
            Condition::WebFlooded => {
                let mut flood = at_normal_priority(env::current_exe().expect("this program"))
                    .args(["--exact", "flood_of_connections", "--nocapture"])
                    .env(FLOOD, address)
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("this program");
                // It says when all connections are open.
                let mut said = flood.stdout.take().expect("a pipe");
                let mut text = Vec::new();
                let mut byte = [0];
                while !text.ends_with(b"flooding") && said.read_exact(&mut byte).is_ok() {
                    text.push(byte[0]);
                }
                self.children.push(flood);
            }
            Condition::HandheldsHang => self.hanging.iter_mut().for_each(Hanging::hang),
            Condition::Calm
            | Condition::NoRoute
            | Condition::DnsBlackHole
            | Condition::BrokerDead
            | Condition::DiskFull
            | Condition::CoresBusy => {}
        }
    }

    /// It was heard, or was not.
    pub fn end(&mut self) {
        if let Some(since) = self.stalled_at {
            let until = since.after(STALL);
            while clock::monotonic() < until {
                thread::park_timeout(until.since(clock::monotonic()));
            }
            self.thaw();
        }
        if self.condition == Condition::WebFlooded {
            self.stop_children();
        }
        self.hanging.iter_mut().for_each(Hanging::let_go);
    }

    fn thaw(&mut self) {
        if self.stalled_at.take().is_some() {
            do_it("fsfreeze", &["--unfreeze", text(&self.store)]);
        }
    }

    fn stop_children(&mut self) {
        for mut child in self.children.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        self.thaw();
        self.stop_children();
    }
}

/// A machine input by a broker, and that broker and a web server to be told of everything: reasons
/// for the box to ask for them.
fn others(folder: &Path, host: &str, port: u16, url: &str) -> String {
    let secret = folder.join("secret");
    fs::write(&secret, "shared with whoever is told\n").expect("a file");
    format!(
        "[mqtt]\nhost = \"{host}\"\nport = {port}\n\
         [[input]]\nname = \"gate\"\nfrom = {{ mqtt = {{ topic = \"gate\" }} }}\n\
         [notify.mqtt]\nhost = \"{host}\"\nport = {port}\n\
         [[notify.webhook]]\nname = \"site\"\nurl = \"{url}\"\nsecret_file = \"{}\"\n",
        text(&secret)
    )
}

fn at_normal_priority(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("chrt");
    command.args(["--other", "0"]).arg(program);
    command
}

fn fill(folder: &Path) {
    let mut file = File::create(folder.join("filling")).expect("a file");
    let block = vec![0; 64 << 10];
    while file.write_all(&block).is_ok() {}
    // The last bytes, too.
    while file.write_all(&[0; 512]).is_ok() {}
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the test's own")
}

fn do_it(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?} failed");
}

/// Opens all connections, says so, and keeps them busy until it is killed.
pub fn flood(address: &str) {
    let host = address.strip_prefix("http://").unwrap_or(address);
    let open = || TcpStream::connect(host).ok();
    let connections: Vec<Option<TcpStream>> = (0..CONNECTIONS).map(|_| open()).collect();
    let (asking, silent) = connections.split_at(CONNECTIONS / 2);
    for mut stream in silent.iter().flatten() {
        let _ = stream.write_all(b"GET /api/state HTTP/1.1\r\nHost: ");
    }
    print!("flooding");
    let _ = std::io::stdout().flush();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut asking: Vec<TcpStream> =
        asking.iter().flatten().filter_map(|stream| stream.try_clone().ok()).collect();
    let mut answer = [0; 4096];
    loop {
        for stream in &mut asking {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
            let refused = stream.write_all(request.as_bytes()).is_err();
            let ended = matches!(stream.read(&mut answer), Ok(0));
            if refused || ended {
                match TcpStream::connect(host) {
                    Ok(new) => *stream = new,
                    Err(_) => thread::park_timeout(Duration::from_millis(1)),
                }
            }
        }
    }
}
