//! The steps of a model on its way to guard, one after the other, and what each of them leaves behind.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};
use standclear::rollout::probation::{FRAMES_MIN, Progress, RUN_MIN};

use crate::service::{EVA, SOON, Service};
use crate::support;

/// Longest wait for incidents: one of them is over in ten seconds, and a case is shown 15 s later.
pub const INCIDENTS_WITHIN: Duration = Duration::from_secs(150);

/// sha256 of the model file that came with the program.
pub const SHIPPED: &str = "87cd9ed5b27c41a865d0e837c202c79457317b2845b8bf7ffc79a8255dd1499c";

/// What a trial shows after it was started again: a second of it is missing, and some pictures.
const SHOWN: Progress = Progress { frames: FRAMES_MIN - 20, run_s: RUN_MIN.as_secs() - 3 };

/// How often somebody looks at the evidence once more because more is known: a new case comes now and then.
const LOOKS_MAX: usize = 12;

/// A model, and the box that it is to guard.
pub struct Way {
    service: Service,
    name: &'static str,
    digest: String,
    /// sha256 of its model file.
    model: String,
}

impl Way {
    pub fn of(service: Service, name: &'static str) -> Way {
        let manifest = support::root().join("models").join(name).join("manifest.json");
        let manifest: Value =
            serde_json::from_slice(&fs::read(manifest).expect("read")).expect("JSON");
        let model = manifest["variants"][0]["sha256"].as_str().expect("a digest").to_owned();
        Way { service, name, digest: String::new(), model }
    }

    fn slot(&self) -> String {
        format!("sha256-{}", self.digest)
    }

    fn models(&self) -> Value {
        self.service.get("/api/models")
    }

    fn evidence(&self) -> Value {
        self.service.get("/api/models/evidence")
    }

    /// From the maker's folder onto the box.
    pub fn comes_in(&mut self) {
        let folder = support::root().join("models").join(self.name);
        self.service.packs(&folder, "new.standclear-model");
        self.digest = self.service.installs("new.standclear-model");
        assert_eq!(self.models()["models"][1]["stage"], "verified", "{:#}", self.models());
    }

    pub fn is_not_approved_unseen(&self) {
        let (code, said) = self.service.approves(&self.digest, &"0".repeat(64), self.name);
        assert!(code != Some(0) && said.contains("409 not_shadowing"), "{said}");
    }

    pub fn looks_in_the_shadow(&self) {
        self.service.does(&["shadow", &self.digest]);
        self.service.wait("it looks", SOON, || {
            (self.service.get("/api/models/shadow")["state"] == "watching").then_some(())
        });
        assert_eq!(self.models()["active"]["slot"], "shipped");
    }

    /// The first 26 s of the footage, whose truth is known: what was compared goes into the running box.
    pub fn is_compared_on_a_recording(&self) {
        support::part_of_footage(&self.service.path(""), "recording.mp4", 0..260);
        let tests = support::root().join("tests/compare");
        let (zones, truth) = (tests.join("walkway.json"), tests.join("walkway.txt"));
        let (zones, truth) = (zones.display().to_string(), truth.display().to_string());
        let shipped = support::model_dir().display().to_string();
        let models = ["model", "compare", &shipped, "new.standclear-model", "recording.mp4"];
        let with = ["--zones", &zones, "--truth", &truth, "--fps", "5"];
        let kept = ["--keep", "recording.evidence"];
        self.service.well(&[&models[..], &with, &kept].concat());
        self.service.does(&["evidence", "recording.evidence", "--into-box"]);
        // Once is enough.
        let again = ["evidence", "recording.evidence", "--into-box"];
        let (code, said) = self.service.asks(&again);
        assert!(code != Some(0) && said.contains("409 known"), "{said}");
    }

    /// It is quantized, so it is asked for; what it was made of lies beside the tests.
    pub fn is_held_against_its_parent(&self) {
        let asked_for = || {
            let evidence = self.service.asked("/api/models/evidence")?;
            let needed = evidence["needed"].as_array()?.iter();
            Some(needed.filter(|it| it["code"] == "parent_check").count())
        };
        self.service.wait("it is asked for", SOON, || (asked_for()? == 1).then_some(()));
        let said = self.service.does(&["evidence"]);
        assert!(said.contains("NOT ENOUGH") && said.contains("missing: it is quantized"), "{said}");
        let tests = support::root().join("tests/compare");
        let (parent, zones) = (tests.join("nanodet-g-416-fp32"), tests.join("gate-road.json"));
        let (parent, zones) = (parent.display().to_string(), zones.display().to_string());
        let footage = support::footage().display().to_string();
        let check = ["model", "check-quantization", "new.standclear-model", &parent, &footage];
        let said = self.service.well(
            &[&check[..], &["--zones", &zones, "--threads", "2", "--keep", "parent.check"]]
                .concat(),
        );
        assert!(said.contains("ACCEPTED"), "{said}");
        self.service.does(&["evidence", "parent.check", "--into-box"]);
        assert_eq!(asked_for(), Some(0));
        let found = self.evidence()["quantization"].clone();
        assert_eq!(found["outcome"], "accepted", "{found:#}");
    }

    /// Incidents come and are labelled until the gate would let somebody approve it.
    pub fn shows_enough(&self) {
        let runs = self.service.wait("enough", INCIDENTS_WITHIN, || {
            self.service.labels_cases();
            // Before the two were compared in this life of the box there is none.
            let evidence = self.service.asked("/api/models/evidence")?;
            assert_ne!(evidence["judgement"], "refused", "{evidence:#}");
            (evidence["judgement"] == "may_be_approved").then(|| evidence["runs"].clone())
        });
        let live = runs.as_array().expect("a list").iter().find(|run| run["source"] == "live");
        let live = live.unwrap_or_else(|| panic!("{runs:#}"));
        println!("{live:#}");
        let corpus = runs.as_array().expect("a list").iter().find(|run| run["source"] == "corpus");
        let corpus = corpus.unwrap_or_else(|| panic!("{runs:#}"));
        assert!(corpus["true_incidents"].as_u64() >= Some(3) && corpus["missed"] == 0, "{runs:#}");
        assert!(live["true_incidents"].as_u64() >= Some(10), "{live:#}");
        assert_eq!((&live["missed"], &live["tally"]["to_label"]), (&json!(0), &json!(0)));
    }

