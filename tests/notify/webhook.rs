//! Webhooks against a server that verifies, refuses, hangs, resets and talks nonsense.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use jiff::SignedDuration;
use ring::hmac;
use standclear::clock;
use standclear::config::Webhook;
use standclear::notify::State;
use standclear::notify::webhook::WebhookChannel;

use crate::hook::{Hook, Manner, Request};
use crate::{Outlet, wait_for};

const SECRET: &str = "a secret of the test";

fn channel(outlet: &Outlet, hook: &Hook) -> Box<WebhookChannel> {
    let file = outlet.folder.path().join("hook.secret");
    fs::write(&file, format!("{SECRET}\n")).expect("a secret");
    let webhook =
        Webhook { name: "hook".into(), url: hook.url(), secret_file: file, ca_file: None };
    Box::new(WebhookChannel::new(webhook, outlet.box_id.clone()))
}

/// The receiver's check, written from the reference and not from the program.
fn verify(request: &Request) -> bool {
    let signed = [request.header("standclear-timestamp").as_bytes(), b".", &request.body].concat();
    let Some(hex) = request.header("standclear-signature").strip_prefix("v1=") else {
        return false;
    };
    let tag: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
}

/// What a receiver knows repeats by.
fn key(request: &Request) -> (String, u64) {
    let json = request.json();
    let of =
        format!("{}/{}", json["box"].as_str().unwrap_or(""), json["key"].as_str().unwrap_or(""));
    assert_eq!(request.header("standclear-id"), of);
    (of, json["version"].as_u64().expect("a version"))
}

fn alarm_numbers(requests: &[Request]) -> Vec<u64> {
    requests.iter().filter_map(|request| request.json()["alarm"]["id"].as_u64()).collect()
}

#[test]
fn every_message_arrives_signed_once_and_in_order() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|request| Manner::Status(if verify(request) { 204 } else { 401 }));
    outlet.start("hook", channel(&outlet, &hook));
    outlet.alarms(40);
    outlet.wait_empty("hook");
    let taken = hook.taken();
    assert_eq!(alarm_numbers(&taken), (1..=40).collect::<Vec<u64>>());
    assert_eq!(hook.tried().len(), taken.len(), "nothing was tried twice");
    let first = &taken[0];
    let json = first.json();
    assert_eq!((first.header("standclear-attempt"), &json["history"]), ("1", &false.into()));
    assert_eq!((&json["alarm"]["title"], &json["class"]), (&"Bay".into(), &"alarm".into()));
    let age = clock::wall().as_second()
        - first.header("standclear-timestamp").parse::<i64>().expect("seconds");
    assert!((0..60).contains(&age), "{age} s");
    assert_eq!(outlet.face("hook").state, State::Working);
}

#[test]
fn what_waited_too_long_arrives_as_history() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|_| Manner::Status(200));
    outlet.alarms_at(1, clock::wall() - SignedDuration::from_secs(121));
    outlet.alarms(1);
    outlet.start("hook", channel(&outlet, &hook));
    outlet.wait_empty("hook");
    let said: Vec<bool> =
        hook.taken().iter().filter_map(|request| request.json()["history"].as_bool()).collect();
    assert_eq!(said, [true, false]);
}

#[test]
fn resets_nonsense_and_errors_cost_nothing_and_the_receiver_knows_repeats() {
    let mut outlet = Outlet::new(&["hook"]);
    let mut turn = 0;
    let hook = Hook::start(move |_| {
        turn += 1;
        match turn {
            1 => Manner::Reset,
            2 => Manner::Garbage,
            3 => Manner::Status(503),
            4 => Manner::Status(302),
            _ => Manner::Status(200),
        }
    });
    outlet.start("hook", channel(&outlet, &hook));
    outlet.alarms(5);
    outlet.wait_state("hook", State::Down);
    outlet.wait_empty("hook");
    assert_eq!(alarm_numbers(&hook.taken()), [1, 2, 3, 4, 5]);
    let face = outlet.face("hook");
    assert_eq!(face.state, State::Working);
    assert!(face.error.is_some(), "what was wrong stays visible");
    let keys: BTreeSet<_> = hook.tried().iter().map(key).collect();
    assert_eq!(keys.len(), 5);
}

