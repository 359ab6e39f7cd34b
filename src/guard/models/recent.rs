//! What is asked for often and costs much to find out: kept for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;

/// The last answer, with what was asked and when.
#[derive(Debug)]
pub struct Recent<Q, A> {
    kept: Mutex<Option<(Q, Instant, A)>>,
    for_so_long: Duration,
}

impl<Q: PartialEq, A: Clone> Recent<Q, A> {
    pub fn new(for_so_long: Duration) -> Recent<Q, A> {
        Recent { kept: Mutex::new(None), for_so_long }
    }

    /// The last answer, if it was to this question and is not old; else it is found out, by one at a
    /// time. What fails is not kept.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn get<E>(&self, question: Q, find: impl FnOnce(&Q) -> Result<A, E>) -> Result<A, E> {
        self.get_at(clock::monotonic(), question, find)
    }

    fn get_at<E>(
        &self,
        now: Instant,
        question: Q,
        find: impl FnOnce(&Q) -> Result<A, E>,
    ) -> Result<A, E> {
        // Whoever panicked with it had kept nothing yet.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, at, answer)) = &*kept
            && *asked == question
            && now.since(*at) < self.for_so_long
        {
            return Ok(answer.clone());
        }
        *kept = None;
        let answer = find(&question)?;
        *kept = Some((question, now, answer.clone()));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_out_again_when_it_is_old_or_to_another_question() {
        let recent = Recent::new(Duration::from_secs(5));
        let mut asked = 0;
        let mut ask = |second, question| {
            let now = Instant::ZERO.after(Duration::from_secs(second));
            let found = recent.get_at(now, question, |_| {
                asked += 1;
                Ok::<u32, ()>(asked)
            });
            found.expect("found out")
        };
        assert_eq!((ask(0, 'a'), ask(4, 'a')), (1, 1), "not yet old");
        assert_eq!((ask(5, 'a'), ask(6, 'b')), (2, 3), "old; another one");
    }

    #[test]
    fn what_failed_is_tried_again_at_once() {
        let recent: Recent<(), u32> = Recent::new(Duration::from_secs(60));
        assert_eq!(recent.get_at(Instant::ZERO, (), |()| Err("no disk")), Err("no disk"));
        assert_eq!(recent.get_at(Instant::ZERO, (), |()| Ok::<u32, &str>(7)), Ok(7));
    }
}
