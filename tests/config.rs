//! The configuration: what is accepted, and what an error tells.

#[path = "config/cameras.rs"]
mod cameras;
#[path = "config/evidence.rs"]
mod evidence;
#[path = "config/mistakes.rs"]
mod mistakes;
#[path = "config/notify.rs"]
mod notify;
#[path = "config/relays.rs"]
mod relays;

use std::fs;
use std::path::Path;
use std::time::Duration;

use standclear::config::{
    Config, ConfigError, Encryption, Input, InputFrom, MqttInput, SirenDevice, SirenTestSound, Web,
};
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

fn web(section: &str) -> Web {
    let text = smallest_with(&format!("[web]\n{section}"));
    Folder::new().parse(&text).unwrap_or_else(|error| panic!("{error}")).web
}

#[test]
fn what_others_can_reach_is_encrypted_and_loopback_need_not_be() {
    for listen in ["0.0.0.0:8443", "192.168.1.4:8443", "[::]:8443"] {
        assert_eq!(web(&format!("listen = \"{listen}\"")).encryption, Encryption::OwnAuthority);
        let error = error_of(&smallest_with(&format!("[web]\nlisten = \"{listen}\"\ntls = false")));
        assert_says(&error, &["standclear.toml:13", "web.tls = false", "encrypted", "loopback"]);
    }
    for listen in ["127.0.0.1:0", "[::1]:8080", "localhost:9000"] {
        assert_eq!(web(&format!("listen = \"{listen}\"")).encryption, Encryption::None);
        let encryption = web(&format!("listen = \"{listen}\"\ntls = true")).encryption;
        assert_eq!(encryption, Encryption::OwnAuthority);
    }
    let error = error_of(&smallest_with("[web]\nlisten = \"8080\""));
    assert_says(&error, &["web.listen = \"8080\"", "127.0.0.1:8080"]);
}

#[test]
fn handhelds_have_a_port_of_their_own_and_a_time_to_answer() {
    assert_eq!(Folder::new().parse(SMALLEST).expect("valid").handhelds, None);
    let of = |keys: &str| smallest_with(&format!("[handhelds]\n{keys}"));
    let config = Folder::new().parse(&of("listen = \"0.0.0.0:8081\"")).expect("valid");
    let handhelds = config.handhelds.expect("there");
    assert_eq!((handhelds.listen.port(), handhelds.acknowledge_within_s), (8081, 30));
    let error = error_of(&of("listen = \"8081\""));
    assert_says(&error, &["handhelds.listen = \"8081\"", "0.0.0.0:8081"]);
    let error = error_of(&of("listen = \"0.0.0.0:8080\""));
    assert_says(&error, &["handhelds.listen", "another port than web.listen"]);
    for within in ["9", "601", "-1"] {
        let keys = format!("listen = \"0.0.0.0:8081\"\nacknowledge_within_s = {within}");
        assert_says(&error_of(&of(&keys)), &["acknowledge_within_s", "10 to 600"]);
    }
    assert_says(&error_of(&of("acknowledge_within_s = 30")), &["listen"]);
}

#[test]
fn a_given_certificate_needs_its_key_and_both_files() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("box.pem"), "x").expect("a file");
    let parse = |section: &str| folder.parse(&smallest_with(&format!("[web]\n{section}")));
    let both = parse("certificate = \"box.pem\"\nkey = \"box.pem\"").expect("valid");
    let path = folder.0.path().join("box.pem");
    let given = Encryption::Given { certificate: path.clone(), key: path };
    assert_eq!(both.web.encryption, given);
    for (section, parts) in [
        ("certificate = \"box.pem\"", ["web.certificate", "web.key"]),
        ("key = \"box.pem\"", ["web.key", "web.certificate"]),
        ("certificate = \"no.pem\"\nkey = \"box.pem\"", ["web.certificate", "no.pem"]),
        ("certificate = \"box.pem\"\nkey = \"box.pem\"\ntls = false", ["web.tls", "true"]),
    ] {
        assert_says(&parse(section).expect_err("must be refused").to_string(), &parts);
    }
}

