//! Every route, and everybody who might ask for it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};

use standclear::web;

use crate::fake::{PASSWORD, Served, serve};

/// Who asks, the least first; each person of a role may do what those before may.
const NOBODY: u8 = 0;
const INTEGRATION: u8 = 1;
const VIEWER: u8 = 2;
const SUPERVISOR: u8 = 3;
const ENGINEER: u8 = 4;
const ADMIN: u8 = 5;

const PUBLIC: &[u8] = &[NOBODY, INTEGRATION, VIEWER, SUPERVISOR, ENGINEER, ADMIN];
const STATE: &[u8] = &[INTEGRATION, VIEWER, SUPERVISOR, ENGINEER, ADMIN];
const VIEWERS: &[u8] = &[VIEWER, SUPERVISOR, ENGINEER, ADMIN];
const SUPERVISORS: &[u8] = &[SUPERVISOR, ENGINEER, ADMIN];
const INPUTS: &[u8] = &[INTEGRATION, ENGINEER, ADMIN];
const ENGINEERS: &[u8] = &[ENGINEER, ADMIN];
const ADMINS: &[u8] = &[ADMIN];

/// Written from docs/reference/access.md, not from the program. A route that is not here fails.
const EXPECTED: &[(&str, &str, &[u8])] = &[
    ("get", "/healthz", PUBLIC),
    ("get", "/ca.crt", PUBLIC),
    ("get", "/api/session", PUBLIC),
    ("post", "/api/session", PUBLIC),
    ("post", "/api/setup", PUBLIC),
    ("delete", "/api/session", VIEWERS),
    ("post", "/api/session/password", VIEWERS),
    ("get", "/api/state", STATE),
    ("get", "/api/stream", VIEWERS),
    ("get", "/api/cameras/{id}/live", VIEWERS),
    ("get", "/api/incidents", VIEWERS),
    ("get", "/api/incidents/{id}/snapshot.jpg", VIEWERS),
    ("get", "/api/incidents/{id}/evidence", VIEWERS),
    ("get", "/api/incidents/{id}/clips/{part}", VIEWERS),
    ("get", "/api/incidents/{id}/clips/{part}/track", VIEWERS),
    ("put", "/api/incidents/{id}/pin", ENGINEERS),
    ("delete", "/api/incidents/{id}/pin", ENGINEERS),
    ("get", "/api/evidence", VIEWERS),
    ("post", "/api/incidents/{id}/verdict", SUPERVISORS),
    ("get", "/api/incidents/{id}/export.zip", SUPERVISORS),
    ("get", "/api/privacy", VIEWERS),
    ("post", "/api/privacy/clear", ENGINEERS),
    ("delete", "/api/privacy/clear", ENGINEERS),
    ("get", "/api/history", VIEWERS),
    ("get", "/api/openapi.json", VIEWERS),
    ("post", "/api/siren/silence", SUPERVISORS),
    ("post", "/api/siren/test", ENGINEERS),
    ("post", "/api/alarms/{id}/silence", SUPERVISORS),
    ("post", "/api/alarms/{id}/reset", SUPERVISORS),
    ("post", "/api/alarms/{id}/shelve", SUPERVISORS),
    ("get", "/api/alarms/shelved", VIEWERS),
    ("get", "/api/alarms/kpi", VIEWERS),
    ("post", "/api/shelved/{id}/end", SUPERVISORS),
    ("post", "/api/zones/{camera}/{zone}/out-of-service", ENGINEERS),
    ("post", "/api/zones/{camera}/{zone}/in-service", ENGINEERS),
    ("post", "/api/cameras/{id}/view/confirm", ENGINEERS),
    ("get", "/api/cameras/{id}/view", VIEWERS),
    ("get", "/api/cameras/{id}/view/reference.jpg", VIEWERS),
    ("get", "/api/cameras/{id}/view/trouble.jpg", VIEWERS),
    ("post", "/api/alarms/{id}/acknowledge", SUPERVISORS),
    ("get", "/api/cameras/{id}/picture.jpg", VIEWERS),
    ("get", "/api/cameras/{id}/zones", VIEWERS),
    ("put", "/api/cameras/{id}/zones/draft", ENGINEERS),
    ("delete", "/api/cameras/{id}/zones/draft", ENGINEERS),
    ("post", "/api/cameras/{id}/zones/check", ENGINEERS),
    ("post", "/api/cameras/{id}/zones/propose", ENGINEERS),
    ("get", "/api/cameras/{id}/zones/versions", VIEWERS),
    ("get", "/api/cameras/{id}/zones/versions/{n}", VIEWERS),
    ("post", "/api/cameras/{id}/zones/versions/{n}/approve", ENGINEERS),
    ("post", "/api/cameras/{id}/zones/versions/{n}/refuse", ENGINEERS),
    ("post", "/api/cameras/{id}/zones/versions/{n}/restore", ENGINEERS),
    ("get", "/api/cameras/{id}/zones/differences", VIEWERS),
    ("post", "/api/inputs/{name}", INPUTS),
    ("get", "/api/audit", ENGINEERS),
    ("get", "/api/pictures", VIEWERS),
    ("get", "/api/relays", VIEWERS),
    ("get", "/api/channels", VIEWERS),
    ("post", "/api/channels/{name}/test", ENGINEERS),
    ("post", "/api/cameras/{id}/walk-tests", ENGINEERS),
    ("get", "/api/walk-tests", VIEWERS),
    ("get", "/api/walk-tests/{id}", VIEWERS),
    ("post", "/api/walk-tests/{id}/edges/{n}/skip", ENGINEERS),
    ("post", "/api/walk-tests/{id}/finish", ENGINEERS),
    ("post", "/api/walk-tests/{id}/abandon", ENGINEERS),
    ("get", "/api/walk-tests/{id}/report.html", VIEWERS),
    ("get", "/api/cameras/{id}/heat", VIEWERS),
    ("get", "/api/handhelds", VIEWERS),
    ("post", "/api/handhelds/pairings", ENGINEERS),
    ("delete", "/api/handhelds/{id}", ENGINEERS),
    ("get", "/api/duty", VIEWERS),
    ("put", "/api/duty", ENGINEERS),
    ("get", "/api/models", VIEWERS),
    ("post", "/api/models", ENGINEERS),
    ("post", "/api/models/fetch", ENGINEERS),
    ("get", "/api/models/carried", VIEWERS),
    ("post", "/api/models/carried/{id}", ENGINEERS),
    ("get", "/api/models/history", VIEWERS),
    ("post", "/api/models/{digest}/shadow", ENGINEERS),
    ("post", "/api/models/{digest}/promote", ENGINEERS),
    ("post", "/api/models/{digest}/discard", ENGINEERS),
    ("post", "/api/models/rollback", ENGINEERS),
    ("post", "/api/models/review", ENGINEERS),
    ("get", "/api/models/evidence", VIEWERS),
    ("post", "/api/models/evidence", ENGINEERS),
    ("get", "/api/models/shadow", VIEWERS),
    ("get", "/api/models/cases", VIEWERS),
    ("get", "/api/models/cases/{id}/picture", VIEWERS),
    ("get", "/api/models/cases/{id}/clip", VIEWERS),
    ("post", "/api/models/cases/{id}/label", SUPERVISORS),
    ("get", "/api/models/queue", VIEWERS),
    ("get", "/api/examples", VIEWERS),
    ("get", "/api/examples/{id}/picture", VIEWERS),
    ("post", "/api/examples/{id}/label", SUPERVISORS),
    ("get", "/api/examples/export", ENGINEERS),
    ("post", "/api/examples/import", ENGINEERS),
    ("get", "/api/examples/thresholds", VIEWERS),
    ("get", "/api/users", ADMINS),
    ("post", "/api/users", ADMINS),
    ("patch", "/api/users/{name}", ADMINS),
    ("get", "/api/tokens", ADMINS),
    ("post", "/api/tokens", ADMINS),
    ("delete", "/api/tokens/{id}", ADMINS),
];

