//! What is known of handhelds, in memory: the truth while the box runs. The store has the same for
//! the next life.
//!
//! Not here: how a change gets into the store, and who is called.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::roster::{self, Roster};
use crate::engine::time::Instant;
use crate::guard::handle::{AnswerOutcome, DutyList, LineId, Presence};
use crate::store::accounts::SecretDigest;
use crate::store::handhelds::{HandheldRow, HandheldRows, Revoked};

/// Answers that are remembered by the device's own name for them: hours of a busy site.
const ANSWERS_KEPT: usize = 1024;

/// Wrong codes of one address within [`MINUTE`].
const GUESSES_OF_ADDRESS: usize = 5;

/// Wrong codes of everybody together within [`MINUTE`]: at this pace one code of 2^40 is hit once
/// in thirty thousand years.
const GUESSES_OF_ALL: usize = 60;

const MINUTE: Duration = Duration::from_secs(60);

/// Everything about handhelds.
#[derive(Debug)]
pub struct Book {
    pub rows: HandheldRows,
    pub list: Option<DutyList>,
    pub roster: Option<Arc<Roster>>,
    /// Open lines, by the number of their device.
    pub lines: BTreeMap<u32, Line>,
    /// Who was revoked, until the store has it.
    revoked: Vec<(String, Revoked)>,
    last_connection: u64,
    answers: VecDeque<Answered>,
    guesses: VecDeque<(Instant, IpAddr)>,
}

#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub connection: u64,
    pub ticket: SecretDigest,
    pub presence: Presence,
}

#[derive(Debug)]
struct Answered {
    device: u32,
    id: String,
    /// `None`: it is being carried out.
    outcome: Option<AnswerOutcome>,
}

/// Whether an answer was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Never,
    UnderWay,
    Done(AnswerOutcome),
}

impl Book {
    pub fn new(rows: HandheldRows) -> Book {
        let mut book = Book {
            rows,
            list: None,
            roster: None,
            lines: BTreeMap::new(),
            revoked: Vec::new(),
            last_connection: 0,
            answers: VecDeque::new(),
            guesses: VecDeque::new(),
        };
        book.read_duty();
        book
    }

    /// What the store has now.
    pub fn put(&mut self, rows: HandheldRows) {
        self.rows = rows;
        for (id, revoked) in std::mem::take(&mut self.revoked) {
            self.revoke(&id, &revoked);
        }
        self.read_duty();
    }

    /// A device is none any more, whatever the store says until it knows.
    pub fn revoke(&mut self, id: &str, revoked: &Revoked) {
        let found = self.rows.handhelds.iter_mut().find(|row| row.id == id);
        if let Some(row) = found.filter(|row| row.revoked.is_none()) {
            row.revoked = Some(revoked.clone());
            self.lines.remove(&row.number);
            self.revoked.push((id.to_owned(), revoked.clone()));
        }
    }

    fn read_duty(&mut self) {
        let duty = self.rows.duty.as_ref();
        self.list = duty.and_then(|duty| roster::of_text(&duty.document));
        self.roster = match self.list.as_ref().map(Roster::of) {
            Some(Ok(roster)) => Some(Arc::new(roster)),
            Some(Err(wrong)) => {
                tracing::error!("the duty list cannot be used ({wrong:?}); everybody is called");
                None
            }
            None if duty.is_some() => {
                tracing::error!("the duty list that was kept cannot be read; everybody is called");
                None
            }
            None => None,
        };
    }

    /// Devices that are not revoked.
    pub fn in_use(&self) -> impl Iterator<Item = &HandheldRow> {
        self.rows.handhelds.iter().filter(|row| row.revoked.is_none())
    }

    pub fn device(&self, id: &str) -> Option<&HandheldRow> {
        self.rows.handhelds.iter().find(|row| row.id == id)
    }

    pub fn of_line(&self, line: LineId) -> Option<&HandheldRow> {
        let is_open = self.lines.get(&line.device)?.connection == line.connection;
        self.in_use().find(|row| row.number == line.device).filter(|_| is_open)
    }

    /// Everybody who carries a device, each once, and `users`.
    pub fn people(&self, users: &[String]) -> Vec<String> {
        let mut people: Vec<String> = self.in_use().map(|row| row.person.clone()).collect();
        people.extend_from_slice(users);
        people.sort();
        people.dedup();
        people
    }

    pub fn open_line(&mut self, device: u32, ticket: SecretDigest) -> LineId {
        self.last_connection += 1;
        let connection = self.last_connection;
        self.lines.insert(device, Line { connection, ticket, presence: Presence::default() });
        LineId { device, connection }
    }

    pub fn close_line(&mut self, line: LineId) {
        if self.lines.get(&line.device).is_some_and(|open| open.connection == line.connection) {
            self.lines.remove(&line.device);
        }
    }