#[test]
fn the_box_is_called_by_host_names_and_addresses_and_nothing_else() {
    let web = web(r#"names = ["Box.Local", "192.168.1.5", "fe80::1", "box.local"]"#);
    assert_eq!(web.names, ["box.local", "192.168.1.5", "fe80::1"]);
    for wrong in [
        "",
        "https://box",
        "box:8443",
        "box local",
        "-box",
        "192.168.1",
        "0.0.0.0",
        "*.local",
        "bö",
    ] {
        let error = error_of(&smallest_with(&format!("[web]\nnames = [\"{wrong}\"]")));
        assert_says(&error, &["standclear.toml:12", "web.names[0]", wrong, "box.local"]);
    }
    let many = vec!["\"x\""; 33].join(", ");
    assert_says(&error_of(&smallest_with(&format!("[web]\nnames = [{many}]"))), &["at most 32"]);
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
    let error = error_of(&smallest_with("[model]\nmemory_max_mb = 100"));
    assert_says(&error, &["model.memory_max_mb = 100", "512 to 1048576"]);
    let error = error_of(&smallest_with("[model]\ninput_long_side = 99999"));
    assert_says(&error, &["model.input_long_side = 99999", "128 to 2048"]);
    let error = error_of(&smallest_with("[model]\ndetail = \"more\""));
    assert_says(&error, &["model.detail = \"more\"", "\"off\" or \"zones\""]);
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
fn a_siren_has_a_fallback_voices_and_a_daily_test() {
    let folder = Folder::new();
    fs::create_dir(folder.0.path().join("voices")).expect("a folder");
    let text = "[siren]\ndevice = \"hw:0\"\nfallback = \"default\"\nvoices = \"voices\"\n\
                test = { at = \"06:45\", sound = \"audible\" }";
    let siren = folder.parse(&smallest_with(text)).expect("valid").siren;
    assert_eq!(siren.fallback, Some(SirenDevice::Default));
    assert_eq!(siren.voices, Some(folder.0.path().join("voices")));
    assert_eq!((siren.test.at.hour(), siren.test.at.minute()), (6, 45));
    assert_eq!(siren.test.sound, SirenTestSound::Audible);
    let plain = Folder::new().parse(SMALLEST).expect("valid").siren;
    assert_eq!((plain.fallback, plain.voices), (None, None));
    assert_eq!((plain.test.at.hour(), plain.test.sound), (7, SirenTestSound::Inaudible));
}

#[test]
fn a_siren_setting_that_cannot_be_is_refused_with_what_would_be_right() {
    for (section, parts) in [
        ("device = \"hw:0\"\nfallback = \"hw:0\"", &["siren.fallback", "another device"][..]),
        ("fallback = \"none\"", &["siren.fallback", "siren devices"]),
        ("device = \"none\"\nfallback = \"hw:0\"", &["siren.fallback"]),
        ("voices = \"nowhere\"", &["siren.voices", "nowhere", "<zone-id>.wav"]),
        ("test = { at = \"24:00\" }", &["siren.test.at", "23:59"]),
        ("test = { at = \"7:00\" }", &["siren.test.at", "23:59"]),
        ("test = { sound = \"loud\" }", &["siren.test.sound", "inaudible"]),
    ] {
        assert_says(&error_of(&smallest_with(&format!("[siren]\n{section}"))), parts);
    }
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

const INPUTS: &str = r#"[mqtt]
host = "10.0.0.5"

[[input]]
name = "press-3-running"
from = { mqtt = { topic = "site/press3/running", on = "run", off = "stop" } }

[[input]]
name = "gate-closed"
max_age_ms = 2000
from = "http"
"#;

fn error_of_inputs_with(from: &str, to: &str) -> String {
    assert!(INPUTS.contains(from), "{from:?} is not in the inputs");
    error_of(&smallest_with(&INPUTS.replacen(from, to, 1)))
}

#[test]
fn inputs_are_taken_with_short_ages_and_ports_of_old() {
    let config = Folder::new().parse(&smallest_with(INPUTS)).expect("valid");
    let mqtt = config.mqtt.expect("a broker");
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.login), ("10.0.0.5", 1883, None));
    let topic =
        MqttInput { topic: "site/press3/running".into(), on: "run".into(), off: "stop".into() };
    let expected = [
        Input {
            name: "press-3-running".into(),
            max_age: Duration::from_millis(5000),
            from: InputFrom::Mqtt(topic),
        },
        Input {
            name: "gate-closed".into(),
            max_age: Duration::from_millis(2000),
            from: InputFrom::Http,
        },
    ];
    assert_eq!(config.inputs, expected);
    let v6 = Folder::new().parse(&smallest_with("[mqtt]\nhost = \"fe80::1\"")).expect("valid");
    assert_eq!(v6.mqtt.expect("a broker").host, "[fe80::1]");
}

#[test]
fn an_input_that_could_not_be_trusted_is_refused() {
    let says = |from: &str, to: &str, parts: &[&str]| {
        assert_says(&error_of_inputs_with(from, to), parts);
    };
    says("gate-closed", "press-3-running", &["input[1].name", "input[0]", "unique"]);
    says("gate-closed", "Gate closed", &["input[1].name", "lower-case"]);
    says("2000", "999", &["input[1].max_age_ms = 999", "1000 to 60000"]);
    says("2000", "60001", &["input[1].max_age_ms = 60001"]);
    says("\"http\"", "\"https\"", &["input[1].from = \"https\"", "\"http\"", "mqtt"]);
    says("\"http\"", "7", &["input[1].from = 7", "\"http\""]);
    says("\"stop\"", "\"run\"", &["input[0].from.mqtt", "must differ"]);
    says("\"stop\"", "\" \"", &["input[0].from.mqtt", "without blanks"]);
    says("site/press3", "site/+", &["input[0].from.mqtt", "`+`", "one topic"]);
    says("on = ", "onn = ", &["input[0].from", "onn", "topic"]);
    says("[mqtt]\nhost = \"10.0.0.5\"\n", "", &["input[0].from", "[mqtt]", "host"]);
    says("10.0.0.5", "mqtt://10.0.0.5", &["mqtt.host", "mqtt.port"]);
    says("\n[[input]]", "port = 0\n[[input]]", &["mqtt.port = 0", "1 to 65535"]);
    says("\n[[input]]", "password_file = \"p\"\n[[input]]", &["mqtt.user"]);
    let login = "user = \"box\"\npassword_file = \"not-there\"\n[[input]]";
    says("\n[[input]]", login, &["mqtt.password_file", "not-there", "first line"]);
}

#[test]
fn people_are_hidden_unless_the_configuration_says_otherwise() {
    use standclear::config::Privacy;
    let folder = Folder::new();
    assert_eq!(folder.parse(SMALLEST).expect("valid").privacy, Privacy::Persons);
    for (word, privacy) in [("heads", Privacy::Heads), ("off", Privacy::Off)] {
        let text = format!("privacy = \"{word}\"\n{SMALLEST}");
        assert_eq!(folder.parse(&text).expect("valid").privacy, privacy);
    }
    let error = error_of(&format!("privacy = \"faces\"\n{SMALLEST}"));
    assert_says(&error, &[":1:", "privacy", "\"faces\"", "\"persons\"", "\"heads\"", "\"off\""]);
}
