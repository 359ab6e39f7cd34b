//! What others may look at, and what the walk desk says of its tests.

use std::collections::BTreeSet;

use super::{Changed, Runner, Seen};
use crate::engine::time::Instant;
use crate::engine::{
    AlarmSource, AlarmState, CameraIndex, Entry, IncidentId, Input, SirenPattern, WalkTest,
    ZoneIndex,
};
use crate::guard::handle::DueState;
use crate::guard::message::WalkNews;
use crate::guard::observer::{EntrySeen, Feet, Foot, Observation, Sound};

/// The people of a picture.
pub(super) fn feet(seen: &Seen) -> Observation {
    let people = &seen.people;
    let foot = |person: &crate::guard::handle::Person| Foot {
        track: person.track,
        at_norm: person.foot_norm,
        verdict: person.verdict,
        inside: person.inside.clone(),
    };
    Observation::Feet(Feet {
        // Configured cameras number fewer than 2^16.
        camera: CameraIndex(u16::try_from(people.camera).unwrap_or(u16::MAX)),
        captured_at: people.captured_at,
        received_at: seen.received_at,
        size_px: people.size_px,
        people: people.people.iter().map(foot).collect(),
    })
}

impl Runner {
    /// An entry, with what it did to the siren, which sounded `before` in the step before.
    pub(super) fn observe_entry(
        &self,
        zone: ZoneIndex,
        incident: IncidentId,
        entry: &Entry,
        decided_at: Instant,
        before: SirenPattern,
    ) {
        let sound = self.sound_of(zone, before);
        let entry = *entry;
        let seen = EntrySeen { zone, incident, entry, decided_at, sound };
        self.path.tap.tell(Observation::Entry(seen));
    }

    fn sound_of(&self, zone: ZoneIndex, before: SirenPattern) -> Sound {
        match self.alarm_of(zone) {
            Some((alarm, _)) if alarm.state != AlarmState::Unacknowledged => Sound::Answered,
            Some((_, pattern)) if self.path.board.siren.pattern != pattern => Sound::Drowned,
            Some((_, pattern)) if before == pattern => Sound::SoundedAlready,
            Some(_) => Sound::Ordered(self.ordered),
            None => Sound::Answered,
        }
    }

    /// How the walk tests stand, said of the zones as they are now.
    pub(super) fn walk_tests(&mut self, news: WalkNews) {
        if !std::sync::Arc::ptr_eq(&news.names, &self.path.names) {
            return;
        }
        // A step looks at every zone: only what changes something is worth one.
        let alarms = self.path.engine.alarms();
        let overdue: BTreeSet<AlarmSource> =
            alarms.iter().filter(|it| it.state.is_active()).map(|it| it.source).collect();
        let mut zones = Vec::new();
        for (zone, due) in &news.zones {
            let alarmed = overdue.contains(&AlarmSource::Untested(*zone));
            let walk_test = match (due.state, alarmed) {
                (DueState::Valid, true) => WalkTest::Valid,
                (DueState::Overdue, false) => WalkTest::Overdue,
                (DueState::Valid, false) | (DueState::Overdue, true) => continue,
            };
            zones.push((*zone, walk_test));
        }
        if !zones.is_empty() {
            self.step(Input::TestedMany { zones });
        }
        if self.path.board.walk_tests.put(news.zones) {
            self.changed = Changed::Yes;
        }
    }
}
