//! What the log says of handhelds, in sentences.
//!
//! Not here: names of people and devices; the pager has them.

use crate::engine::paging::{Listening, Why};
use crate::guard::handle::CloseWhy;

/// Why somebody more is called, behind their name.
pub fn called(why: Why) -> &'static str {
    match why {
        Why::First => "called first",
        Why::NotConnected => "called, since nobody who was called is connected",
        Why::NoReceipt => "called, since the alarm arrived on no handheld of those who were called",
        Why::NoAnswer => "called, since nobody has answered",
        Why::OtherShift => "called, since whoever was called is not on duty any more",
        Why::HandedOn => "called, since the alarm was handed on",
    }
}

/// Why a connection was ended, behind the device's name.
pub fn closed(why: CloseWhy) -> &'static str {
    match why {
        CloseWhy::Revoked => "was disconnected: it was revoked",
        CloseWhy::Replaced => "was disconnected: it has connected anew",
        CloseWhy::Silent => "was disconnected: nothing was heard of it for seconds",
    }
}

/// Whether an alarm would reach anybody.
pub fn listening(listening: Listening) -> &'static str {
    match listening {
        Listening::NotExpected => "no handheld is paired, so nobody is expected to listen on one",
        Listening::Somebody => "somebody listens on a handheld",
        Listening::Nobody => "nobody listens on a handheld",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_speaks_in_sentences_and_names_no_type_of_the_program() {
        let all = [
            called(Why::First),
            called(Why::NotConnected),
            called(Why::NoReceipt),
            called(Why::NoAnswer),
            called(Why::OtherShift),
            called(Why::HandedOn),
            closed(CloseWhy::Revoked),
            closed(CloseWhy::Replaced),
            closed(CloseWhy::Silent),
            listening(Listening::NotExpected),
            listening(Listening::Somebody),
            listening(Listening::Nobody),
        ];
        assert!(all.iter().all(|words| !words.contains(char::is_uppercase)), "{all:?}");
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
