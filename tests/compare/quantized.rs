//! A quantized model against its parent, with tiny models on made clips.

use std::fs;

use serde_json::Value;

use super::{DARK_BEFORE, Scene, blind, err, model, out, seeing};

#[test]
fn a_quantized_model_that_sees_less_is_refused_with_the_pictures_that_differ() {
    let scene = Scene::new(30);
    let (fp32, int8) = (seeing("fp32"), blind("int8"));
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
    let (fp32, int8) = (seeing("fp32"), seeing("int8"));
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
