//! What the system says of a process and of those it started.

use std::fs;

use crate::support;

/// Clock ticks a second in /proc/PID/stat: fixed by Linux for programs (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// A process and its parent.
struct Known {
    id: u32,
    parent: u32,
    words: Vec<String>,
}

/// Resident memory, megabytes; `None` when it is gone.
pub fn resident_mb(id: u32) -> Option<f64> {
    Some(support::resident_kb(id)? as f64 / 1024.0)
}

/// Processor time so far, seconds; 0 when it is gone.
pub fn processor_s(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // Behind the name in brackets: user and system time are the twelfth and thirteenth field.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_S
}

/// The process below this one, or itself, that was started as `standclear COMMAND`.
pub fn started_as(command: &str, root: u32) -> Option<u32> {
    let all = all();
    let mut below = vec![root];
    let mut next = 0;
    while let Some(parent) = below.get(next).copied() {
        below.extend(all.iter().filter(|it| it.parent == parent).map(|it| it.id));
        next += 1;
    }
    let is_it = |it: &&Known| {
        let program = it.words.first().is_some_and(|word| word.ends_with("standclear"));
        program && it.words.get(1).is_some_and(|word| word == command) && below.contains(&it.id)
    };
    all.iter().find(is_it).map(|it| it.id)
}

fn all() -> Vec<Known> {
    let entries = fs::read_dir("/proc").expect("Linux");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(known).collect()
}

fn known(id: u32) -> Option<Known> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()?;
    let line = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
    Some(Known { id, parent, words: line.split('\0').map(str::to_owned).collect() })
}

/// Processor time of the whole machine so far, seconds of a core.
pub fn machine_s() -> f64 {
    let stat = fs::read_to_string("/proc/stat").expect("Linux");
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // User, nice, system; then idle and waiting, which are no work; then interrupts.
    let work = ticks.iter().take(3).chain(ticks.iter().skip(5).take(2));
    work.sum::<f64>() / TICKS_PER_S
}
