//! When the walk test of a zone is due again. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::guard::handle::{DueState, LastWalk, WalkDue};
use crate::store::walk::{WalkStanding, WalkState};

/// A test from later than this ahead of the clock says nothing: one of the two was wrong.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How long a test holds; `None`: none is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every(pub Option<SignedDuration>);

/// How the zone stands. Only a test of what the zone is now counts, and the newest of them.
pub fn due(standing: &WalkStanding, every: Every, now: Timestamp) -> WalkDue {
    let last = standing.last.as_ref().map(|last| LastWalk {
        id: last.id,
        at: last.at,
        result: last.result,
    });
    let Every(Some(every)) = every else {
        return WalkDue { state: DueState::Valid, due_at: None, last };
    };
    let passed = standing.decisive.as_ref().filter(|test| test.result == WalkState::Passed);
    let believed = passed.filter(|test| test.at.duration_since(now) <= AHEAD_MAX);
    let due_at = believed.and_then(|test| test.at.checked_add(every).ok());
    let state = match due_at {
        Some(due_at) if now < due_at => DueState::Valid,
        Some(_) | None => DueState::Overdue,
    };
    WalkDue { state, due_at, last }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(days: i32) -> Timestamp {
        let start: Timestamp = "2026-05-01T12:00:00Z".parse().expect("a time");
        start.checked_add(DAY * days).expect("in the calendar")
    }

    fn test(days: i32, result: WalkState) -> LastWalk {
        LastWalk { id: 1, at: at(days), result }
    }

    fn state(decisive: Option<LastWalk>, now_days: i32) -> DueState {
        let standing = WalkStanding { last: None, decisive };
        due(&standing, Every(Some(DAY * 30)), at(now_days)).state
    }

    #[test]
    fn a_pass_holds_for_its_days_and_nothing_else_holds() {
        let passed = || Some(test(0, WalkState::Passed));
        assert_eq!(state(passed(), 29), DueState::Valid);
        assert_eq!(state(passed(), 30), DueState::Overdue);
        assert_eq!(state(Some(test(0, WalkState::Failed)), 1), DueState::Overdue);
        assert_eq!(state(None, 0), DueState::Overdue);
        // The clock was put back: nobody knows how long ago that was.
        assert_eq!(state(passed(), -1), DueState::Overdue);
    }

    #[test]
    fn nothing_is_due_where_no_test_is_required() {
        let found = due(&WalkStanding::default(), Every(None), at(0));
        assert_eq!((found.state, found.due_at), (DueState::Valid, None));
    }
}
