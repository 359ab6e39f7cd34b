//! `[notify]`: what is accepted, and what an error tells.

use std::fs;

use standclear::config::{Discovery, MqttVersion};

use super::{Folder, assert_says, smallest_with};

const EVERYTHING: &str = r#"
[notify]
outbox_mb = 64
[notify.mqtt]
host = "broker.site"
version = "3.1.1"
username = "box"
password_file = "secret"
tls = { ca_file = "ca.pem" }
prefix = "north/standclear"
discovery = true
[[notify.webhook]]
name = "office"
url = "https://hooks.example.com/standclear?x=1"
secret_file = "secret"
[[notify.webhook]]
name = "local"
url = "http://127.0.0.1:9000/"
secret_file = "secret"
[notify.web_push]
contact = "mailto:safety@example.com"
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["secret", "ca.pem"] {
        fs::write(folder.0.path().join(name), "text").expect("written");
    }
    folder
}

#[test]
fn every_channel_can_be_configured_and_none_has_to_be() {
    let folder = folder();
    let notify = folder.parse(&smallest_with(EVERYTHING)).expect("accepted").notify;
    assert_eq!(notify.outbox_bytes_max, 64 << 20);
    let mqtt = notify.mqtt.expect("a broker");
    assert_eq!((&*mqtt.host, mqtt.port, mqtt.version), ("broker.site", 8883, MqttVersion::V3));
    assert_eq!((&*mqtt.prefix, mqtt.discovery), ("north/standclear", Discovery::HomeAssistant));
    assert_eq!(mqtt.login.map(|login| login.user).as_deref(), Some("box"));
    let names: Vec<&str> = notify.webhooks.iter().map(|hook| &*hook.name).collect();
    assert_eq!(names, ["office", "local"]);
    assert!(notify.web_push.is_some());
    let nothing = folder.parse(&smallest_with("")).expect("accepted").notify;
    assert_eq!(nothing.outbox_bytes_max, 256 << 20);
    assert!(nothing.mqtt.is_none() && nothing.webhooks.is_empty() && nothing.web_push.is_none());
    let plain = folder.parse(&smallest_with("[notify.mqtt]\nhost = \"b\"")).expect("accepted");
    let plain = plain.notify.mqtt.expect("a broker");
    assert_eq!((plain.port, plain.version, &*plain.prefix), (1883, MqttVersion::V5, "standclear"));
}

#[test]
fn what_cannot_be_is_refused_with_key_and_remedy() {
    let folder = folder();
    for (from, to, says) in [
        ("outbox_mb = 64", "outbox_mb = 1", ["notify.outbox_mb", "8 to 16384"]),
        ("\"broker.site\"", "\"mqtt://broker\"", ["notify.mqtt.host", "notify.mqtt.port"]),
        ("\"3.1.1\"", "4", ["notify.mqtt.version", "5 or \"3.1.1\""]),
        ("username = \"box\"\n", "", ["notify.mqtt.password_file", "notify.mqtt.username"]),
        ("ca_file = \"ca.pem\"", "ca_file = \"no.pem\"", ["notify.mqtt.tls.ca_file", "no.pem"]),
        ("north/standclear", "north/+/x", ["notify.mqtt.prefix", "topic levels"]),
        ("north/standclear", "/x", ["notify.mqtt.prefix", "topic levels"]),
        ("\"office\"", "\"Office\"", ["notify.webhook[0].name", "lower-case"]),
        ("\"local\"", "\"office\"", ["notify.webhook[1].name", "unique"]),
        ("https://hooks", "http://hooks", ["notify.webhook[0].url", "loopback"]),
        ("http://127.0.0.1:9000", "http://127.0.0.1.evil.com", ["notify.webhook[1].url", "https"]),
        ("mailto:safety@", "safety@", ["notify.web_push.contact", "mailto:"]),
    ] {
        assert!(EVERYTHING.contains(from), "{from}");
        let text = smallest_with(&EVERYTHING.replacen(from, to, 1));
        let error = folder.parse(&text).expect_err(to).to_string();
        assert_says(&error, &says);
    }
    let missing =
        smallest_with(&EVERYTHING.replacen("secret_file = \"secret\"", "secret_file = \"no\"", 1));
    let error = folder.parse(&missing).expect_err("no secret").to_string();
    assert_says(&error, &["notify.webhook[0].secret_file", "only this program"]);
}

#[test]
fn a_login_that_others_could_read_is_refused_unless_that_is_said_to_be_wanted() {
    let folder = folder();
    let broker = |table: &str, user: &str, host: &str, more: &str| {
        folder.parse(&smallest_with(&format!(
            "[{table}]\nhost = \"{host}\"\n{user} = \"box\"\n{more}"
        )))
    };
    for (table, user) in [("notify.mqtt", "username"), ("mqtt", "user")] {
        for host in ["10.0.0.5", "broker.site", "fe80::1", "localhost.evil.com"] {
            let error = broker(table, user, host, "").expect_err(host).to_string();
            let remedy = format!("{table}.plaintext = \"allowed\"");
            assert_says(&error, &[&format!("{table}.{user}"), host, &remedy]);
            broker(table, user, host, "plaintext = \"allowed\"").expect("it was said");
        }
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "::1"] {
            broker(table, user, host, "").expect("nobody else reads it");
        }
        let error = broker(table, user, "localhost", "plaintext = \"yes\"").expect_err("yes");
        assert_says(&error.to_string(), &[&format!("{table}.plaintext"), "must be \"allowed\""]);
    }
    broker("notify.mqtt", "username", "broker.site", "tls = { ca_file = \"ca.pem\" }")
        .expect("TLS");
    let nobody = "[notify.mqtt]\nhost = \"10.0.0.5\"\n[mqtt]\nhost = \"10.0.0.5\"";
    folder.parse(&smallest_with(nobody)).expect("there is no login to read");
}
