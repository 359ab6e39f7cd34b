//! A quantized model against its parent, with tiny models on made clips.

use std::ffi::OsStr;
use std::fs;

use serde_json::Value;

use super::{DARK_BEFORE, Scene, blind, clip, err, model, out, seeing};

#[test]
fn a_quantized_model_that_sees_less_is_refused_with_the_pictures_that_differ() {
    let scene = Scene::new(30);
    let (fp32, int8) = (seeing("fp32"), blind("int8").quantized());
    let (pictures, json) = (scene.path("pictures"), scene.path("report.json"));
    let checked = model(&[
        &"check-quantization",
        &int8.dir(),
        &fp32.dir(),
        &scene.clip,
        &"--zones",
        &scene.zones,
        &"--truth",
        &scene.truth,
        &"--pictures",
        &pictures,
        &"--json",
        &json,
    ]);
    assert_eq!(checked.status.code(), Some(3), "{}{}", out(&checked), err(&checked));
    let text = out(&checked);
    assert!(
        text.contains("REFUSED: more than 0.5 points of recall lost in gate.mp4 yard"),
        "{text}"
    );

    let report: Value = serde_json::from_slice(&fs::read(json).expect("written")).expect("JSON");
    assert_eq!(report["outcome"], "refused");
    assert_eq!(report["zones"][0]["inside"], 30);
    let differ = report["differ"].as_array().expect("a list");
    let lost = differ.iter().filter(|one| one["how"] == "lost");
    let lost: Vec<u64> = lost.map(|one| one["picture"].as_u64().expect("a number")).collect();
    // All but the first few, which are the evidence.
    assert!(lost.len() >= 25, "{lost:?}");
    let light = u64::from(DARK_BEFORE)..u64::from(DARK_BEFORE + 30);
    assert!(lost.iter().all(|picture| light.contains(picture)), "{lost:?}");
    for picture in lost {
        let file = pictures.join(format!("gate.mp4-{picture:06}.png"));
        let picture = image::open(&file).expect("a picture").to_rgb8();
        assert_eq!(picture.dimensions(), (320, 240));
        let green = picture.pixels().filter(|pixel| pixel.0 == [40, 220, 60]).count();
        assert!(green > 500, "{}: {green} pixels of boxes", file.display());
    }
}

#[test]
fn one_that_sees_the_same_is_accepted_once_half_a_point_is_a_picture() {
    let (fp32, int8) = (seeing("fp32"), seeing("int8").quantized());
    let few = Scene::new(30);
    let checked = |scene: &Scene| {
        let checked = model(&[
            &"check-quantization",
            &int8.dir(),
            &fp32.dir(),
            &scene.clip,
            &"--zones",
            &scene.zones,
            &"--truth",
            &scene.truth,
        ]);
        assert!(checked.status.success(), "{}{}", out(&checked), err(&checked));
        out(&checked)
    };
    let text = checked(&few);
    assert!(text.contains("NOT ENOUGH: 200 pictures with somebody inside"), "{text}");
    let text = checked(&Scene::new(210));
    assert!(text.contains("ACCEPTED"), "{text}");
}

#[test]
fn clips_of_the_same_zones_are_counted_together_and_kept_for_the_gate() {
    let (fp32, int8) = (seeing("fp32"), seeing("int8").quantized());
    let scene = Scene::new(120);
    let (other, keep) = (clip(scene.folder.path(), "gate-2.mp4", 110), scene.path("parent.json"));
    let checked = |more: &[&dyn AsRef<OsStr>]| {
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"check-quantization"];
        args.extend(more);
        model(&args)
    };
    let (int8_dir, fp32_dir) = (int8.dir(), fp32.dir());
    let both = checked(&[
        &int8_dir,
        &fp32_dir,
        &scene.clip,
        &other,
        &"--zones",
        &scene.zones,
        &"--keep",
        &keep,
    ]);
    assert!(out(&both).contains("ACCEPTED"), "{}{}", out(&both), err(&both));
    let file: Value = serde_json::from_slice(&fs::read(&keep).expect("kept")).expect("JSON");
    assert_eq!(file["quantized"]["package"], int8.digest());
    assert_eq!(file["parent"]["package"], fp32.digest());
    let judged = model(&[&"evidence", &keep]);
    let text = out(&judged);
    assert!(text.contains("ACCEPTED") && text.contains("NOT ENOUGH"), "{text}{}", err(&judged));

    for (first, second, says) in
        [(&fp32_dir, &int8_dir, "is not quantized"), (&int8_dir, &int8_dir, "is quantized itself")]
    {
        let wrong = checked(&[first, second, &scene.clip, &"--zones", &scene.zones]);
        assert!(!wrong.status.success() && err(&wrong).contains(says), "{}", err(&wrong));
    }
}
