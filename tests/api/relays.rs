//! The list of relays, field by field.

use serde_json::json;

use crate::fake::serve;

#[test]
fn relays_are_listed_with_what_they_call_for_and_whether_they_work() {
    let served = serve();
    let told = served.get("/api/relays");
    let lamp = json!({
        "name": "stack-red", "role": ["emergency", "siren"],
        "device": "coil 3 of Modbus unit 1 at 10.0.0.7:502", "wiring": "energise_to_call",
        "heartbeat_ms": 500, "state": "working", "fault": null, "calling": true, "caution": null,
    });
    let horn = json!({
        "name": "horn", "role": ["fault"], "device": "http://10.0.0.8", "wiring": "fail_safe",
        "heartbeat_ms": null, "state": "failed", "fault": "no answer", "calling": false,
        "caution": "not fail-safe by itself",
    });
    assert_eq!((told.status, told.json()), (200, json!({ "relays": [lamp, horn] })));
}
