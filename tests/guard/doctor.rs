//! `standclear doctor` beside a box, and alone.

use std::net::TcpListener;
use std::process::Command;

use standclear::store::Store;

use crate::site::TestSite;

/// The line of this check.
fn line(site: &TestSite, check: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
        .arg("doctor")
        .arg("--config")
        .arg(site.path("standclear.toml"))
        .output()
        .expect("ran");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find(|line| line.split_whitespace().nth(1) == Some(check));
    found.unwrap_or_else(|| panic!("no line for {check}: {text}")).to_owned()
}

#[test]
fn the_port_and_the_store_of_the_running_box_are_no_failure_and_anothers_port_is() {
    let site = TestSite::new();
    let door = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = door.local_addr().expect("an address");
    let text = format!(
        "site = {{ name = \"Test\", time_zone = \"UTC\" }}\nweb.listen = \"{address}\"\n\
         [[camera]]\nid = \"yard\"\nname = \"Yard\"\nsource = {{ test = \"ball\" }}\nzones = \"yard.json\"\n"
    );
    std::fs::write(site.path("standclear.toml"), text).expect("a configuration");
    let another = line(&site, "page");
    assert!(another.starts_with("FAIL") && another.contains("another program"), "{another}");
    let running_box = Store::open(&site.path("data")).expect("a store");
    let running = line(&site, "page");
    let process = std::process::id().to_string();
    assert!(running.starts_with("OK") && running.contains(&process), "{running}");
    assert!(line(&site, "store").starts_with("OK"));
    drop(running_box);
    drop(door);
    assert!(line(&site, "page").contains("is free"));
    // Looking at it has not taken it.
    Store::open(&site.path("data")).expect("still to be had");
}

#[test]
fn doctor_says_of_each_relay_what_becomes_of_it_when_the_box_is_killed() {
    let site = TestSite::new();
    let relay = |body: &str| {
        let text = format!(
            "site = {{ name = \"Test\", time_zone = \"UTC\" }}\n\
             [[camera]]\nid = \"yard\"\nname = \"Yard\"\nsource = {{ test = \"ball\" }}\nzones = \"yard.json\"\n\
             [[relay]]\nname = \"horn\"\nrole = \"emergency\"\n{body}\n"
        );
        std::fs::write(site.path("standclear.toml"), text).expect("a configuration");
        line(&site, "relay")
    };
    let http =
        "to = { http = { on = \"http://127.0.0.1:9/on\", off = \"http://127.0.0.1:9/off\" } }";
    let bare = relay(http);
    assert!(bare.starts_with("WARN") && bare.contains("not fail-safe"), "{bare}");
    let beating = relay(&format!("heartbeat_ms = 1000\n{http}"));
    assert!(beating.starts_with("OK") && beating.contains("monitor relay"), "{beating}");
    let calls_by_force = relay(&format!("wiring = \"energise-to-call\"\n{http}"));
    assert!(calls_by_force.starts_with("OK") && calls_by_force.contains("pulse time"));
}
