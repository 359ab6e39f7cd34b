//! Handhelds: which devices there are, who carries them, who is on duty, and what they answer.
//!
//! Terms: a device is **paired** once, with a code that an engineer made, and shows from then on
//! that it holds its private key; it is **revoked** for good. A **line** is one connection.
//!
//! Whether a device may connect is answered from memory: a disk that does not work keeps no alarm
//! from a handheld. What changes who gets alarms is on disk first, together with its audit entry;
//! only who is revoked is so at once.
//!
//! - `book`, `roster`, `keys`: what is known, who is on duty when, what a proof is. No clock, no disk.
//! - `pager`, `view`: the thread that carries out what `engine::paging` decides; what devices are shown.
//! - `receipts`: the evidence that somebody was told, into the store, off the way of an alarm.
//! - `revocation`: a device that is none any more, whether the disk works or not.
//! - `start`: all of it, started and stopped.
//!
//! Not here: sockets and JSON (`web::handheld`), and whose turn it is (`engine::paging`).

mod book;
mod fields;
mod keys;
mod pager;
mod receipts;
mod revocation;
mod roster;
pub(super) mod start;
mod view;
mod words;

use std::net::IpAddr;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use self::book::{Before, Book, Line};
use self::fields::{name_of, text_of};
use self::keys::Proof;
use self::receipts::ReceiptPost;
use self::roster::Roster;
use super::accounts::secret;
use super::clerk::Clerk;
use super::desk;
use super::handle::{
    AcknowledgeError, AlarmCommand, AnswerOutcome, Duty, DutyList, FieldError, Handheld,
    HandheldAddress, HandheldAnswer, HandheldError, HandheldLine, HandheldState, Handhelds,
    LeftNote, LineId, LineRefusal, OnDuty, OnDutyPerson, PairRequest, Paired, Pairing, Said, Sound,
    ToHandheld,
};
use super::message::Answer;
use crate::clock;
use crate::digest::sha256_of;
use crate::store::Store;
use crate::store::audit::AuditEntry;
use crate::store::handhelds::{
    DutyRow, HandheldChange, HandheldRow, HandheldRows, PairingRow, ReceiptRow,
};

/// Devices in use: a large site's supervisors, each with two.
pub const HANDHELDS_MAX: usize = 64;

/// A code is read from one screen and shown to another.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// An answer that lay longer on a device was given to another state of the site.
const ANSWER_AGE_MAX: Duration = Duration::from_secs(120);

/// Messages that wait for one device. Alarms only, and each at most once a second: a device that
/// lets so many wait takes nothing.
const MESSAGES_MAX: usize = 32;

/// Lines that wait for the pager, and words of devices.
const LINES_WAITING_MAX: usize = 64;
const SAID_WAITING_MAX: usize = 1024;

/// Longest name of a device, a person, a platform, a reason, characters.
const PLATFORM_CHARS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 500;

/// Everything about handhelds that the web side may ask.
#[derive(Debug)]
pub struct HandheldDesk {
    /// `None`: this box has none.
    address: Option<HandheldAddress>,
    zone: TimeZone,
    clerk: Clerk,
    answers: SyncSender<Answer>,
    receipts: ReceiptPost,
    book: Mutex<Book>,
    /// Held by whoever writes.
    writing: Mutex<()>,
    directory: watch::Sender<Arc<Directory>>,
    state: watch::Sender<Arc<HandheldState>>,
    lines: mpsc::Sender<NewLine>,
    said: mpsc::Sender<(LineId, Said)>,
}

/// What the pager has to know of devices and duty.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub devices: Vec<Carried>,
    pub roster: Option<Arc<Roster>>,
}

#[derive(Clone, Debug)]
pub struct Carried {
    pub number: u32,
    pub person: String,
    pub name: String,
}

/// A line on its way to the pager.
#[derive(Debug)]
pub struct NewLine {
    pub id: LineId,
    pub messages: mpsc::Sender<ToHandheld>,
}

/// The pager's ends.
#[derive(Debug)]
pub struct Ends {
    pub lines: mpsc::Receiver<NewLine>,
    pub said: mpsc::Receiver<(LineId, Said)>,
}

/// What the desk is made of.
#[derive(Debug)]
pub struct HandheldParts {
    pub address: Option<HandheldAddress>,
    /// IANA name.
    pub time_zone: String,
    pub rows: HandheldRows,
    pub clerk: Clerk,
    pub answers: SyncSender<Answer>,
    pub receipts: ReceiptPost,
}

