//! The comparison by itself, with tiny models on made clips.

use std::fs;

use serde_json::Value;

use super::{Scene, blind, clip, err, model, out, seeing, truth_of};

#[test]
fn a_model_that_loses_a_true_incident_is_refused_and_the_incident_is_named() {
    let scene = Scene::new(30);
    let (active, shadow) = (seeing("good"), blind("blind"));
    let json = scene.path("report.json");
    let compared = model(&[
        &"compare",
        &active.dir(),
        &shadow.dir(),
        &scene.clip,
        &"--zones",
        &scene.zones,
        &"--truth",
        &scene.truth,
        &"--json",
        &json,
    ]);
    assert_eq!(compared.status.code(), Some(3), "{}{}", out(&compared), err(&compared));
    let text = out(&compared);
    assert!(text.contains("REFUSED"), "{text}");
    let case = "gate.mp4 yard";
    let line = text.lines().find(|line| line.contains(case)).expect(&text);
    assert!(line.contains("the active model only, somebody was there"), "{line}");
    assert!(text.contains("case 1: somebody was there, the active model told it"), "{text}");

    let report: Value = serde_json::from_slice(&fs::read(json).expect("written")).expect("JSON");
    assert_eq!(report["judgement"], "refused");
    assert_eq!(report["missed"], 1);
    assert_eq!(report["cases"][0]["told"], "active_only");
    assert_eq!(report["cases"][0]["label"], "true");
    assert_eq!(report["frames"]["shadow_only_boxes"], 0);
    assert!(report["frames"]["active_only_boxes"].as_u64() > Some(100), "{report}");
}

#[test]
fn an_equal_model_is_told_how_many_incidents_are_missing_and_passes_where_they_are_enough() {
    let scene = Scene::new(30);
    let (active, shadow) = (seeing("good"), seeing("twin"));
    let of = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let (zones, truth) = (&scene.zones, &scene.truth);
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"compare"];
        let (active, shadow) = (active.dir(), shadow.dir());
        args.extend([&active as &dyn AsRef<std::ffi::OsStr>, &shadow, &scene.clip]);
        args.extend([&"--zones" as &dyn AsRef<std::ffi::OsStr>, zones, &"--truth", truth]);
        args.extend(more);
        let compared = model(&args);
        assert!(compared.status.success(), "{}{}", out(&compared), err(&compared));
        out(&compared)
    };
    // 332 without a miss show less than 1 % whenever one looks, 299 at one look; there is one.
    let any = of(&[]);
    assert!(any.contains("NOT ENOUGH"), "{any}");
    assert!(any.contains("331 more true incidents, if none of them is missed"), "{any}");
    let planned = of(&[&"--planned", &"299"]);
    assert!(planned.contains("298 more true incidents"), "{planned}");
    // One of one found shows less than 60 % with 40 %.
    let easy = of(&[&"--planned", &"1", &"--miss", &"0.7", &"--confidence", &"0.3"]);
    assert!(easy.contains("SHOWN by these recordings"), "{easy}");
    assert!(easy.contains("10 true incidents found by the site's own cameras"), "{easy}");
}

#[test]
fn without_truth_somebody_has_to_judge_what_only_one_of_them_told() {
    let scene = Scene::new(30);
    let (active, shadow) = (seeing("good"), blind("blind"));
    let compared =
        model(&[&"compare", &active.dir(), &shadow.dir(), &scene.clip, &"--zones", &scene.zones]);
    assert!(compared.status.success(), "{}", err(&compared));
    let text = out(&compared);
    assert!(
        text.contains("somebody has to say of 1 of the cases whether anybody was there: 1"),
        "{text}"
    );
    assert!(text.contains("nobody has said who was there"), "{text}");
}

#[test]
fn what_neither_model_told_is_counted_as_missed() {
    let scene = Scene::new(30);
    let (active, shadow) = (blind("blind"), blind("blinder"));
    let compared = model(&[
        &"compare",
        &active.dir(),
        &shadow.dir(),
        &scene.clip,
        &"--zones",
        &scene.zones,
        &"--truth",
        &scene.truth,
    ]);
    let text = out(&compared);
    assert!(compared.status.success(), "{text}{}", err(&compared));
    assert!(text.contains("missed: 1 of 1 true incidents"), "{text}");
    assert!(text.contains("neither, somebody was there"), "{text}");
}