    pub fn is_not_approved_by_what_was_seen_before(&self) {
        let before = self.evidence()["digest"].clone();
        let before = before.as_str().expect("a digest");
        self.service.wait("another case", SOON, || {
            self.service.labels_cases();
            let now = self.evidence();
            (now["digest"] != before && now["judgement"] == "may_be_approved").then_some(())
        });
        let (code, said) = self.service.approves(&self.digest, before, self.name);
        assert!(code != Some(0) && said.contains("409 evidence_changed"), "{said}");
        assert_eq!(self.models()["active"]["slot"], "shipped");
    }

    /// Eva looks, and approves what she saw; where more is known by then she looks again.
    pub fn is_approved(&self) {
        for _ in 0..LOOKS_MAX {
            self.service.labels_cases();
            let seen = self.evidence()["digest"].clone();
            let seen = seen.as_str().expect("a digest");
            let (code, said) = self.service.approves(&self.digest, seen, self.name);
            if code == Some(0) {
                assert_eq!(self.service.told("approved")["by"], EVA);
                return;
            }
            assert!(said.contains("evidence_changed") || said.contains("not_enough"), "{said}");
        }
        panic!("the evidence was another one {LOOKS_MAX} times");
    }

    /// It guards from one picture to the next, and whoever comes is seen by it and heard.
    pub fn guards_on_probation(&self) {
        let now = self.service.wait("its trial", SOON, || {
            let now = self.models();
            (now["trial"]["digest"] == *self.digest && now["active"]["slot"] == *self.slot())
                .then_some(now)
        });
        assert_eq!(now["trial"]["approved_by"], EVA);
        assert_eq!(now["trial"]["attempts_left"], 3);
        assert_eq!(now["active"]["on_trial"], true);
        println!("{}", self.service.told("switched")["text"]);
        let (other, before) = (&self.model, self.service.newest_incident());
        // What began under the model before may be the newest for a moment.
        self.service.wait("an incident of its own", SOON, || {
            let incidents = self.service.get("/api/incidents?limit=5");
            let newest = incidents["incidents"].as_array()?.first()?.clone();
            let is_its = newest["id"].as_u64() > Some(before) && newest["model_digest"] == **other;
            is_its.then_some(())
        });
        assert_eq!(self.service.state()["vision"]["restarts"], 0, "nothing was started anew");
    }

    /// The box starts again. A day is too long for a test: what the trial has shown until then is written
    /// down as if most of it were over.
    pub fn begins_again_in_its_trial(&mut self) {
        self.service.ends();
        let disk = Disk::existing(self.service.path("data").join(FOLDER));
        let mut store = ModelStore::open(disk, 0).store;
        let shown = store.ledger().trial().expect("a trial").progress;
        assert!(shown.frames > 0, "what it has shown is kept: {shown:?}");
        store.note(SHOWN).expect("kept");
        drop(store);
        self.service.begins();
        let now = self.models();
        assert_eq!(now["active"]["slot"], self.slot(), "{now:#}");
    }

    /// The rest of its probation, its golden pictures once more, and it guards by right.
    pub fn is_committed(&self) {
        let before = self.service.newest_incident();
        let told = self.service.told("committed");
        println!("{}", told["text"]);
        let now = self.models();
        assert!(now["trial"].is_null(), "{now:#}");
        assert_eq!((&now["floor"], &now["previous"]), (&json!(2), &json!("shipped")));
        assert_eq!(now["active"]["slot"], self.slot());
        self.service.incident_by(&self.model, before);
    }

    /// After the commit: what guarded before guards again, without an approval.
    pub fn is_taken_back_by_a_person(&self) {
        self.service.does(&["rollback", "--reason", "it misses people with umbrellas"]);
        self.service.wait("the one before", SOON, || {
            (self.models()["active"]["slot"] == "shipped").then_some(())
        });
        let before = self.service.newest_incident();
        self.service.wait("an incident that it saw", SOON, || {
            let incidents = self.service.get("/api/incidents?limit=5");
            let newest = incidents["incidents"].as_array()?.first()?.clone();
            let is_its = newest["id"].as_u64() > Some(before) && newest["model_digest"] == SHIPPED;
            is_its.then_some(())
        });
        assert_eq!(self.models()["previous"], self.slot());
    }

    /// The history has each step with whoever did it, the audit log agrees, and the disk is whole.
    pub fn is_told_whole(&mut self) {
        let steps = self.service.history();
        let wanted = [
            "installed",
            "verified",
            "shadowing",
            "approved",
            "switched",
            "committed",
            "put_back",
            "switched",
        ];
        let of_steps: Vec<&str> =
            steps.iter().map(String::as_str).filter(|kind| wanted.contains(kind)).collect();
        assert_eq!(of_steps, wanted);
        let said = self.service.does(&["history"]);
        assert!(said.contains("it misses people with umbrellas"), "{said}");
        let audit = self.service.get("/api/audit?limit=200");
        assert_eq!(audit["verified"]["ok"], true);
        assert!(self.service.heard() > 10);
        self.service.ends();
        let said = self.service.well(&["check"]);
        assert!(said.contains("The store data is whole"), "{said}");
    }
}