#[test]
fn a_receiver_that_hangs_holds_up_nobody_else() {
    let mut outlet = Outlet::new(&["hangs", "works"]);
    let hangs = Hook::start(|_| Manner::Hang);
    let works = Hook::start(|_| Manner::Status(200));
    outlet.start("hangs", channel(&outlet, &hangs));
    outlet.start("works", channel(&outlet, &works));
    let began = clock::monotonic();
    outlet.alarms(20);
    outlet.wait_empty("works");
    let took = clock::monotonic().since(began);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(alarm_numbers(&works.taken()).len(), 20);
    assert!(hangs.tried().len() <= 1);
    // The one that hung works again: everything waits for it still.
    hangs.says(|_| Manner::Status(200));
    outlet.wait_empty("hangs");
    assert_eq!(alarm_numbers(&hangs.taken()), (1..=20).collect::<Vec<u64>>());
}

#[test]
fn one_message_that_is_refused_for_ever_is_lost_and_told_and_the_rest_arrives() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|request| {
        let poison = request.json()["alarm"]["id"] == 2;
        Manner::Status(if poison { 400 } else { 200 })
    });
    outlet.start("hook", channel(&outlet, &hook));
    outlet.alarms(4);
    outlet.wait_empty("hook");
    assert_eq!(alarm_numbers(&hook.taken()), [1, 3, 4]);
    let lost = wait_for("the loss on the page", || outlet.face("hook").losses.pop());
    assert_eq!((lost.rows, lost.reason.name()), (1, "refused"));
    outlet.alarms(1);
    outlet.wait_empty("hook");
    let told: Vec<_> = hook.taken().iter().map(|request| request.json()["lost"].clone()).collect();
    let told: Vec<_> = told.into_iter().filter(|lost| !lost.is_null()).collect();
    assert_eq!(told.len(), 1, "told once: {told:?}");
    assert_eq!((&told[0][0]["messages"], &told[0][0]["reason"]), (&1.into(), &"refused".into()));
}

#[test]
fn what_is_secret_in_an_address_is_in_no_reason() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|_| Manner::Reset);
    let secret = outlet.folder.path().join("secret");
    fs::write(&secret, SECRET).expect("written");
    let url = format!("http://eva:s3cret@{}/in/s3cret?token=s3cret", hook.address);
    let webhook = Webhook { name: "test".into(), url, secret_file: secret, ca_file: None };
    outlet.start("hook", Box::new(WebhookChannel::new(webhook, outlet.box_id.clone())));
    outlet.alarms(1);
    let (why, _) = wait_for("a reason", || outlet.face("hook").error);
    assert!(why.contains(&hook.address.to_string()) && !why.contains("s3cret"), "{why}");
}

#[test]
fn a_channel_that_ends_and_starts_again_loses_nothing_and_repeats_are_known() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|_| Manner::Status(200));
    for _ in 0..5 {
        outlet.start("hook", channel(&outlet, &hook));
        outlet.alarms(10);
        outlet.stop();
    }
    outlet.start("hook", channel(&outlet, &hook));
    outlet.wait_empty("hook");
    let keys: BTreeSet<_> = hook.taken().iter().map(key).collect();
    assert_eq!(keys.len(), 50);
}

#[test]
fn a_secret_that_is_missing_or_short_sends_nothing_and_says_why() {
    let mut outlet = Outlet::new(&["hook"]);
    let hook = Hook::start(|_| Manner::Status(200));
    let channel = channel(&outlet, &hook);
    let file = outlet.folder.path().join("hook.secret");
    fs::write(&file, "short\n").expect("written");
    outlet.start("hook", channel);
    outlet.alarms(1);
    outlet.wait_state("hook", State::Down);
    let (why, _) = outlet.face("hook").error.expect("a reason");
    assert!(why.contains("hook.secret") && why.contains("16"), "{why}");
    assert_eq!(hook.tried().len(), 0);
    fs::write(&file, SECRET).expect("written");
    outlet.wait_empty("hook");
    assert!(verify(&hook.taken()[0]));
}