/// Status and refusal's code, without waiting for the end of a stream.
fn ask(served: &Served, who: &[(&str, &str)], method: &str, path: &str) -> (u16, String) {
    let mut stream = served.connect();
    let kind = match path {
        "/api/models" => "application/octet-stream",
        _ => "application/json",
    };
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\n\
         Content-Length: 2\r\nConnection: close\r\n",
        served.address
    );
    for (name, value) in who {
        head += &format!("{name}: {value}\r\n");
    }
    write!(stream, "{head}\r\n{{}}").expect("sent");
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line).expect("a status");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a number");
    let mut rest = String::new();
    if status >= 400 {
        answer.read_to_string(&mut rest).expect("a refusal");
    }
    let code = rest.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    (status, code.unwrap_or_default().to_owned())
}

#[test]
fn every_route_admits_exactly_whom_the_reference_says() {
    let served = serve();
    let routes: BTreeSet<(&str, &str)> = web::routes().into_iter().collect();
    let expected: BTreeSet<(&str, &str)> = EXPECTED.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(routes, expected, "a route without a row here, or a row without a route");
    assert_eq!(EXPECTED.len(), expected.len(), "two rows for one route");

    let token = format!("Bearer {}", served.token("press", "integration"));
    for (number, role) in [(VIEWER, "viewer"), (SUPERVISOR, "supervisor"), (ENGINEER, "engineer")] {
        assert!(number > INTEGRATION);
        served.person(role, role);
    }
    served.person("admin", "admin");
    let names = ["", "", "viewer", "supervisor", "engineer", "admin"];
    for (method, pattern, admitted) in EXPECTED {
        let path =
            pattern.replace("{id}", "999").replace("{name}", "nobody-knows").replace("{n}", "7");
        let path = path.replace("{camera}", "nowhere").replace("{zone}", "nothing");
        let path = path.replace("{part}", "1").replace("{digest}", &"7".repeat(64));
        for who in PUBLIC {
            let session;
            let shown: Vec<(&str, &str)> = match *who {
                NOBODY => vec![],
                INTEGRATION => vec![("Authorization", token.as_str())],
                // Afresh each time: one of the routes signs out.
                role => {
                    let name = names[usize::from(role)];
                    session = served.sign_in(name, PASSWORD).expect("signed in");
                    session.headers().to_vec()
                }
            };
            let (status, code) = ask(&served, &shown, &method.to_uppercase(), &path);
            let refused =
                matches!((status, code.as_str()), (401, "sign_in_needed") | (403, "role_needed"));
            let told = format!("{method} {path} for {who}: {status} {code}");
            assert_eq!(admitted.contains(who), !refused, "{told}");
            // Nobody at all is asked to sign in; whoever is somebody is told the role.
            assert_eq!(refused && *who == NOBODY, status == 401, "{told}");
            assert_ne!(code, "csrf_needed", "{told}");
        }
    }
}

