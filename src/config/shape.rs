//! The first step: is it TOML, are all keys known, is every value of its kind?
//!
//! `serde` stops at the first mistake. So what is wrong is noted, taken out, and the rest is read again,
//! until nothing is wrong any more: whoever wrote the file is told all of it at once.
//!
//! Not here: whether a value of the right kind can be; `check` says that.

use std::path::Path;

use serde::Deserialize;
use toml::Deserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::check::{Tables, line_at};
use crate::redact::redact;

/// Most mistakes that are told at once: nobody reads more, and each costs a reading of the file.
const MISTAKES_MAX: usize = 20;

/// How `serde` begins its words for a key that has to be there.
const MISSING: &str = "missing field `";

/// What could be read, with every mistake met on the way.
pub(super) struct Shape {
    /// `None`: too little is there to say whether the rest is right.
    pub tables: Option<Tables>,
    pub wrong: Vec<ConfigError>,
}

/// Reads the text of a configuration file.
pub(super) fn read(file: &Path, text: &str) -> Shape {
    let told = |error: &toml::de::Error| ConfigError::Parse {
        file: file.to_owned(),
        line: line_at(text, error.span().map_or(0, |span| span.start)),
        message: redact(error.message()),
    };
    let (mut root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let wrong = broken.iter().take(MISTAKES_MAX).map(told).collect();
        return Shape { tables: None, wrong };
    }
    let (mut wrong, mut taken, mut complete) = (Vec::new(), Vec::new(), true);
    loop {
        let error = match Tables::deserialize(Deserializer::from(root.clone())) {
            Ok(tables) => return Shape { tables: complete.then_some(tables), wrong },
            Err(error) => error,
        };
        let missing = error.message().strip_prefix(MISSING).map(|rest| rest.trim_end_matches('`'));
        // What is missing because it was taken out has been told.
        if !missing.is_some_and(|name| taken.iter().any(|taken| taken == name)) {
            wrong.push(told(&error));
        }
        // Without something that has to be there, nobody can say whether the values fit together.
        complete &= missing.is_none();
        let at = error.span().map(|span| span.start);
        match at.and_then(|at| take_out(root.get_mut(), at)) {
            Some(name) if wrong.len() < MISTAKES_MAX => taken.push(name),
            Some(_) | None => return Shape { tables: None, wrong },
        }
    }
}

/// Takes out the key, or the value of a list, that begins there; returns its name.
fn take_out(table: &mut DeTable<'_>, at: usize) -> Option<String> {
    // What lies deeper first: a list begins where its first value does.
    let inside = table.iter_mut().find_map(|(key, value)| match value.get_mut() {
        DeValue::Table(table) => take_out(table, at),
        DeValue::Array(list) => {
            if let Some(place) = list.iter().position(|value| value.span().start == at) {
                let kept = list.iter().enumerate().filter(|(other, _)| *other != place);
                *list = kept.map(|(_, value)| value.clone()).collect();
                return Some(key.get_ref().to_string());
            }
            list.iter_mut().find_map(|value| match value.get_mut() {
                DeValue::Table(table) => take_out(table, at),
                _ => None,
            })
        }
        _ => None,
    });
    inside.or_else(|| {
        let begins = |span: std::ops::Range<usize>| span.start == at;
        let here =
            |(key, value): &(&Spanned<_>, &Spanned<_>)| begins(key.span()) || begins(value.span());
        let key = table.iter().find(here).map(|(key, _)| key.clone())?;
        table.remove(&key);
        Some(key.into_inner().into_owned())
    })
}