impl HandheldDesk {
    pub fn new(parts: HandheldParts) -> (HandheldDesk, Ends) {
        let (lines, new_lines) = mpsc::channel(LINES_WAITING_MAX);
        let (said, heard) = mpsc::channel(SAID_WAITING_MAX);
        let book = Book::new(parts.rows);
        let desk = HandheldDesk {
            address: parts.address,
            zone: TimeZone::get(&parts.time_zone).unwrap_or(TimeZone::UTC),
            clerk: parts.clerk,
            answers: parts.answers,
            receipts: parts.receipts,
            directory: watch::Sender::new(Arc::new(directory(&book))),
            book: Mutex::new(book),
            writing: Mutex::new(()),
            state: watch::Sender::new(Arc::new(HandheldState::unknown())),
            lines,
            said,
        };
        (desk, Ends { lines: new_lines, said: heard })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic elsewhere leaves values that are whole: every change is one assignment.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what `plan` makes of what is known: on disk first, then in memory.
    fn change<T>(
        &self,
        plan: impl FnOnce(&Book) -> Result<(Vec<HandheldChange>, AuditEntry, T), HandheldError>,
    ) -> Result<T, HandheldError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (changes, entry, answer) = plan(&self.book())?;
        let errand = move |store: &mut Store| {
            store.change_handhelds(&changes, &[entry])?;
            store.handhelds()
        };
        let rows = self.clerk.ask(errand).map_err(HandheldError::Clerk)?;
        let rows = rows.map_err(HandheldError::Store)?;
        let mut book = self.book();
        book.put(rows);
        self.directory.send_replace(Arc::new(directory(&book)));
        Ok(answer)
    }

    /// A line is gone.
    fn close(&self, device: u32, connection: u64) {
        self.book().close_line(LineId { device, connection });
    }

    fn configured(&self) -> Result<(), HandheldError> {
        self.address.map(|_| ()).ok_or(HandheldError::NotConfigured)
    }

    fn person(&self, line: LineId) -> Option<HandheldRow> {
        self.book().of_line(line).cloned()
    }

    fn on_duty(&self, book: &Book) -> OnDuty {
        let Some(roster) = &book.roster else { return OnDuty::default() };
        let (shift, people) = roster.at(clock::wall(), &self.zone);
        let listens = |person: &str| {
            let is_heard = |line: &Line| line.presence.sound != Sound::Blocked;
            let open = |row: &HandheldRow| book.lines.get(&row.number).is_some_and(is_heard);
            book.in_use().any(|row| row.person == person && open(row))
        };
        let person = |name: &String| OnDutyPerson { person: name.clone(), listens: listens(name) };
        OnDuty { shift: shift.map(str::to_owned), people: people.iter().map(person).collect() }
    }

    fn carry_out(&self, row: &HandheldRow, answer: &HandheldAnswer) -> AnswerOutcome {
        if answer.age > ANSWER_AGE_MAX {
            return AnswerOutcome::TooOld;
        }
        let (alarm, seen) = (answer.alarm, Some(answer.version));
        let by = by(row);
        let answered = desk::ask(&self.answers, AlarmCommand::Acknowledge { alarm, seen }, &by);
        match answered.map_err(AcknowledgeError::from) {
            Ok(_state) => {
                let at = clock::wall();
                // It was on the screen at the latest when it was pressed.
                self.receipts.put(ReceiptRow {
                    alarm: alarm.0,
                    version: answer.version,
                    handheld: row.number,
                    attempts: 1,
                    sent_at: at,
                    received_at: Some(at),
                    shown_at: Some(at),
                    acknowledged_at: Some(at),
                });
                AnswerOutcome::Acknowledged
            }
            Err(AcknowledgeError::AlreadyAcknowledged) => AnswerOutcome::AlreadyAcknowledged,
            Err(AcknowledgeError::UnknownAlarm) => AnswerOutcome::UnknownAlarm,
            Err(AcknowledgeError::NewerCause) => AnswerOutcome::NewerCause,
            Err(AcknowledgeError::Busy | AcknowledgeError::Stopping) => AnswerOutcome::Busy,
        }
    }
}

impl Handhelds for HandheldDesk {
    fn handheld_address(&self) -> Option<HandheldAddress> {
        self.address
    }

    fn box_id(&self) -> String {
        self.book().rows.box_id.clone()
    }

