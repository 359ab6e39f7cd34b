//! Why a picture that arrives in time cannot be trusted all the same.
//!
//! Not here: how it is found out (`crate::integrity`, in the vision process).

/// What is wrong with a camera's view. The first of several is the one that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewFault {
    /// The same picture again and again.
    Frozen,
    /// Pictures are dated before the ones that came earlier.
    TimeBackwards,
    /// Another view than the zones were drawn on.
    WrongPicture,
    /// The camera looks elsewhere: zones lie where they were not drawn.
    Moved,
    /// Something hides a large part of the view.
    Covered,
    Dark,
    Overexposed,
    /// Out of focus, fogged or dirty.
    Blurred,
    /// The colours are not those of the scene.
    Discoloured,
}

impl ViewFault {
    pub const ALL: [ViewFault; 9] = [
        ViewFault::Frozen,
        ViewFault::TimeBackwards,
        ViewFault::WrongPicture,
        ViewFault::Moved,
        ViewFault::Covered,
        ViewFault::Dark,
        ViewFault::Overexposed,
        ViewFault::Blurred,
        ViewFault::Discoloured,
    ];

    /// As it stands in the API and in event files.
    pub const fn name(self) -> &'static str {
        match self {
            ViewFault::Frozen => "frozen",
            ViewFault::TimeBackwards => "time_backwards",
            ViewFault::WrongPicture => "wrong_picture",
            ViewFault::Moved => "moved",
            ViewFault::Covered => "covered",
            ViewFault::Dark => "dark",
            ViewFault::Overexposed => "overexposed",
            ViewFault::Blurred => "blurred",
            ViewFault::Discoloured => "discoloured",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// All that is wrong with a camera's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewFaults(u16);

impl ViewFaults {
    pub const NONE: ViewFaults = ViewFaults(0);

    pub const fn with(self, fault: ViewFault) -> ViewFaults {
        ViewFaults(self.0 | fault.bit())
    }

    pub const fn without(self, fault: ViewFault) -> ViewFaults {
        ViewFaults(self.0 & !fault.bit())
    }

    pub const fn has(self, fault: ViewFault) -> bool {
        self.0 & fault.bit() != 0
    }

    /// The gravest.
    pub fn first(self) -> Option<ViewFault> {
        ViewFault::ALL.into_iter().find(|fault| self.has(*fault))
    }

    pub fn iter(self) -> impl Iterator<Item = ViewFault> {
        ViewFault::ALL.into_iter().filter(move |fault| self.has(*fault))
    }
}

impl FromIterator<ViewFault> for ViewFaults {
    fn from_iter<I: IntoIterator<Item = ViewFault>>(faults: I) -> ViewFaults {
        faults.into_iter().fold(ViewFaults::NONE, ViewFaults::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_names_the_gravest_first() {
        for fault in ViewFault::ALL {
            let one = ViewFaults::NONE.with(fault);
            assert_eq!((one.first(), one.iter().count()), (Some(fault), 1));
            assert_eq!(one.without(fault), ViewFaults::NONE);
        }
        let all: ViewFaults = ViewFault::ALL.into_iter().rev().collect();
        assert!(all.iter().eq(ViewFault::ALL));
    }
}
