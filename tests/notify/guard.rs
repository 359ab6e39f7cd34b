//! The whole guard with a fake vision process, a webhook and a broker that is not there.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use standclear::clock;
use standclear::config::Config;
use standclear::engine::SirenPattern;
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{ChannelError, ChannelState};

use crate::hook::{Hook, Manner};
use crate::site::{SirenNotes, TestSite, fake_worker, wait_watched};
use crate::wait_for;
use crate::worker::Scene;

fn start(site: &TestSite, hook: &Hook, broker_port: u16) -> Guard {
    fs::write(site.path("hook.secret"), "a secret of the test\n").expect("written");
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        notify.mqtt = {{ host = "127.0.0.1", port = {broker_port} }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
        [[notify.webhook]]
        name = "office"
        url = "{}"
        secret_file = "hook.secret"
        "#,
        hook.url()
    );
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let siren: Box<SirenNotes> = Box::new(site.siren.clone());
    let parts = Parts { siren, worker_command: fake_worker(site.folder.path()) };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn an_intrusion_reaches_the_webhook_while_the_broker_is_not_there() {
    let site = TestSite::new();
    let hook = Hook::start(|_| Manner::Status(200));
    // Nobody listens there any more.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let guard = start(&site, &hook, free.port());
    let handle = guard.handle();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let news = wait_for("the intrusion at the webhook", || {
        hook.taken().into_iter().find(|request| {
            let json = request.json();
            json["alarm"]["source"] == "intrusion" && json["alarm"]["state"] == "unacknowledged"
        })
    });
    assert_eq!(site.siren.now(), SirenPattern::Intrusion);
    let json = news.json();
    assert_eq!((&json["history"], &json["alarm"]["zone"]), (&false.into(), &"bay".into()));
    wait_for("the same alarm on the page", || {
        let now = handle.snapshots().borrow().clone();
        let shown = now.alarms.iter().find(|alarm| alarm.id.0 == json["alarm"]["id"])?;
        (shown.version >= json["version"].as_u64().unwrap_or(0)).then_some(())
    });
    // The page shows both channels, and what is wrong.
    wait_for("the channels on the page", || {
        let now = handle.snapshots().borrow().clone();
        let state = |name: &str| now.channels.iter().find(|c| c.name == name).map(|c| c.state);
        (state("mqtt") == Some(ChannelState::Down)
            && state("webhook-office") == Some(ChannelState::Working))
        .then_some(())
    });
    let desk = handle.channel_desk();
    assert_eq!(desk.test_channel("webhook-office", "Eva"), Ok(()));
    let tests = hook.taken().into_iter().filter(|request| request.json()["kind"] == "test");
    assert_eq!(tests.count(), 1);
    assert!(matches!(desk.test_channel("mqtt", "Eva"), Err(ChannelError::NotTaken { .. })));
    let unknown = desk.test_channel("pigeon", "Eva");
    assert!(matches!(unknown, Err(ChannelError::UnknownChannel { .. })));
    drop(handle);
    guard.stop();
}

#[test]
fn a_receiver_that_hangs_does_not_keep_the_box_from_ending() {
    let site = TestSite::new();
    let hook = Hook::start(|_| Manner::Hang);
    let guard = start(&site, &hook, 1);
    wait_for("a message on its way", || hook.tried().pop());
    let began = clock::monotonic();
    guard.stop();
    let took = clock::monotonic().since(began);
    assert!(took < Duration::from_secs(5), "{took:?}");
}