    fn handhelds(&self) -> Vec<Handheld> {
        let book = self.book();
        let shown = |row: &HandheldRow| Handheld {
            id: row.id.clone(),
            person: row.person.clone(),
            name: row.name.clone(),
            platform: row.platform.clone(),
            paired_by: row.paired_by.clone(),
            paired_at: row.paired_at,
            last_seen_at: row.last_seen_at,
            revoked: row.revoked.clone(),
            connected: book.lines.get(&row.number).map(|line| line.presence),
        };
        book.rows.handhelds.iter().map(shown).collect()
    }

    fn begin_pairing(&self, person: &str, name: &str, by: &str) -> Result<Pairing, HandheldError> {
        self.configured()?;
        let person = name_of("person", person)?;
        let name = name_of("device_name", name)?;
        let code = secret::pairing_code().map_err(|_none| HandheldError::NoRandom)?;
        let at = clock::wall();
        let expires_at = at.saturating_add(CODE_LIFE).unwrap_or(at);
        let entry =
            audit(by, "handheld_code_made", &person, &serde_json::json!({ "device": name }));
        let pairing = PairingRow {
            code: secret::code_digest(&code),
            person,
            name,
            by: by.to_owned(),
            at,
            expires_at,
        };
        let changes =
            vec![HandheldChange::DropPairings { by: at }, HandheldChange::AddPairing(pairing)];
        self.change(|book| {
            // Codes that are over go with this change and take no place.
            let waiting = book.rows.pairings.iter().filter(|row| at < row.expires_at);
            if book.in_use().count() + waiting.count() >= HANDHELDS_MAX {
                return Err(HandheldError::Full { max: HANDHELDS_MAX });
            }
            Ok((changes, entry, ()))
        })?;
        Ok(Pairing { code, expires_at })
    }

    fn pair(&self, request: &PairRequest, from: IpAddr) -> Result<Paired, HandheldError> {
        self.configured()?;
        let from = from.to_canonical();
        let wait = self.book().begin_guess(from, clock::monotonic());
        wait.map_err(|wait| HandheldError::TooMany { wait })?;
        let platform = text_of("platform", &request.platform, PLATFORM_CHARS_MAX)?;
        let public_key = keys::public_key(&request.public_key).ok_or_else(|| {
            let right = "must be an uncompressed point of P-256 as base64url (65 bytes)";
            HandheldError::Field(FieldError::new("public_key", "", right))
        })?;
        let code = secret::code_digest(&request.code);
        let id = secret::id().map_err(|_none| HandheldError::NoRandom)?;
        let at = clock::wall();
        let paired = self.change(|book| {
            let valid = |row: &&PairingRow| {
                secret::same(&row.code, &code) && at >= row.at && at < row.expires_at
            };
            let row = book.rows.pairings.iter().find(valid).ok_or(HandheldError::WrongCode)?;
            if book.rows.handhelds.iter().any(|row| row.public_key == public_key) {
                return Err(HandheldError::KeyTaken);
            }
            let detail = serde_json::json!({
                "device": row.name, "platform": platform, "from": from.to_string(), "code_by": row.by,
            });
            let entry = audit(&row.person, "handheld_paired", &id, &detail);
            let paired = Paired {
                id: id.clone(),
                person: row.person.clone(),
                name: row.name.clone(),
                box_id: book.rows.box_id.clone(),
            };
            let change =
                HandheldChange::Pair { code, id: id.clone(), platform, public_key, at };
            Ok((vec![change], entry, paired))
        })?;
        self.book().forgive_guess(from);
        Ok(paired)
    }

    fn revoke(&self, id: &str, reason: &str, by: &str) -> Result<(), HandheldError> {
        self.revoke_at_once(id, reason, by)
    }

    fn duty(&self, users: &[String]) -> Duty {
        let book = self.book();
        Duty {
            list: book.list.clone(),
            digest: book.rows.duty.as_ref().map(|duty| duty.digest.clone()),
            now: self.on_duty(&book),
            known: book.people(users),
        }
    }

