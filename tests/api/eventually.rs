//! Waiting for something, bounded.

use std::time::Duration;

use standclear::clock;

use super::PATIENCE;

/// Asks again and again until it is so; level-triggered, bounded.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = clock::monotonic();
    while !is_so() {
        assert!(clock::monotonic().since(start) < PATIENCE, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
