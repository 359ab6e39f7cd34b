//! Zones drawn anew while the box guards: one step, between two pictures.

use std::sync::Arc;

use super::{Changed, Runner};
use crate::clock;
use crate::engine::Input;
use crate::guard::detail;
use crate::guard::message::{Claimed, RezoneOrder};

impl Runner {
    /// The engine takes the zones, and everything that speaks of zones takes the names with them.
    pub(super) fn rezone(&mut self, order: RezoneOrder) {
        if order.claim.take() == Claimed::Theirs {
            return;
        }
        let RezoneOrder { camera, spec, slots, names, reply, approval, .. } = order;
        let closer = detail::zones(&spec);
        let now = clock::monotonic();
        let effects = self.path.decide(Input::Rezone { camera, spec, slots }, now);
        let outcome = effects.refused.map_or(Ok(()), Err);
        if outcome.is_ok() {
            self.path.arming.put_rules(names.rules());
            self.path.board.put_names(Arc::clone(&names), now);
            self.path.names = names;
            self.path.sightings.zones(&self.path.names);
            self.tell_masks();
            self.change_detail(camera, closer);
            self.changed = Changed::Yes;
        }
        // With the new names: they know every old number too.
        self.carry_out(effects, now);
        if let Some(approval) = approval.filter(|_| outcome.is_ok()) {
            self.view_approved(camera, approval);
        }
        // Whoever asked waits for this, or has gone with the web side.
        let _ = reply.try_send(outcome);
    }
}