#[test]
fn a_refusal_says_which_role_it_takes_and_which_there_is() {
    let served = serve();
    let eva = served.person("Eva", "viewer");
    let json = [("Content-Type", "application/json")];
    let path = "/api/alarms/40/acknowledge";
    let told =
        served.request_as(&eva.headers(), "POST", path, &json, b"{}").refused(403, "role_needed");
    assert!(told.contains("supervisor, engineer or admin") && told.contains("Eva"), "{told}");
    assert!(told.contains("viewer"), "{told}");
    let reply = served.request_as(&[], "POST", path, &json, b"{}");
    reply.refused(401, "sign_in_needed");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
    // The other methods of a route are not a way around it.
    assert_eq!(served.request_as(&[], "HEAD", "/api/state", &[], b"").status, 401);
    served.request_as(&[], "PUT", "/api/users", &json, b"{}").refused(405, "wrong_method");
}

#[test]
fn a_machine_tells_its_input_and_reads_the_state_and_answers_no_alarm() {
    let served = serve();
    let token = format!("Bearer {}", served.token("press", "integration"));
    let bearer = [("Authorization", token.as_str())];
    assert_eq!(served.request_as(&bearer, "GET", "/api/state", &[], b"").status, 200);
    let json = [("Content-Type", "application/json")];
    served
        .request_as(&bearer, "POST", "/api/alarms/40/acknowledge", &json, b"{}")
        .refused(403, "role_needed");
    served.request_as(&bearer, "DELETE", "/api/session", &[], b"").refused(403, "role_needed");
    // A token that a person's role was given to is that role, and needs no header of a page.
    let token = format!("Bearer {}", served.token("panel", "supervisor"));
    let bearer = [("Authorization", token.as_str())];
    let path = "/api/alarms/40/acknowledge";
    assert_eq!(served.request_as(&bearer, "POST", path, &json, b"{}").status, 200);
    let answers = served.fake.answers.lock().expect("not poisoned").clone();
    assert_eq!(answers, [(40, "token panel".to_owned())]);
    served
        .request_as(&[("Authorization", "Bearer 0000")], "GET", "/api/state", &[], b"")
        .refused(401, "sign_in_needed");
}

#[test]
fn what_a_named_person_has_to_say_no_token_says_whatever_its_role() {
    let served = serve();
    let token = format!("Bearer {}", served.token("panel", "admin"));
    let bearer = [("Authorization", token.as_str())];
    let json = [("Content-Type", "application/json")];
    let label = r#"{"label": "true"}"#.as_bytes();
    let promote = format!("/api/models/{}/promote", "7".repeat(64));
    for path in [promote.as_str(), "/api/models/cases/3/label", "/api/examples/1/label"] {
        let reply = served.request_as(&bearer, "POST", path, &json, label);
        let told = reply.refused(403, "person_needed");
        assert!(told.contains("token panel") && told.contains("sign in"), "{path}: {told}");
    }
    assert!(served.fake.models.said().is_empty());
    // A token without the role is told of the role, as everywhere.
    let token = format!("Bearer {}", served.token("press", "integration"));
    let bearer = [("Authorization", token.as_str())];
    served.request_as(&bearer, "POST", &promote, &json, b"{}").refused(403, "role_needed");
}

#[test]
fn health_is_public_and_its_reasons_are_not() {
    let served = serve();
    let mut broken = crate::fake::snapshot();
    broken.siren.fault = Some("no sound card".into());
    served.fake.snapshots.send_replace(std::sync::Arc::new(broken));
    let stranger = served.request_as(&[], "GET", "/healthz", &[], b"");
    assert_eq!((stranger.status, stranger.json()), (503, serde_json::json!({"status": "fault"})));
    let insider = served.get("/healthz").json();
    assert_eq!(insider["reasons"][0], "the siren cannot sound: no sound card");
}
