//! `standclear doctor` beside a box, and alone.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
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
fn doctor_warns_of_a_password_that_others_may_read_or_that_stands_in_an_address() {
    let site = TestSite::new();
    let password = |source: &str| {
        let text = format!(
            "site = {{ name = \"Test\", time_zone = \"UTC\" }}\n\
             [[camera]]\nid = \"yard\"\nname = \"Yard\"\nsource = {{ {source} }}\nzones = \"yard.json\"\n"
        );
        std::fs::write(site.path("standclear.toml"), text).expect("a configuration");
        line(&site, "password")
    };
    let mode = |file: &str, mode| {
        let permissions = Permissions::from_mode(mode);
        std::fs::set_permissions(site.path(file), permissions).expect("its own file");
    };
    std::fs::write(site.path("yard.password"), "s3cret\n").expect("a password");
    let by_file =
        "mjpeg = \"http://127.0.0.1:9/a\", user = \"eva\", password_file = \"yard.password\"";
    for (bits, word, told) in [
        (0o600, "OK", "nobody else may read"),
        (0o644, "WARN", "everybody on this machine may read"),
    ] {
        mode("yard.password", bits);
        let said = password(by_file);
        assert!(said.starts_with(word) && said.contains(told), "{said}");
        assert!(said.contains("yard.password"), "{said}");
    }
    let in_address = password("mjpeg = \"http://eva:s3cret@127.0.0.1:9/a\"");
    assert!(in_address.starts_with("WARN"), "{in_address}");
    let told = ["stands in the address", "source.password_file"];
    assert!(told.iter().all(|told| in_address.contains(told)), "{in_address}");
    let described =
        "gst = \"souphttpsrc location=http://127.0.0.1:9/a user-id=eva user-pw=s3cret\"";
    mode("standclear.toml", 0o600);
    let closed = password(described);
    mode("standclear.toml", 0o644);
    let open = password(described);
    assert!(closed.starts_with("OK") && open.starts_with("WARN"), "{closed} {open}");
    assert!(open.contains("chmod 600") && open.contains("source.gst"), "{open}");
    assert!(!(in_address + &closed + &open).contains("s3cret"));
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
