//! Which encoded pictures are whole, when packets are lost.
//!
//! A decoder paints over what it did not get, and goes on to paint on top of that. What comes out
//! looks like a picture and is none, so after a loss nothing is decoded until a picture comes that
//! stands on its own and began after it.
//!
//! Not here: a decoder's own ideas, and loss over TCP, which is delay.

/// What was lost so far.
#[derive(Debug, Default)]
pub struct Losses {
    /// Sequence number of the packet that should come next.
    next: Option<u16>,
    /// Pictures up to this time stamp may lack something; `None`: nothing does.
    broken_until_ns: Option<u64>,
}

/// Whether a picture can be decoded without another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Alone,
    OnOthers,
}

/// What to do with an encoded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    Yes,
    No,
}

impl Losses {
    /// A packet of the picture with this time stamp, in order of sequence numbers.
    pub fn packet(&mut self, sequence: u16, pts_ns: u64) {
        if self.next.is_some_and(|next| next != sequence) {
            self.broken_until_ns = self.broken_until_ns.max(Some(pts_ns));
        }
        self.next = Some(sequence.wrapping_add(1));
    }

    /// The next encoded picture.
    pub fn picture(&mut self, pts_ns: Option<u64>, standing: Standing) -> Whole {
        let Some(broken_until_ns) = self.broken_until_ns else {
            return Whole::Yes;
        };
        // The picture in which the loss was noticed may itself lack its beginning.
        match standing {
            Standing::Alone if pts_ns.is_some_and(|pts_ns| pts_ns > broken_until_ns) => {
                self.broken_until_ns = None;
                Whole::Yes
            }
            Standing::Alone | Standing::OnOthers => Whole::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_loss_every_picture_is_whole_also_when_numbers_begin_anew() {
        let mut losses = Losses::default();
        for n in 0..200_000_u64 {
            losses.packet(((n + 65_000) % 65_536) as u16, n);
            assert_eq!(losses.picture(Some(n), Standing::OnOthers), Whole::Yes);
        }
    }

    #[test]
    fn after_a_loss_nothing_is_whole_until_a_picture_that_stands_alone_and_began_later() {
        let mut losses = Losses::default();
        losses.packet(7, 100);
        losses.packet(9, 200);
        for (pts_ns, standing, whole) in [
            (Some(100), Standing::Alone, Whole::No),
            (Some(200), Standing::Alone, Whole::No),
            (Some(300), Standing::OnOthers, Whole::No),
            (None, Standing::Alone, Whole::No),
            (Some(400), Standing::Alone, Whole::Yes),
            (Some(350), Standing::OnOthers, Whole::Yes),
        ] {
            assert_eq!(losses.picture(pts_ns, standing), whole, "{pts_ns:?} {standing:?}");
        }
    }
}