    /// Begins an answer, unless it was begun before.
    pub fn begin_answer(&mut self, device: u32, id: &str) -> Before {
        let found = self.answers.iter().find(|kept| kept.device == device && kept.id == id);
        match found.map(|kept| kept.outcome) {
            Some(Some(outcome)) => return Before::Done(outcome),
            Some(None) => return Before::UnderWay,
            None => {}
        }
        if self.answers.len() == ANSWERS_KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back(Answered { device, id: id.to_owned(), outcome: None });
        Before::Never
    }

    /// What became of it. One that was not carried out may be tried again.
    pub fn end_answer(&mut self, device: u32, id: &str, outcome: AnswerOutcome) {
        let is_it = |kept: &Answered| kept.device == device && kept.id == id;
        if outcome == AnswerOutcome::Busy {
            self.answers.retain(|kept| !is_it(kept));
        } else if let Some(kept) = self.answers.iter_mut().find(|kept| is_it(kept)) {
            kept.outcome = Some(outcome);
        }
    }

    /// Begins a guess at a code; `Err` is how long to wait before the next.
    pub fn begin_guess(&mut self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        while self.guesses.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.guesses.pop_front();
        }
        let wait = |at: Instant| MINUTE.saturating_sub(now.since(at));
        let theirs: Vec<Instant> =
            self.guesses.iter().filter(|(_, of)| *of == from).map(|(at, _)| *at).collect();
        if theirs.len() >= GUESSES_OF_ADDRESS {
            return Err(wait(theirs[theirs.len() - GUESSES_OF_ADDRESS]));
        }
        if self.guesses.len() >= GUESSES_OF_ALL {
            return Err(wait(self.guesses[0].0));
        }
        self.guesses.push_back((now, from));
        Ok(())
    }

    /// The newest guess of an address was right.
    pub fn forgive_guess(&mut self, from: IpAddr) {
        if let Some(at) = self.guesses.iter().rposition(|(_, of)| *of == from) {
            self.guesses.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::guard::accounts::secret;

    fn book() -> Book {
        Book::new(HandheldRows {
            box_id: "box".into(),
            handhelds: Vec::new(),
            pairings: Vec::new(),
            duty: None,
        })
    }

    #[test]
    fn the_sixth_wrong_code_of_an_address_waits_and_another_address_does_not() {
        let mut book = book();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for second in 0..5 {
            assert_eq!(book.begin_guess(one, Instant::from_millis(second * 1_000)), Ok(()));
        }
        let now = Instant::from_millis(10_000);
        assert_eq!(book.begin_guess(one, now), Err(Duration::from_secs(50)));
        assert_eq!(book.begin_guess(other, now), Ok(()));
        assert_eq!(book.begin_guess(one, Instant::from_millis(60_000)), Ok(()));
        // One that was right costs nothing.
        book.forgive_guess(one);
        assert_eq!(book.begin_guess(one, Instant::from_millis(60_000)), Ok(()));
    }

    #[test]
    fn who_is_revoked_stays_so_whatever_the_store_says_until_it_knows() {
        let row = HandheldRow {
            number: 1,
            id: "phone".into(),
            person: "Eva".into(),
            name: "phone".into(),
            platform: "test".into(),
            public_key: Vec::new(),
            paired_by: "Ada".into(),
            paired_at: Timestamp::UNIX_EPOCH,
            last_seen_at: None,
            revoked: None,
        };
        let mut rows = book().rows;
        rows.handhelds.push(row);
        let mut book = Book::new(rows.clone());
        let line = book.open_line(1, secret::digest("ticket"));
        let (by, reason) = ("Ada".to_owned(), "lost".to_owned());
        let revoked = Revoked { by, at: Timestamp::UNIX_EPOCH, reason };
        book.revoke("phone", &revoked);
        assert_eq!(book.of_line(line), None);
        assert!(book.lines.is_empty(), "its ticket is over");
        // Something else was kept meanwhile.
        book.put(rows.clone());
        assert_eq!(book.in_use().count(), 0);
        rows.handhelds[0].revoked = Some(revoked);
        book.put(rows);
        assert!(book.revoked.is_empty());
    }

    #[test]
    fn the_same_press_is_the_same_answer_and_one_not_carried_out_may_be_tried_again() {
        let mut book = book();
        assert_eq!(book.begin_answer(1, "a"), Before::Never);
        assert_eq!(book.begin_answer(1, "a"), Before::UnderWay);
        assert_eq!(book.begin_answer(2, "a"), Before::Never);
        book.end_answer(1, "a", AnswerOutcome::Acknowledged);
        assert_eq!(book.begin_answer(1, "a"), Before::Done(AnswerOutcome::Acknowledged));
        book.end_answer(2, "a", AnswerOutcome::Busy);
        assert_eq!(book.begin_answer(2, "a"), Before::Never);
        for n in 0..ANSWERS_KEPT {
            book.begin_answer(3, &n.to_string());
        }
        assert_eq!(book.answers.len(), ANSWERS_KEPT);
    }
}
