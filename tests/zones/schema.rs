//! The JSON Schema and the parser say the same, wherever a schema can say it.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use standclear::zone_file::{parse, shape};

use super::generate::{Dice, Schema};

/// Instances and slips tried; more with STANDCLEAR_CASES.
fn cases(usual: u64) -> u64 {
    std::env::var("STANDCLEAR_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("zones")
}

fn schema() -> Value {
    let text = fs::read_to_string(folder().join("zones.schema.json")).expect("the schema");
    serde_json::from_str(&text).expect("JSON")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).expect("a JSON Schema")
}

/// Every zone document of the project: the demo's and the examples.
pub fn documents() -> Vec<(PathBuf, String)> {
    let mut files: Vec<PathBuf> = [folder(), folder().join("examples")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| !path.ends_with("zones.schema.json"))
        .collect();
    files.sort();
    assert!(files.len() > 5, "one example of each kind, and the demo");
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

#[test]
fn every_document_of_the_project_fits_the_schema_and_the_parser() {
    let validator = validator(&schema());
    for (path, text) in documents() {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{} {e}", e.instance_path)).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let document = parse(&text).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
        let canonical: Value = serde_json::from_str(&document.to_text()).expect("JSON");
        assert!(validator.is_valid(&canonical), "{}: its canonical text", path.display());
    }
}

/// What the schema takes has the right shape; what it refuses the parser refuses.
#[test]
fn parser_and_schema_give_the_same_verdict() {
    let root = schema();
    let validator = validator(&root);
    let schema = Schema::new(root);
    let (mut taken, mut refused, mut complete) = (0u64, 0u64, 0u64);
    for seed in 0..cases(12_000) {
        let mut dice = Dice(seed);
        let instance = match seed % 4 {
            0 => {
                let instance = schema.instance(&mut dice);
                assert!(validator.is_valid(&instance), "seed {seed}: the walk gave {instance}");
                instance
            }
            1 => {
                let mut instance = schema.instance(&mut dice);
                schema.slip(&mut instance, &mut dice);
                instance
            }
            _ => schema.overstepped(&mut dice),
        };
        let text = instance.to_string();
        if validator.is_valid(&instance) {
            taken += 1;
            let document = match shape(&text) {
                Ok(document) => document,
                Err(errors) => panic!("seed {seed}: {} in {text}", errors[0]),
            };
            let again = document.to_text();
            assert_eq!(shape(&again).as_ref(), Ok(&document), "seed {seed}");
            let canonical: Value = serde_json::from_str(&again).expect("JSON");
            assert!(validator.is_valid(&canonical), "seed {seed}: {again}");
            complete += u64::from(document.problems().is_empty());
            assert_eq!(parse(&text).is_ok(), document.problems().is_empty(), "seed {seed}");
        } else {
            refused += 1;
            let slip = validator.iter_errors(&instance).next().expect("an error").to_string();
            assert!(parse(&text).is_err(), "seed {seed}: {slip}\n{text}");
        }
    }
    assert!(taken > 1000 && refused > 1000 && complete > 0, "{taken} {refused} {complete}");
}

#[test]
fn the_reference_explains_every_member_and_its_examples_are_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/zones.md");
    let text = fs::read_to_string(path).expect("the reference");
    let mut members = Vec::new();
    collect_members(&schema(), &mut members);
    assert!(members.len() > 40, "{members:?}");
    for name in members {
        let named = text.contains(&format!("`{name}`")) || text.contains(&format!("\"{name}\""));
        assert!(named, "docs/reference/zones.md says nothing of `{name}`");
    }
    let mut examples = 0;
    for block in text.split("```json\n").skip(1) {
        let example = block.split("```").next().expect("a block");
        parse(example).unwrap_or_else(|errors| panic!("{errors:?}"));
        examples += 1;
    }
    assert!(examples > 0);
}

/// The names under every `properties` that is a keyword of the schema and not a member itself.
fn collect_members(node: &Value, into: &mut Vec<String>) {
    match node {
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                match (keyword.as_str(), value) {
                    ("properties", Value::Object(members)) => {
                        into.extend(members.keys().cloned());
                        members.values().for_each(|member| collect_members(member, into));
                    }
                    _ => collect_members(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_members(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
