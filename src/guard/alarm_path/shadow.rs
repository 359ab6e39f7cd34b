//! What the alarm path lets be compared: every step of the engine, for a shadow model's (`models::shadow`).
//!
//! Not here: waiting. What finds no room is lost, and costs the comparison.

use super::AlarmPath;
use crate::engine::time::Instant;
use crate::engine::{Effects, Input};

impl AlarmPath {
    /// The engine's step; every one goes through here.
    pub(super) fn decide(&mut self, input: Input, now: Instant) -> Effects {
        self.shadow.before(&input, now);
        let effects = self.engine.step(input, now);
        self.shadow.after(&effects, now);
        effects
    }

    /// Between two steps: a comparison may begin.
    pub(super) fn let_compare(&mut self, now: Instant) {
        let model = self.board.model.as_ref();
        self.shadow.look((&self.engine, &self.names), model, now);
    }
}
