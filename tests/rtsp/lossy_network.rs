//! A camera behind a network of its own that really loses packets: the kernel drops them between two
//! network namespaces, by `netem` where the kernel has it, else by a firewall's random numbers.
//!
//! Needs root, `ip`, and `tc` with netem or `nft`; what is missing is said, and then nothing is shown
//! here. `under_loss_nothing_is_shown_that_was_made_up…` does it inside the server at every run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use standclear::clock;
use standclear::engine::time::Instant;
use standclear::link::{FromWorker, Rtsp, Transport};

use crate::camera;
use crate::live::Vision;
use crate::server::{BALL, Server, Setup};

/// Set in the run of this program that has networks of its own.
const INSIDE: &str = "STANDCLEAR_TEST_LOSSY_NETWORK";

/// Every picture is many packets, and every tenth stands alone.
const MANY_PACKETS: &str = "openh264enc gop-size=10 complexity=low bitrate=1000000 ! \
    rtph264pay name=pay0 config-interval=-1 mtu=500 pt=96";

const CAMERA: &str = "camera";
const CAMERA_ADDRESS: &str = "10.77.0.2";

/// Of a hundred packets.
const LOST: u32 = 30;

/// How long packets are lost.
const LOSS: Duration = Duration::from_secs(8);

/// R1: a camera that shows nothing new is UNKNOWN within a second; the engine counts it from the last
/// picture. What the vision process must keep to is that none comes.
const SHOWN_MAX: usize = 5;

/// After the end of the loss it is watched again by itself within this.
const RECOVERED_MAX: Duration = Duration::from_secs(20);

/// How packets can be lost here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Netem,
    Firewall,
}

#[test]
fn under_real_loss_nothing_is_shown_that_was_made_up_and_all_is_shown_when_it_ends() {
    let own_network = ["unshare", "--net", "--mount"];
    if let Err(why) = run(&own_network, &["true"]) {
        eprintln!("SKIPPED: no network of its own ({why}): root has it");
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let status = Command::new(own_network[0])
        .args(&own_network[1..])
        .arg(program)
        .args(["--exact", "lossy_network::inside", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("it starts");
    assert!(status.success(), "the part inside failed, see above");
}

/// The body of the test above; does nothing when it is not started by it.
#[test]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    if let Err(why) = two_networks() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let means = match means() {
        Ok(means) => means,
        Err(why) => {
            eprintln!("SKIPPED: {why}");
            return;
        }
    };
    println!("{LOST} % of all packets are lost by {means:?}");
    let within = ["ip", "netns", "exec", CAMERA].map(str::to_owned).to_vec();
    let noise = BALL.replace("pattern=ball", "pattern=snow");
    let setup = Setup { address: CAMERA_ADDRESS, within, ..Setup::of(&noise, MANY_PACKETS) };
    let server = Server::start(&setup);
    let vision = Vision::watch(Rtsp { transport: Transport::Udp, ..camera(&server.url()) });
    assert_eq!(vision.up().transport, Some(Transport::Udp));
    shown(&vision, clock::monotonic().after(Duration::from_secs(2)));
    lose(means, LOST);
    let began = clock::monotonic();
    // Those on their way when it began.
    shown(&vision, began.after(Duration::from_millis(500)));
    let during = shown(&vision, began.after(LOSS));
    lose(means, 0);
    let ended = clock::monotonic();
    for _ in 0..10 {
        vision.report();
    }
    let recovered = clock::monotonic().since(ended);
    println!("{during} pictures in {LOSS:?} of loss; ten within {recovered:?} of its end");
    assert!(during < SHOWN_MAX, "{during} of 40 pictures cannot have come whole");
    assert!(recovered < RECOVERED_MAX, "{recovered:?}");
    vision.stop();
}

/// Pictures looked at until then.
fn shown(vision: &Vision, until: Instant) -> usize {
    let mut count = 0;
    while clock::monotonic() < until {
        vision.until(|message| match message {
            FromWorker::Report(_) => {
                count += 1;
                Some(())
            }
            FromWorker::Heartbeat { .. } => Some(()),
            _ => None,
        });
    }
    count
}

/// This one, and the camera's, with a cable between them.
fn two_networks() -> Result<(), String> {
    // Nothing of this is seen outside, and nothing is left behind.
    std::fs::create_dir_all(Path::new("/run/netns")).map_err(|error| error.to_string())?;
    ip("mount --make-rprivate /")?;
    ip("mount -t tmpfs none /run/netns")?;
    ip("ip link set lo up")?;
    ip(&format!("ip netns add {CAMERA}"))?;
    ip(&format!("ip link add box type veth peer name cam netns {CAMERA}"))?;
    ip("ip addr add 10.77.0.1/24 dev box")?;
    ip("ip link set box up")?;
    ip(&format!("ip -n {CAMERA} addr add {CAMERA_ADDRESS}/24 dev cam"))?;
    ip(&format!("ip -n {CAMERA} link set cam up"))?;
    ip(&format!("ip -n {CAMERA} link set lo up"))
}

fn means() -> Result<Means, String> {
    let netem = ip(&format!("tc -n {CAMERA} qdisc add dev cam root netem loss 0%"));
    let Err(no_netem) = netem else {
        return Ok(Means::Netem);
    };
    let table = "nft add table inet lossy";
    let chain = "nft add chain inet lossy input { type filter hook input priority 0 ; }";
    let rule = "nft add rule inet lossy input udp length > 0 numgen random mod 100 < 0 drop";
    for command in [table, chain, rule] {
        ip(command).map_err(|no_firewall| {
            format!(
                "packets cannot be lost here: no netem in this kernel (CONFIG_NET_SCH_NETEM; \
                 {no_netem}), and no firewall with random numbers (the package nftables, \
                 CONFIG_NFT_NUMGEN; {no_firewall})"
            )
        })?;
    }
    Ok(Means::Firewall)
}

/// From now on so many of a hundred packets from the camera are lost; of a connection (TCP) none that
/// matters: the firewall takes what has no connection, netem takes all.
fn lose(means: Means, share: u32) {
    let done = match means {
        Means::Netem => {
            ip(&format!("tc -n {CAMERA} qdisc change dev cam root netem loss {share}%"))
        }
        Means::Firewall => ip("nft flush chain inet lossy input").and_then(|()| {
            ip(&format!(
                "nft add rule inet lossy input udp length > 0 numgen random mod 100 < {share} drop"
            ))
        }),
    };
    done.expect("as before");
}

/// Runs a command of blank-separated words.
fn ip(command: &str) -> Result<(), String> {
    let words: Vec<&str> = command.split(' ').collect();
    run(&[words[0]], &words[1..])
}

fn run(first: &[&str], rest: &[&str]) -> Result<(), String> {
    let mut command = Command::new(first[0]);
    let done = command.args(&first[1..]).args(rest).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("{}: {error}", first[0]))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    }
}
