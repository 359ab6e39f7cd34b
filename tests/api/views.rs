//! What a camera's view is held against, and what is wrong with it.

use serde_json::json;

use crate::fake::serve;

const VIEW: &str = "/api/cameras/yard-%C3%A9ast/view";

#[test]
fn a_moved_view_is_told_with_its_reference_what_was_measured_and_where_it_went() {
    let served = serve();
    let told = served.get(VIEW).json();
    assert_eq!(
        told,
        json!({
            "camera": "yard-éast", "judged": true,
            "reference": {
                "taken_at": "2026-02-01T08:00:00.000Z", "why": "zones_approved", "by": "Eva",
                "zone_version": 12, "picture": format!("{VIEW}/reference.jpg")
            },
            "trouble": {
                "kind": "moved", "words": "the view has moved",
                "since": "2026-03-01T13:59:00.000Z",
                "measured": 14.5, "limit": 7.0, "unit": "pixels of 1920", "picture": null
            },
            "shift": {"x_norm": 0.0125, "y_norm": -0.25, "turn_deg": 1.0, "zoom": 1.0}
        })
    );
    // The address it names is one.
    let picture = served.get(told["reference"]["picture"].as_str().expect("an address"));
    assert_eq!((picture.status, picture.body.as_slice()), (200, b"\xFF\xD8 hidden".as_slice()));
}

#[test]
fn a_picture_that_is_not_there_a_camera_that_is_not_and_a_clear_one_without_a_grant_are_refused() {
    let served = serve();
    served.get(&format!("{VIEW}/trouble.jpg")).refused(404, "no_picture");
    served.get("/api/cameras/attic/view").refused(404, "unknown_camera");
    served.get("/api/cameras/attic/view/reference.jpg").refused(404, "unknown_camera");
    let clear = format!("{VIEW}/reference.jpg?picture=clear");
    served.get(&clear).refused(403, "clear_not_granted");
    served.get(&format!("{VIEW}/reference.jpg?size=2")).refused(422, "bad_request");
    assert_eq!(served.post("/api/privacy/clear", r#"{"reason": "who was it"}"#).status, 200);
    assert_eq!(served.get(&clear).body, b"\xFF\xD8 clear");
}
