//! The house's rules, read from the source. ARCHITECTURE.md says why each one is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file.
const FILE_LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file")
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

/// The project's modules a file names: the `x` of every `crate::x`, also in `use crate::{x, y}`.
fn modules_named(text: &str) -> BTreeSet<String> {
    let code: String = code(text).collect::<Vec<_>>().join(" ");
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut named = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => {
                named.insert(word(rest));
            }
            Some(list) => {
                let mut depth = 0;
                let mut at_start = true;
                for (i, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => at_start = true,
                        c if at_start && !c.is_whitespace() => {
                            named.insert(word(&list[i..]));
                            at_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    named
}

fn check_imports(room: &str, allowed: &[&str]) {
    let base = root().join("src").join(room);
    let files = if base.is_dir() { rust_files(&base) } else { vec![base.with_extension("rs")] };
    for file in files {
        for module in modules_named(&read(&file)) {
            assert!(
                module == room || allowed.contains(&module.as_str()),
                "{} imports `{module}`; `{room}` may import {allowed:?}",
                file.display()
            );
        }
    }
}

#[test]
fn rooms_import_only_what_they_may() {
    check_imports("engine", &[]);
    check_imports("clock", &["engine"]);
    check_imports("digest", &[]);
    check_imports("integrity", &["engine"]);
    check_imports("hiding", &["engine", "config", "zone_file"]);
    check_imports("link", &[]);
    check_imports("rollout", &["engine"]);
    check_imports("model_store", &["rollout", "model_package"]);
    check_imports("pem", &[]);
    check_imports("redact", &[]);
    check_imports("reach", &["redact"]);
    check_imports("telemetry", &["clock"]);
    check_imports("zone_file", &["engine", "calibration", "digest"]);
    check_imports("config", &["link", "redact", "zone_file"]);
    check_imports("store", &["engine", "clock", "config", "digest", "telemetry", "link"]);
    check_imports("model_package", &["clock", "digest", "pem", "redact"]);
    let of_vision = [
        "engine",
        "clock",
        "config",
        "telemetry",
        "link",
        "reach",
        "redact",
        "integrity",
        "hiding",
        "model_package",
    ];
    check_imports("vision", &of_vision);
    check_imports("notify", &["engine", "clock", "config", "pem", "redact", "telemetry"]);
    check_imports("replay", &["engine", "zone_file"]);
    check_imports("evaluation", &["engine", "replay"]);
    check_imports("gate", &["engine", "evaluation"]);
    // The web side sees the guard through its handle and never the store.
    check_imports("web", &["guard", "engine", "clock", "digest", "link", "telemetry"]);
    for file in rust_files(&root().join("src/web")) {
        let text = read(&file);
        for rest in text.split("guard::").skip(1) {
            assert!(rest.starts_with("handle"), "{}: guard::{:.20}", file.display(), rest);
        }
    }
}

/// What nothing pure names.
const OUTSIDE: [&str; 16] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::io",
    "std::process",
    "std::sync",
    "Instant::now",
    "SystemTime",
    "tokio",
    "tracing",
    "println!",
    "HashMap",
    "HashSet",
    "async ",
    "unsafe",
];

/// What a list of imports names, each with what stands before the list.
fn unfolded(before: &str, list: &str, into: &mut Vec<String>) {
    let (mut depth, mut start) = (0, 0);
    let mut items = Vec::new();
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    for item in items.into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        match item.split_once('{').zip(item.rfind('}')) {
            Some(((head, _), end)) => {
                unfolded(&format!("{before}{head}"), &item[head.len() + 1..end], into);
            }
            None => into.push(format!("{before}{item}")),
        }
    }
}

/// Full paths of all that a file imports; `module` is what the file is.
fn imports(text: &str, module: &[&str]) -> Vec<String> {
    let code: String = code(text).collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if let Some((list, _)) = code[at + 4..].split_once(';').filter(|_| is_word) {
            unfolded("", list, &mut found);
        }
    }
    let full = |path: String| {
        let ups = path.matches("super::").count();
        let rest = path.trim_start_matches("super::").trim_start_matches("self::");
        if ups == 0 && rest == path {
            return path;
        }
        let above = &module[..module.len().saturating_sub(ups)];
        format!("crate::{}::{rest}", above.join("::"))
    };
    found.into_iter().map(full).collect()
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    let text = "use crate::store::{Store, record::{self, Record as Kept}};\n\
                pub use super::super::siren; // use crate::engine::Comment;\n\
                use self::post::Post;";
    let found = imports(text, &["guard", "models", "shadow"]);
    let expected = [
        "crate::store::Store",
        "crate::store::record::self",
        "crate::store::record::Record as Kept",
        "crate::guard::siren",
        "crate::guard::models::shadow::post::Post",
    ];
    assert_eq!(found, expected);
}

