//! What may become of a version: the one table.

use std::fmt;

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// Waits for somebody to approve it.
    Proposed,
    /// The box decides by it.
    InForce,
    /// It was in force.
    Replaced,
    /// Taken back by its author, or overtaken by another version.
    Withdrawn,
    Refused,
}

/// What can be done with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Approve,
    /// Another version comes into force in its place.
    Replace,
    Withdraw,
    Refuse,
    /// The alarm path did not take the change: everything as before.
    PutBack,
}

impl VersionState {
    pub const ALL: [VersionState; 5] = [
        VersionState::Proposed,
        VersionState::InForce,
        VersionState::Replaced,
        VersionState::Withdrawn,
        VersionState::Refused,
    ];

    /// The state after a step; `None` where the step is not allowed.
    pub fn after(self, step: Step) -> Option<VersionState> {
        use VersionState::{InForce, Proposed, Refused, Replaced, Withdrawn};
        match (self, step) {
            (Proposed, Step::Approve) => Some(InForce),
            (Proposed, Step::Withdraw) => Some(Withdrawn),
            (Proposed, Step::Refuse) => Some(Refused),
            (InForce, Step::Replace) => Some(Replaced),
            (InForce, Step::PutBack) => Some(Proposed),
            (Replaced, Step::PutBack) => Some(InForce),
            (Proposed, Step::Replace | Step::PutBack)
            | (InForce, Step::Approve | Step::Withdraw | Step::Refuse)
            | (Replaced, Step::Approve | Step::Replace | Step::Withdraw | Step::Refuse)
            | (
                Withdrawn | Refused,
                Step::Approve | Step::Replace | Step::Withdraw | Step::Refuse | Step::PutBack,
            ) => None,
        }
    }

    /// As kept and as told.
    pub fn name(self) -> &'static str {
        match self {
            VersionState::Proposed => "proposed",
            VersionState::InForce => "in_force",
            VersionState::Replaced => "replaced",
            VersionState::Withdrawn => "withdrawn",
            VersionState::Refused => "refused",
        }
    }
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VersionState::InForce => "in force",
            VersionState::Proposed
            | VersionState::Replaced
            | VersionState::Withdrawn
            | VersionState::Refused => self.name(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 5] =
        [Step::Approve, Step::Replace, Step::Withdraw, Step::Refuse, Step::PutBack];

    #[test]
    fn only_an_approval_or_a_put_back_brings_a_version_into_force() {
        let mut ways = Vec::new();
        for state in VersionState::ALL {
            let into = |step: &&Step| state.after(**step) == Some(VersionState::InForce);
            ways.extend(STEPS.iter().filter(into).map(|step| (state, *step)));
        }
        let expected =
            [(VersionState::Proposed, Step::Approve), (VersionState::Replaced, Step::PutBack)];
        assert_eq!(ways, expected);
    }

    #[test]
    fn what_was_refused_or_withdrawn_stays_so() {
        for state in [VersionState::Refused, VersionState::Withdrawn] {
            assert!(STEPS.iter().all(|&step| state.after(step).is_none()));
        }
    }
}
