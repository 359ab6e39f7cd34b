//! Several mistakes in one file.

use crate::{Folder, SMALLEST, error_of, smallest_with};

/// Lines of the error that name a mistake.
fn mistakes(text: &str) -> Vec<String> {
    let error = error_of(text);
    let (first, rest) = error.split_once('\n').unwrap_or((&error, ""));
    let told: Vec<String> = rest.lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(first, format!("{} mistakes in the configuration:", told.len()), "{error}");
    told
}

#[track_caller]
fn assert_in_order(told: &[String], expected: &[&[&str]]) {
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, parts) in told.iter().zip(expected) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line:?} does not say {parts:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_line_field_value_and_what_would_be_right() {
    let text = SMALLEST
        .replace("\"UTC\"", "\"Europe/Pragu\"")
        .replace("id = \"yard\"", "id = \"Yard East\"\nfps = 1")
        .replace("yard.json", "elsewhere.json");
    let text = format!(
        "{text}\n[siren]\nloudness = 3\nvolume = 7.0\ntest = {{ at = \"7:00\" }}\n\
         [model]\nthreads = 0\ndetail = \"more\"\n[evidence]\ndays = \"ten\"\nmegabytes = 1\n"
    );
    assert_in_order(
        &mistakes(&text),
        &[
            &["standclear.toml:3", "site.time_zone", "Europe/Pragu", "IANA"],
            &["standclear.toml:6", "camera[0].id = \"Yard East\"", "lower-case"],
            &["standclear.toml:7", "camera[0].fps = 1", "2 to 60"],
            &["standclear.toml:10", "camera[0].zones", "elsewhere.json", "guards nothing"],
            &["standclear.toml:13", "loudness", "volume"],
            &["standclear.toml:14", "siren.volume = 7.0", "0.05 to 1"],
            &["standclear.toml:15", "siren.test.at", "23:59"],
            &["standclear.toml:17", "model.threads = 0", "1 to 64"],
            &["standclear.toml:18", "model.detail", "\"off\" or \"zones\""],
            &["standclear.toml:20", "expected i64"],
            &["standclear.toml:21", "evidence.megabytes = 1", "64 to"],
        ],
    );
}

#[test]
fn a_mistake_in_one_camera_or_relay_hides_none_in_the_next() {
    let camera = "[[camera]]\nid = \"yard\"\nname = \"\"\nsource = { file = \"\" }\n\
                  zones = \"no.json\"\n";
    let relay = "[[relay]]\nname = \"horn\"\nrole = \"loud\"\n\
                 to = { http = { on = \"http://127.0.0.1:9/a\", off = \"http://127.0.0.1:9/b\" } }\n";
    let text = smallest_with(&format!("{camera}{relay}{relay}"));
    let fields = ["camera[1].id", "camera[1].name", "camera[1].source.file", "camera[1].zones"];
    let roles = ["relay[0].role", "relay[1].role"];
    let told = mistakes(&text);
    for field in fields.iter().chain(&roles) {
        assert!(told.iter().any(|line| line.contains(field)), "{field}: {told:#?}");
    }
}

#[test]
fn what_is_missing_or_of_another_kind_hides_no_key_that_is_unknown() {
    let text = SMALLEST.replace("name = \"Yard\"\nsource", "nmae = \"Yard\"\nsource");
    let told = mistakes(&format!("{text}[siren]\nvolume = \"loud\"\n[wbe]\nlisten = \"x\"\n"));
    for part in ["nmae", "missing field `name`", "expected f64", "wbe"] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:#?}");
    }
}

#[test]
fn no_mistake_is_told_twice_and_one_alone_is_told_as_it_is() {
    let error = error_of(&smallest_with("[siren]\nvolume = 7.0"));
    assert!(!error.contains('\n') && error.contains("siren.volume = 7.0"), "{error}");
    // Taken out, what is of the wrong kind is not missing, too.
    let error = error_of(&SMALLEST.replace("zones = \"yard.json\"", "zones = 3"));
    assert!(!error.contains('\n') && error.contains("standclear.toml:9"), "{error}");
    let many = "x = 1\n".to_owned() + &(0..500).map(|n| format!("y{n} = 1\n")).collect::<String>();
    assert!(mistakes(&format!("{many}{SMALLEST}")).len() <= 20);
    assert!(Folder::new().parse(SMALLEST).is_ok());
}
