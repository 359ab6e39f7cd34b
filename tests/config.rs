//! The configuration: what is accepted, and what an error tells.

use std::fs;
use std::path::Path;

use standclear::config::{Config, ConfigError, SirenDevice};
use standclear::link::{Ending, Source};

/// The smallest configuration, written into a folder with a zone file.
const SMALLEST: &str = r#"[site]
name = "Yard"
time_zone = "UTC"

[[camera]]
id = "yard"
name = "Yard"
source = { test = "ball" }
zones = "yard.json"
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("yard.json"), "{}").expect("a zone file");
        Folder(folder)
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigError> {
        Config::parse(&self.0.path().join("standclear.toml"), text)
    }
}

fn smallest_with(section: &str) -> String {
    format!("{SMALLEST}\n{section}\n")
}

/// The error of the smallest configuration with one piece replaced.
fn error_with(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "{from:?} is not in the smallest configuration");
    let error = Folder::new().parse(&SMALLEST.replace(from, to));
    error.expect_err("must be refused").to_string()
}

fn error_of(text: &str) -> String {
    Folder::new().parse(text).expect_err("must be refused").to_string()
}

#[track_caller]
fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

#[test]
fn every_configuration_of_the_repository_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for entry in fs::read_dir(root).expect("the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("standclear") && name.ends_with(".toml") {
            Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
            found += 1;
        }
    }
    assert!(found > 0, "the demo's configuration is gone");
}

#[test]
fn what_is_left_out_has_a_safe_default() {
    let folder = Folder::new();
    let config = folder.parse(SMALLEST).expect("valid");
    assert_eq!(config.siren.device, SirenDevice::Default);
    assert_eq!(config.siren.volume, 1.0);
    assert!(config.web.listen.ip().is_loopback());
    assert_eq!(config.store.path, folder.0.path().join("data"));
    // By name alone: the vision process looks where models are installed.
    assert_eq!(config.model.dir, std::path::Path::new("nanodet-g-416-int8"));
    assert_eq!(config.cameras[0].fps, 10.0);
}

#[test]
fn paths_are_relative_to_the_configuration() {
    let folder = Folder::new();
    let text = SMALLEST.replace(r#"{ test = "ball" }"#, r#"{ file = "clip.mp4", loop = true }"#);
    let config = folder.parse(&text).expect("valid");
    let path = folder.0.path().join("clip.mp4").display().to_string();
    let ending = Ending::Loop;
    assert_eq!(config.cameras[0].source, Source::File { path, ending });
}

#[test]
fn a_file_that_does_not_loop_stops_at_its_end() {
    let text = SMALLEST.replace(r#"{ test = "ball" }"#, r#"{ file = "clip.mp4" }"#);
    let config = Folder::new().parse(&text).expect("valid");
    assert!(matches!(config.cameras[0].source, Source::File { ending: Ending::Stop, .. }));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = error_of(&smallest_with("[siren]\nloudness = 1"));
    assert_says(&error, &["standclear.toml:12", "loudness", "volume"]);
}

#[test]
fn a_pace_that_cannot_notice_a_lost_camera_is_refused_with_the_reason() {
    let error = error_with("zones = ", "fps = 1\nzones = ");
    assert_says(&error, &["standclear.toml:9", "camera[0].fps = 1", "2 to 60", "within a second"]);
    for fps in ["nan", "inf", "61"] {
        assert_says(&error_with("zones = ", &format!("fps = {fps}\nzones = ")), &["camera[0].fps"]);
    }
}

#[test]
fn two_cameras_of_one_id_are_refused() {
    let camera = &SMALLEST[SMALLEST.find("[[camera]]").expect("there")..];
    let error = error_of(&smallest_with(camera));
    assert_says(&error, &["standclear.toml:12", "camera[1].id = \"yard\"", "camera[0]"]);
}

#[test]
fn no_camera_is_refused() {
    let text = &SMALLEST[..SMALLEST.find("[[camera]]").expect("there")];
    assert_says(&error_of(text), &["standclear.toml", "no camera", "[[camera]]"]);
}

#[test]
fn a_missing_zone_file_is_named() {
    let error = error_with("yard.json", "zones/elsewhere.json");
    assert_says(&error, &["camera[0].zones", "zones/elsewhere.json", "guards nothing"]);
}

#[test]
fn an_unknown_time_zone_is_refused_with_an_example() {
    let error = error_with("\"UTC\"", "\"Europe/Pragu\"");
    assert_says(&error, &["standclear.toml:3", "site.time_zone", "Europe/Pragu", "Europe/Prague"]);
}

#[test]
fn an_address_that_others_could_reach_is_refused() {
    for listen in ["0.0.0.0:8080", "192.168.1.4:8080", "[::]:8080"] {
        let error = error_of(&smallest_with(&format!("[web]\nlisten = \"{listen}\"")));
        assert_says(&error, &["web.listen", listen, "loopback", "no sign-in"]);
    }
    for listen in ["127.0.0.1:0", "[::1]:8080", "localhost:9000"] {
        let text = smallest_with(&format!("[web]\nlisten = \"{listen}\""));
        Folder::new().parse(&text).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_source_is_a_file_or_a_test_and_nothing_else() {
    for source in [
        "{}",
        "{ loop = true }",
        "{ test = \"ball\", file = \"a\" }",
        "{ test = \"ball\", loop = true }",
    ] {
        let error = error_with("{ test = \"ball\" }", source);
        assert_says(&error, &["standclear.toml:8", "camera[0].source", "file = ", "test = "]);
    }
}

#[test]
fn values_out_of_range_name_the_range() {
    assert_says(
        &error_of(&smallest_with("[siren]\nvolume = 1.5")),
        &["siren.volume = 1.5", "0.05 to 1.0"],
    );
    assert_says(
        &error_of(&smallest_with("[model]\nthreads = 0")),
        &["model.threads = 0", "1 to 64"],
    );
    let error = error_of(&smallest_with("[model]\ninput_long_side = 99999"));
    assert_says(&error, &["model.input_long_side = 99999", "128 to 2048"]);
    assert_says(&error_of(&smallest_with("[model]\nname = \"../x\"")), &["model.name", "../x"]);
    assert_says(&error_with("\"yard\"", "\"Yard East\""), &["camera[0].id", "lower-case"]);
    assert_says(
        &error_with("name = \"Yard\"\ntime", "name = \"\"\ntime"),
        &["site.name", "1 to 80"],
    );
}

#[test]
fn what_is_no_toml_names_the_line() {
    assert_says(&error_of("[site]\nname = Yard\n"), &["standclear.toml:2"]);
}

#[test]
fn a_configuration_that_is_not_there_says_how_to_name_another() {
    let error = Config::load(Path::new("/nowhere/standclear.toml")).expect_err("not there");
    assert_says(&error.to_string(), &["/nowhere/standclear.toml", "--config"]);
}

#[test]
fn no_siren_has_to_be_said() {
    let config = Folder::new().parse(&smallest_with("[siren]\ndevice = \"none\"")).expect("valid");
    assert_eq!(config.siren.device, SirenDevice::None);
}

#[test]
fn a_siren_too_quiet_to_hear_is_refused_with_the_way_to_have_none() {
    for volume in ["0.0", "0.049", "-1.0", "nan"] {
        let error = error_of(&smallest_with(&format!("[siren]\nvolume = {volume}")));
        assert_says(&error, &["siren.volume", "0.05 to 1.0", "siren.device = \"none\"", "fault"]);
    }
    let config = Folder::new().parse(&smallest_with("[siren]\nvolume = 0.05")).expect("valid");
    assert_eq!(config.siren.volume, 0.05);
}
