//! The same steps at a box that runs, over its API.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::output::to_stdout;
use super::steps::read_evidence;
use crate::guard::handle::models::KeptEvidence;
use crate::guard::models::person::{Person, Who};
use crate::guard::models::remote::{Address, Remote, RemoteError};
use crate::rollout::slot::Digest;

/// How often a box is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// So often it is looked for how it ended.
const LOOKS_MAX: usize = 20;

/// Kinds of events that end what was being taken.
const ENDS: [&str; 3] = ["verified", "rejected", "refused"];

const MB: u64 = 1024 * 1024;
const SAID_EVERY_MB: u64 = 10;

/// Its history was not written: the box says that by itself.
const NOTHING_SAID: &str =
    "the box does not say how it ended; `standclear model list` has what it holds";

fn text<'v>(value: &'v Value, at: &str) -> &'v str {
    value.pointer(at).and_then(Value::as_str).unwrap_or("-")
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    to_stdout(|out| writeln!(out, "{line}"))?;
    Ok(())
}

pub fn install(address: &Address, file: File) -> Result<(), Box<dyn Error>> {
    let said = Remote::new(address)?.send_file("/api/models", file)?;
    let (name, version, digest) =
        (text(&said, "/name"), text(&said, "/version"), text(&said, "/digest"));
    say(&format!(
        "{name} {version}, release {}, is installed and verified: {digest}",
        said["release"]
    ))
}

/// The box fetches it; says how far it is, and how it ended.
pub fn fetch(address: &Address, url: &str) -> Result<(), Box<dyn Error>> {
    let remote = Remote::new(address)?;
    let before = newest(&remote)?.map_or(0, |event| event["id"].as_u64().unwrap_or_default());
    remote.post("/api/models/fetch", &json!({ "url": url }))?;
    let mut said = 0;
    loop {
        thread::park_timeout(LOOK_EVERY);
        let taking = remote.get("/api/models")?["taking"].clone();
        if taking.is_null() {
            break;
        }
        let mb = taking["bytes"].as_u64().unwrap_or_default() / MB;
        if mb >= said + SAID_EVERY_MB {
            said = mb;
            say(&format!("{mb} MB have come"))?;
        }
    }
    match ended(&remote, before)? {
        Some(event) if event["kind"] == "verified" => {
            let slot = text(&event, "/slot");
            let digest = slot.strip_prefix("sha256-").unwrap_or(slot);
            say(&format!("It is installed and verified: {digest}"))
        }
        Some(event) => Err(RemoteError::NotTaken { why: text(&event, "/text").to_owned() }.into()),
        None => Err(RemoteError::NotTaken { why: NOTHING_SAID.to_owned() }.into()),
    }
}

/// How what began after this line of the history ended; it is written a moment after it did.
fn ended(remote: &Remote, before: u64) -> Result<Option<Value>, RemoteError> {
    for _ in 0..LOOKS_MAX {
        let newest = newest(remote)?.filter(|event| event["id"].as_u64() > Some(before));
        let is_end = |event: &Value| ENDS.iter().any(|kind| event["kind"] == **kind);
        if let Some(event) = newest.filter(is_end) {
            return Ok(Some(event));
        }
        thread::park_timeout(LOOK_EVERY);
    }
    Ok(None)
}

/// The newest line of the history.
fn newest(remote: &Remote) -> Result<Option<Value>, RemoteError> {
    let said = remote.get("/api/models/history?limit=1")?;
    Ok(said["events"].as_array().and_then(|events| events.first().cloned()))
}

