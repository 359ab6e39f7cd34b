//! What Home Assistant is told there is: per zone its state, and whether it is safe to believe that
//! nobody is there.
//!
//! A zone that is not known to be clear is a problem, never "off": quiet never means safe. While the
//! box is not there, both are unavailable.

use serde_json::{Value, json};

use crate::notify::{SiteNow, ZoneNow};

/// Topic and configuration of every entity.
pub(super) fn entities(base: &str, box_id: &str, now: &SiteNow) -> Vec<(String, String)> {
    now.zones.iter().flat_map(|zone| of_zone(base, box_id, &now.name, zone)).collect()
}

/// All of this box's configurations, of whatever zones.
pub(super) fn filter(box_id: &str) -> String {
    format!("homeassistant/+/standclear_{box_id}/+/config")
}

fn of_zone(base: &str, box_id: &str, site: &str, zone: &ZoneNow) -> [(String, String); 2] {
    let common = |suffix: &str, name: String| {
        json!({
            "name": name,
            "unique_id": format!("standclear_{box_id}_{}_{suffix}", zone.id),
            "state_topic": format!("{base}/zone/{}/state", zone.id),
            "availability_topic": format!("{base}/availability"),
            "json_attributes_topic": format!("{base}/zone/{}/state", zone.id),
            "device": {
                "identifiers": [format!("standclear_{box_id}")],
                "name": format!("Standclear {site}"),
                "manufacturer": "Standclear",
                "model": "Guard",
                "sw_version": env!("CARGO_PKG_VERSION"),
            },
        })
    };
    let mut state = common("state", zone.name.clone());
    state["device_class"] = json!("enum");
    state["options"] = json!(["clear", "occupied", "unknown"]);
    state["value_template"] = json!("{{ value_json.state }}");
    let mut safety = common("safety", format!("{} not safe", zone.name));
    safety["device_class"] = json!("safety");
    safety["value_template"] = json!("{{ 'OFF' if value_json.state == 'clear' else 'ON' }}");
    let topic = |component: &str, suffix: &str| {
        format!("homeassistant/{component}/standclear_{box_id}/{}_{suffix}/config", zone.id)
    };
    let text = |value: Value| value.to_string();
    [(topic("sensor", "state"), text(state)), (topic("binary_sensor", "safety"), text(safety))]
}