/// What a source file is, as a module.
fn module_of(file: &Path) -> Vec<&str> {
    let inside = file.strip_prefix(root().join("src")).expect("below src");
    let mut parts: Vec<&str> = inside.iter().map(|it| it.to_str().expect("text")).collect();
    if let Some(last) = parts.pop().and_then(|it| it.strip_suffix(".rs")).filter(|it| *it != "mod")
    {
        parts.push(last);
    }
    parts
}

fn names_none_of(room: &str, forbidden: &[&str]) {
    for file in rust_files(&root().join("src").join(room)) {
        let text = read(&file);
        for import in imports(&text, &module_of(&file)) {
            for word in forbidden {
                assert!(!import.contains(word), "{}: `{import}` is `{word}`", file.display());
            }
        }
        for (number, line) in code(&text).enumerate() {
            for word in forbidden {
                assert!(!line.contains(word), "{}:{}: `{word}`", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn engine_reaches_nothing_outside() {
    names_none_of("engine", &OUTSIDE);
    names_none_of("engine", &["serde"]);
}

#[test]
fn gate_reaches_nothing_outside() {
    names_none_of("gate", &OUTSIDE);
    names_none_of("gate", &["serde"]);
}

#[test]
fn rollout_reaches_nothing_outside() {
    // The ledger is a file for people, too: it says itself how it is spelt.
    names_none_of("rollout", &OUTSIDE);
}

/// What a shadow model says is compared; nothing it says could be heard, kept as an incident or sent.
#[test]
fn a_shadow_model_reaches_nobody_who_tells_anybody_anything() {
    let told = [
        "guard::siren",
        "guard::relay",
        "guard::annunciators",
        "guard::handhelds",
        "guard::channels",
        "guard::handover",
        "guard::ledger",
        "guard::board",
        "guard::alarm_path",
        "guard::message",
        "guard::evidence",
        "crate::notify",
        "store::outbox",
        "store::record",
        "SirenOrder",
        "SirenPattern",
        "AlarmState",
    ];
    // What stands in comments there are the proofs that it does not compile; one of them is that nobody
    // reaches this.
    names_none_of("guard/models/shadow", &told);
    let mind = read(&root().join("src/guard/models/shadow/mind.rs"));
    assert!(
        mind.contains("pub struct Mind {\n    engine: Engine,\n}"),
        "its only field is private"
    );
}

/// Whether a line holds the word, not only as the end of a longer one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Which room alone may name a thing.
fn only_in(words: &[&str], rooms: &[&str]) {
    for file in rust_files(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).expect("below src").to_owned();
        if rooms.iter().any(|room| inside.starts_with(room)) {
            continue;
        }
        let text = read(&file);
        for (number, line) in code(&text).enumerate() {
            for word in words {
                assert!(
                    !names(line, word),
                    "{}:{}: `{word}` belongs in {rooms:?}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn each_outside_thing_has_one_place() {
    only_in(&["rusqlite"], &["store"]);
    only_in(&["clock_gettime", "Timestamp::now", "Instant::now"], &["clock.rs"]);
    only_in(&["process::Command", "Command::new"], &["guard"]);
    only_in(&["rodio"], &["guard"]);
    only_in(&["rumqttc"], &["guard", "notify"]);
    only_in(&["ureq"], &["notify", "guard", "model_package"]);
    only_in(&["alsa::", "hound::", "thread_priority"], &["guard"]);
    only_in(&["gpiocdev", "tokio_modbus", "tokio_serial"], &["guard"]);
    only_in(&["gstreamer::", "gstreamer as", "ort::"], &["vision"]);
    only_in(&["axum"], &["web"]);
    only_in(&["geo::"], &["engine"]);
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut folders = vec!["src", "tests", "benches"].into_iter().map(|f| root().join(f));
    for file in folders.by_ref().flat_map(|folder| rust_files(&folder)) {
        let lines = read(&file).lines().count();
        assert!(lines <= FILE_LINES_MAX, "{}: {lines} lines", file.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for file in rust_files(&root().join("src")) {
        let text = read(&file);
        assert!(text.starts_with("//!"), "{} has no header", file.display());
    }
}

#[test]
fn every_dependency_has_its_reason_in_architecture_md() {
    let manifest: toml::Table = read(&root().join("Cargo.toml")).parse().expect("TOML");
    let text = read(&root().join("ARCHITECTURE.md"));
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().expect("a table").keys() {
            assert!(
                text.contains(&format!("`{name}`")),
                "ARCHITECTURE.md says nothing of `{name}`"
            );
        }
    }
}

#[test]
fn every_room_is_on_the_map() {
    let text = read(&root().join("ARCHITECTURE.md"));
    for entry in fs::read_dir(root().join("src")).expect("src") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(text.contains(&name), "ARCHITECTURE.md says nothing of src/{name}");
    }
}
