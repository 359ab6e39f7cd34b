//! Threads that end by themselves once nobody brings them anything, and how long the end of the box
//! waits for them: as long as they get on, and a little longer.
//!
//! A disk that hangs takes its thread with it. Such a thread is left behind, and the log says so. One
//! that gets on, however slowly, is waited for until whoever ends the box has no more time (`cli::run`);
//! and the last one, which may be in the middle of one sync, until then in any case.
//!
//! Not here: what they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;

/// Whoever has done nothing for so long hangs, as far as others wait for the end of it: a sync takes a
/// second on a slow card.
pub const STILL_MAX: Duration = Duration::from_secs(3);

/// How often the end of the box looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a thread has done, counted: a thread that waits for something to do counts, too.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<AtomicU64>);

impl Steps {
    pub fn another(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A thread to be waited for.
pub struct Follower {
    name: &'static str,
    thread: JoinHandle<()>,
    steps: Steps,
    /// What it had done when it was last seen to get on.
    seen: Option<(u64, Instant)>,
}

impl Follower {
    pub fn new(name: &'static str, thread: JoinHandle<()>, steps: Steps) -> Follower {
        Follower { name, thread, steps, seen: None }
    }

    /// It has ended, or hangs.
    fn is_over(&mut self, now: Instant, patience: Patience) -> bool {
        let so_far = self.steps.so_far();
        let seen = self.seen.filter(|(before, _)| *before == so_far).unwrap_or((so_far, now));
        self.seen = Some(seen);
        let hangs = now.since(seen.1) >= patience.still_max && now >= patience.until;
        self.thread.is_finished() || hangs
    }

    fn part_with(self) {
        if self.thread.is_finished() {
            // A panic is in the log already.
            let _ = self.thread.join();
        } else {
            let name = self.name;
            tracing::error!(
                "the {name} hangs, perhaps with the disk; it is left behind, and what it still had to \
                 do is lost"
            );
        }
    }
}

/// Whether the last one was told that nothing comes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Yes,
    /// It has no room for the news; it is told again.
    NotYet,
}

/// When one who gets on no more is left behind: once they have done nothing for so long, and not
/// before then.
#[derive(Clone, Copy, Debug)]
struct Patience {
    still_max: Duration,
    until: Instant,
}

/// Waits for those who bring something to the last one, then tells the last one that nothing more
/// comes, and waits for it. Whoever has done nothing for `still_max` is waited for no longer; the last
/// one, for whom nobody waits any more, until then in any case.
pub fn wait_for(
    mut bringers: Vec<Follower>,
    mut last: Follower,
    mut tell_last: impl FnMut() -> Told,
    (still_max, until): (Duration, Instant),
) {
    let of_bringers = Patience { still_max, until: Instant::ZERO };
    let of_last = Patience { still_max, until };
    let mut told = Told::NotYet;
    loop {
        let now = clock::monotonic();
        // All of them are looked at each time, or nobody would see that they get on.
        let over = bringers.iter_mut().map(|it| it.is_over(now, of_bringers));
        let nobody_brings = over.filter(|over| !over).count() == 0;
        let last_is_over = last.is_over(now, of_last);
        if nobody_brings && told == Told::NotYet {
            told = tell_last();
        }
        if nobody_brings && last_is_over {
            break;
        }
        thread::park_timeout(LOOK_EVERY);
    }
    bringers.into_iter().chain([last]).for_each(Follower::part_with);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Long enough for a step on a busy machine.
    const STILL: Duration = Duration::from_millis(500);

    /// A thread that takes so many steps, a fifth of `STILL` each, and then ends or waits for ever.
    fn walker(steps_to_do: u32, then: mpsc::Receiver<()>) -> Follower {
        let steps = Steps::default();
        let ours = steps.clone();
        let thread = thread::spawn(move || {
            for _ in 0..steps_to_do {
                let until = clock::monotonic().after(STILL / 5);
                while clock::monotonic() < until {
                    thread::park_timeout(STILL / 5);
                }
                ours.another();
            }
            let _ = then.recv();
        });
        Follower::new("walker", thread, steps)
    }

    /// Something to wait for that is over already.
    fn over() -> mpsc::Receiver<()> {
        mpsc::sync_channel(0).1
    }

    /// How long they were waited for; the last one for four times `STILL` at least.
    fn waited(bringers: Vec<Follower>, last: Follower, tell: impl FnMut() -> Told) -> Duration {
        let from = clock::monotonic();
        wait_for(bringers, last, tell, (STILL, from.after(4 * STILL)));
        clock::monotonic().since(from)
    }

    #[test]
    fn who_is_slow_and_gets_on_is_waited_for_to_the_end() {
        let slow = walker(15, over());
        let steps = slow.steps.clone();
        let waited = waited(vec![slow], walker(0, over()), || Told::Yes);
        assert_eq!(steps.so_far(), 15);
        assert!(waited >= 3 * STILL, "{waited:?}");
    }

    #[test]
    fn who_hangs_is_left_behind_and_both_at_the_same_time() {
        let (_hold, never) = mpsc::sync_channel(0);
        let (_hold_too, never_too) = mpsc::sync_channel(0);
        let waited = waited(vec![walker(0, never)], walker(0, never_too), || Told::Yes);
        assert!(waited >= 4 * STILL && waited < 6 * STILL, "{waited:?}");
    }

    #[test]
    fn who_brings_nothing_any_more_does_not_keep_the_last_from_its_end() {
        let (_hold, never) = mpsc::sync_channel(0);
        let waited = waited(vec![walker(0, never)], walker(0, over()), || Told::Yes);
        assert!(waited >= STILL && waited < 3 * STILL, "{waited:?}");
    }

    #[test]
    fn the_last_may_stand_still_for_as_long_as_there_is_time() {
        let (hold, stalls) = mpsc::sync_channel::<()>(0);
        let from = clock::monotonic();
        let stalling = thread::spawn(move || {
            while clock::monotonic().since(from) < 2 * STILL {
                thread::park_timeout(STILL / 5);
            }
            drop(hold);
        });
        let waited = waited(Vec::new(), walker(0, stalls), || Told::Yes);
        assert!(waited >= 2 * STILL && waited < 4 * STILL, "{waited:?}");
        stalling.join().expect("no panic");
    }

    #[test]
    fn the_last_is_told_once_nobody_brings_anything_and_again_until_it_has_room() {
        let (tell, told) = mpsc::sync_channel(1);
        let bringer = walker(2, over());
        let brought = bringer.steps.clone();
        let mut asked = 0;
        waited(vec![bringer], walker(0, told), || {
            assert_eq!(brought.so_far(), 2, "not before the others have ended");
            asked += 1;
            if asked < 3 {
                return Told::NotYet;
            }
            tell.try_send(()).expect("room");
            Told::Yes
        });
        assert_eq!(asked, 3);
    }
}
