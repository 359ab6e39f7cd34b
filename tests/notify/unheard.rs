//! Messages that leave and that nobody hears: delivered, said to be unheard, and no loss is told by them.

use standclear::config::MqttVersion;
use standclear::notify::State;

use crate::broker::Broker;
use crate::mqtt::{Listener, channel, settings, site};
use crate::{Outlet, wait_for};

#[test]
fn an_alarm_that_nobody_has_subscribed_to_is_delivered_and_said_to_be_unheard() {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    outlet.lose_one();
    let site = site(&[("bay", "clear")]);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), MqttVersion::V5), &site));
    outlet.alarms(1);
    outlet.wait_empty("mqtt");
    outlet.wait_state("mqtt", State::Unheard);
    let (why, _) = outlet.face("mqtt").error.expect("a reason");
    assert!(why.contains("nobody has subscribed to") && why.contains("alarm/2"), "{why}");
    assert_eq!(outlet.told("mqtt"), (0, 1), "nobody was there to be told of the loss");

    let listener = Listener::of(&broker);
    outlet.alarms(1);
    listener.wait(&format!("site/standclear/{}/alarm/3", outlet.box_id), r#""lost":[{"#);
    outlet.wait_state("mqtt", State::Working);
    wait_for("the loss to be noted as told", || (outlet.told("mqtt") == (1, 1)).then_some(()));
}

#[test]
fn a_broker_that_cannot_tell_who_listens_is_not_said_to_be_unheard() {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), MqttVersion::V3), &site));
    outlet.alarms(1);
    outlet.wait_empty("mqtt");
    assert_eq!(outlet.face("mqtt").state, State::Working);
}
