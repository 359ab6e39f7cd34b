//! What people say of incidents, and one incident as a file.

use std::process::Command;

use serde_json::json;

use crate::fake::{ADMIN, serve};

#[test]
fn the_list_has_what_people_judged_incidents_to_be() {
    let served = serve();
    let page = served.get("/api/incidents?limit=3&before=19").json();
    assert_eq!(page["incidents"].as_array().map(Vec::len), Some(3));
    let verdict = json!({
        "incident": 17, "verdict": "false", "by": "Zoë 山田", "at": "2026-03-01T15:00:00.000Z",
        "note": "a fork lift"
    });
    assert_eq!(page["verdicts"], json!([verdict]));
    assert_eq!(served.get("/api/incidents?limit=3&before=10").json()["verdicts"], json!([]));
}

#[test]
fn a_verdict_is_one_of_three_words_of_a_supervisor_and_its_note_is_bounded() {
    let served = serve();
    let path = "/api/incidents/17/verdict";
    let told = served.post(path, r#"{"verdict": "perhaps"}"#).refused(422, "bad_request");
    assert!(told.contains("true, false or test"), "{told}");
    let long = format!(r#"{{"verdict": "true", "note": "{}"}}"#, "x".repeat(501));
    served.post(path, &long).refused(422, "bad_request");
    // The fake's store is empty, and nobody judges what there is not.
    served.post(path, r#"{"verdict": "true"}"#).refused(404, "unknown_incident");
    let eva = served.person("Eva", "viewer");
    let json = [("Content-Type", "application/json")];
    served
        .request_as(&eva.headers(), "POST", path, &json, br#"{"verdict": "true"}"#)
        .refused(403, "role_needed");
}

#[test]
fn an_exported_incident_opens_its_sums_are_right_and_it_is_in_the_audit_log() {
    let served = serve();
    served.get("/api/incidents/17/export.zip?picture=clear").refused(403, "clear_not_granted");
    let reply = served.get("/api/incidents/17/export.zip");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/zip"));
    let disposition = reply.header("content-disposition").expect("a name");
    assert!(disposition.contains("incident-17.zip"), "{disposition}");

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("incident.zip"), &reply.body).expect("written");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).output().ok()
    };
    // Another program than ours opens it, where there is one.
    if let Some(opened) = run("python3", &["-m", "zipfile", "-e", "incident.zip", "."]) {
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        let sums = run("sha256sum", &["--check", "SHA256SUMS"]).expect("coreutils");
        assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
        let facts = std::fs::read(folder.path().join("incident.json")).expect("it is there");
        let facts: serde_json::Value = serde_json::from_slice(&facts).expect("JSON");
        assert_eq!((&facts["incident"]["id"], &facts["hidden"]), (&json!(17), &json!("persons")));
        assert_eq!(facts["verdict"]["note"], "a fork lift");
        let picture = std::fs::read(folder.path().join("snapshot.jpg")).expect("it is there");
        assert_eq!(picture, b"\xFF\xD8 a jpeg");
    }
    let entry = &served.get("/api/audit?limit=1").json()["entries"][0];
    assert_eq!((&entry["action"], &entry["by"]), (&json!("incident_exported"), &json!(ADMIN)));
    assert_eq!(entry["subject"], "incident 17");
}