    fn put_duty(
        &self,
        list: DutyList,
        if_digest: Option<&str>,
        users: &[String],
        by: &str,
    ) -> Result<Duty, HandheldError> {
        let document = roster::to_text(&list);
        let digest = sha256_of(&document);
        self.change(|book| {
            Roster::of(&list).map_err(HandheldError::Fields)?;
            let strangers = roster::check_known(&list, &book.people(users));
            if !strangers.is_empty() {
                return Err(HandheldError::Fields(strangers));
            }
            let before = book.rows.duty.as_ref().map(|duty| duty.digest.as_str());
            if before != if_digest {
                return Err(HandheldError::DutyChanged);
            }
            let detail =
                serde_json::json!({ "digest": digest, "before": before, "list": document });
            let entry = audit(by, "duty_list_changed", "duty", &detail);
            let row = DutyRow { document, digest, by: by.to_owned(), at: entry.at };
            Ok((vec![HandheldChange::PutDuty(row)], entry, ()))
        })?;
        Ok(self.duty(users))
    }

    fn nonce(&self) -> Result<String, HandheldError> {
        let bytes = secret::random::<32>().map_err(|_none| HandheldError::NoRandom)?;
        Ok(keys::encode(&bytes))
    }

    fn connect(
        &self,
        device: &str,
        nonce: &str,
        signature: &str,
    ) -> Result<HandheldLine, LineRefusal> {
        let mut book = self.book();
        let row = book.device(device).ok_or(LineRefusal::UnknownDevice)?;
        if row.revoked.is_some() {
            return Err(LineRefusal::Revoked);
        }
        match keys::proves(&row.public_key, &book.rows.box_id, device, nonce, signature) {
            Proof::Good => {}
            Proof::Bad => return Err(LineRefusal::BadProof),
        }
        let (number, person, name) = (row.number, row.person.clone(), row.name.clone());
        let ticket = secret::secret().map_err(|_none| LineRefusal::TooMany)?;
        // A place first: a line the pager does not know gets no alarm.
        let place = self.lines.try_reserve().map_err(|_full| LineRefusal::TooMany)?;
        let id = book.open_line(number, secret::digest(&ticket));
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        place.send(NewLine { id, messages: sender });
        Ok(HandheldLine {
            id,
            device_id: device.to_owned(),
            person,
            device: name,
            ticket,
            messages,
            state: self.state.subscribe(),
            left: LeftNote { line: id, tell: self.said.clone() },
        })
    }

    fn said(&self, line: LineId, said: Said) {
        if let Said::Awake(presence) = &said
            && let Some(open) = self.book().lines.get_mut(&line.device)
            && open.connection == line.connection
        {
            open.presence = *presence;
        }
        let _ = self.said.try_send((line, said));
    }

    fn answer(&self, line: LineId, answer: &HandheldAnswer) -> AnswerOutcome {
        // Revoked while it was on its way.
        let Some(row) = self.person(line) else { return AnswerOutcome::UnknownAlarm };
        match self.book().begin_answer(row.number, &answer.id) {
            Before::Never => {}
            Before::UnderWay => return AnswerOutcome::Busy,
            Before::Done(outcome) => return outcome,
        }
        let outcome = self.carry_out(&row, answer);
        self.book().end_answer(row.number, &answer.id, outcome);
        match outcome {
            AnswerOutcome::Acknowledged | AnswerOutcome::Busy => {}
            AnswerOutcome::AlreadyAcknowledged
            | AnswerOutcome::UnknownAlarm
            | AnswerOutcome::NewerCause
            | AnswerOutcome::TooOld => tracing::warn!(
                "the answer of {} to alarm {} was refused: {outcome:?}",
                by(&row),
                answer.alarm.0
            ),
        }
        outcome
    }

    fn silence_siren(&self, line: LineId, seen: u64) {
        let Some(row) = self.person(line) else { return };
        let silence = AlarmCommand::Silence { alarm: None, seen };
        if let Err(refusal) = desk::ask(&self.answers, silence, &by(&row)) {
            tracing::warn!("{} cannot silence the siren: {refusal}", by(&row));
        }
    }

    fn has_ticket(&self, ticket: &str) -> bool {
        let digest = secret::digest(ticket);
        self.book().lines.values().any(|line| secret::same(&line.ticket, &digest))
    }
}

/// Who answered, for the record.
fn by(row: &HandheldRow) -> String {
    format!("{} ({})", row.person, row.name)
}

fn directory(book: &Book) -> Directory {
    let carried = |row: &HandheldRow| Carried {
        number: row.number,
        person: row.person.clone(),
        name: row.name.clone(),
    };
    Directory { devices: book.in_use().map(carried).collect(), roster: book.roster.clone() }
}

fn audit(by: &str, action: &str, subject: &str, detail: &serde_json::Value) -> AuditEntry {
    AuditEntry {
        at: clock::wall(),
        by: by.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_string(),
    }
}