#[test]
fn a_comparison_that_is_kept_is_judged_again_as_it_was() {
    let scene = Scene::new(30);
    let (active, shadow) = (seeing("good"), blind("blind"));
    let keep = scene.path("evidence.json");
    let compared = model(&[
        &"compare",
        &active.dir(),
        &shadow.dir(),
        &scene.clip,
        &"--zones",
        &scene.zones,
        &"--truth",
        &scene.truth,
        &"--keep",
        &keep,
    ]);
    let again = model(&[&"evidence", &keep]);
    assert_eq!((compared.status.code(), again.status.code()), (Some(3), Some(3)));
    let verdict = |text: &str| text[text.find("coverage:").expect("figures")..].to_owned();
    assert_eq!(verdict(&out(&compared)), verdict(&out(&again)));

    let text = fs::read_to_string(&keep).expect("written");
    let kept: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(kept["active"]["package"], active.digest());
    assert_eq!(kept["shadow"]["package"], shadow.digest());
    assert_eq!(kept["recordings"][0]["sha256"].as_str().map(str::len), Some(64));

    for (from, to, said) in [
        ("\"version\": 1,", "\"version\": 2,", "version 2; this program reads"),
        ("\"told\": \"active_only\"", "\"told\": \"nobody\"", "compare --keep"),
        ("\"camera\": \"gate.mp4\"", "\"camera\": \"other.mp4\"", "`other.mp4`, no recording"),
        ("\"told\": \"active_only\"", "\"told\": \"both\"", "`later_by_ms` does not fit"),
    ] {
        assert!(text.contains(from), "{text}");
        fs::write(&keep, text.replace(from, to)).expect("written");
        let refused = model(&[&"evidence", &keep]);
        assert_eq!(refused.status.code(), Some(1), "{}", out(&refused));
        assert!(err(&refused).contains(said), "{}", err(&refused));
    }
    fs::write(&keep, &text).expect("written");
    let other = scene.path("other.json");
    fs::write(&other, text.replace(&active.digest(), &shadow.digest())).expect("written");
    let refused = model(&[&"evidence", &keep, &other]);
    assert!(err(&refused).contains("give files of the same two models"), "{}", err(&refused));
}

#[test]
fn what_does_not_fit_together_is_said_with_what_would() {
    let scene = Scene::new(10);
    let (active, shadow) = (seeing("good"), blind("blind"));
    let late = scene.path("late.txt");
    fs::write(&late, truth_of(400..410)).expect("written");
    let large = scene.path("large.txt");
    fs::write(&large, "25,1,900,500,60,160,1,-1,-1,-1\n").expect("written");
    let other = clip(scene.folder.path(), "other.mp4", 11);
    let missing = scene.path("missing.mp4");
    let refused = |more: &[&dyn AsRef<std::ffi::OsStr>], said: &[&str]| {
        let (active, shadow) = (active.dir(), shadow.dir());
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"compare", &active, &shadow];
        args.extend(more);
        let refused = model(&args);
        assert_eq!(refused.status.code(), Some(1), "{}{}", out(&refused), err(&refused));
        for word in said {
            assert!(err(&refused).contains(word), "{word}: {}", err(&refused));
        }
    };
    let (clip, zones, truth) = (&scene.clip, &scene.zones, &scene.truth);
    refused(&[&missing, &"--zones", zones], &["missing.mp4", "cannot be read"]);
    refused(&[clip, &"--zones", zones, zones], &["2 zone files for 1 videos", "one for all"]);
    refused(&[clip, &other, &"--zones", zones, &"--truth", truth], &["1 truth files for 2 videos"]);
    refused(&[clip, clip, &"--zones", zones], &["the same recording"]);
    refused(&[clip, &"--zones", zones, &"--truth", &late], &["late.txt", "is it of this footage"]);
    refused(&[clip, &"--zones", zones, &"--truth", &large], &["large.txt", "320 x 240", "size"]);
    refused(&[clip, &"--zones", &late], &["zone file", "late.txt"]);

    let nobody = model(&[&"compare", &active.dir(), &"no-such-model", clip, &"--zones", zones]);
    assert!(err(&nobody).contains("no-such-model"), "{}", err(&nobody));
    let slot = format!("sha256-{}", "0".repeat(64));
    let absent = model(&[&"compare", &active.dir(), &slot, clip, &"--zones", zones]);
    assert!(err(&absent).contains("is not on this box"), "{}", err(&absent));
}