pub fn list(address: &Address) -> Result<(), Box<dyn Error>> {
    let said = Remote::new(address)?.get("/api/models")?;
    let rows = said["models"]
        .as_array()
        .ok_or_else(|| RemoteError::NoAnswer { url: address.url.clone() })?;
    to_stdout(|out| {
        for row in rows {
            let roles = row["roles"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let roles: Vec<&str> = roles.collect();
            let (name, version) = (text(row, "/name"), text(row, "/version"));
            let stage = row["stage"].as_str().map(|it| format!(", {it}")).unwrap_or_default();
            let roles = roles.join(" ");
            writeln!(out, "{name} {version}  release {}  {roles}{stage}", row["release"])?;
            writeln!(out, "    {}", text(row, "/slot"))?;
            if let Some(damaged) = row["damaged"].as_str() {
                writeln!(out, "    DAMAGED {damaged}")?;
            }
        }
        writeln!(out, "Nothing below release {} comes in.", said["floor"])?;
        match said.pointer("/fault/text").and_then(Value::as_str) {
            Some(fault) => writeln!(out, "FAULT: {fault}"),
            None => Ok(()),
        }
    })?;
    Ok(())
}

pub fn shadow(address: &Address, digest: Digest) -> Result<(), Box<dyn Error>> {
    Remote::new(address)?.post(&format!("/api/models/{digest}/shadow"), &json!({}))?;
    say("It looks in the shadow; the page shows what it sees.")
}

pub fn promote(
    who: &Who,
    digest: Digest,
    evidence: &str,
    confirm: &str,
) -> Result<(), Box<dyn Error>> {
    let body = json!({ "evidence": evidence, "confirm": confirm });
    Person::sign_in(who)?.post(&format!("/api/models/{digest}/promote"), &body)?;
    say(
        "It is approved, and is switched to once it is loaded; `standclear model history` says when.",
    )
}

/// Returns the number of the run.
pub fn keep_evidence(address: &Address, path: &Path) -> Result<KeptEvidence, Box<dyn Error>> {
    let json: Value = serde_json::from_slice(&read_evidence(path)?)?;
    let said = Remote::new(address)?.post("/api/models/evidence", &json)?;
    Ok(match said["parent_check"].as_u64() {
        Some(recordings) => KeptEvidence::ParentCheck { recordings: recordings as usize },
        None => KeptEvidence::Run(said["run"].as_u64().unwrap_or_default()),
    })
}

/// What the gate of a box that runs says, by all that it has.
pub fn evidence(address: &Address) -> Result<(), Box<dyn Error>> {
    let said = Remote::new(address)?.get("/api/models/evidence")?;
    let judgement = match text(&said, "/judgement") {
        "refused" => "REFUSED",
        "not_enough" => "NOT ENOUGH",
        "may_be_approved" => "MAY BE APPROVED",
        other => other,
    };
    let texts = |key: &str| -> Vec<String> {
        let all = said[key].as_array().into_iter().flatten();
        all.map(|it| text(it, "/text").to_owned()).collect()
    };
    to_stdout(|out| {
        writeln!(out, "{judgement}")?;
        for (before, key) in
            [("", "reasons"), ("missing: ", "needed"), ("", "claims"), ("take care: ", "warnings")]
        {
            for line in texts(key) {
                writeln!(out, "  {before}{line}")?;
            }
        }
        writeln!(out, "evidence {}", text(&said, "/digest"))
    })?;
    Ok(())
}

pub fn rollback(address: &Address, reason: &str) -> Result<(), Box<dyn Error>> {
    Remote::new(address)?.post("/api/models/rollback", &json!({ "reason": reason }))?;
    say("It is being taken back; `standclear model history` says when.")
}

pub fn discard(address: &Address, digest: Digest, reason: &str) -> Result<(), Box<dyn Error>> {
    let body = json!({ "reason": reason });
    Remote::new(address)?.post(&format!("/api/models/{digest}/discard"), &body)?;
    say("It is no candidate any more.")
}

pub fn history(address: &Address, limit: u32) -> Result<(), Box<dyn Error>> {
    let said = Remote::new(address)?.get(&format!("/api/models/history?limit={limit}"))?;
    let rows = said["events"]
        .as_array()
        .ok_or_else(|| RemoteError::NoAnswer { url: address.url.clone() })?;
    to_stdout(|out| {
        for row in rows.iter().rev() {
            let (at, kind, slot) = (text(row, "/at"), text(row, "/kind"), text(row, "/slot"));
            writeln!(out, "{at}  {kind}  {slot}  {}: {}", text(row, "/by"), text(row, "/text"))?;
        }
        Ok(())
    })?;
    Ok(())
}
