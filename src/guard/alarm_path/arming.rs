//! What the arming thread says, passed on to the engine.

use super::{Changed, Runner};
use crate::clock;
use crate::engine::Input;
use crate::guard::arming::ArmingNews;
use crate::store::record::Record;

impl Runner {
    /// Carries out what was decided by the rules in force; what older rules decided may mean other
    /// zones by now.
    pub(super) fn arming(&mut self, news: ArmingNews) {
        let at = clock::wall();
        let notes = news.notes.into_iter().map(|text| Record::Note { at, text });
        self.path.handover.put(notes);
        if !self.path.arming.is_current(news.epoch) {
            return;
        }
        // Shown first, so that the record of a change finds its reason.
        self.path.board.arming.hear(news.at, news.inputs, news.zones);
        let zones: Vec<_> = news.orders.iter().map(|it| (it.zone, it.arming)).collect();
        if !zones.is_empty() {
            // A step looks at every zone: a site with many of them pays for one.
            self.step(Input::ArmMany { zones });
        }
        self.changed = Changed::Yes;
    }
}
