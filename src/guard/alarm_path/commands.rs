//! Commands of people: carried out between two pictures, recorded with the person, and logged when
//! they are refused.

use jiff::Timestamp;

use super::{Changed, Runner};
use crate::clock;
use crate::engine::alarm::{Hold, SILENCE_MAX};
use crate::engine::time::Instant;
use crate::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Effects, EventKind, Input, Refusal, ZoneIndex,
};
use crate::guard::handle::{AlarmCommand, CommandError, Commanded, ZonePlace};
use crate::guard::keeper::Answered;
use crate::guard::ledger::HoldNotes;
use crate::guard::message::Answer;
use crate::store::record::Record;

/// Who commands, and when.
struct Signed<'a> {
    by: &'a str,
    at: Timestamp,
}

impl Runner {
    pub(super) fn answer(&mut self, answer: Answer) {
        let now = clock::monotonic();
        let Answer { command, by, reply, .. } = &answer;
        let outcome = match answer.is_stale(now) {
            // The person has been told that it did not work, and may not know what sounds now.
            true => Err(CommandError::Busy),
            false => self.command(command, by, now),
        };
        match &outcome {
            Ok(_) => tracing::info!("{by}: {command}"),
            Err(refusal) => tracing::warn!("{by}: {command}: refused: {refusal}"),
        }
        // Decided; whoever asked waits a little longer for the disk.
        let _ = reply.try_send(outcome);
        let reply = outcome;
        self.path.handover.flush(Some(Answered { to: answer.reply, reply }));
    }

    fn command(
        &mut self,
        command: &AlarmCommand,
        by: &str,
        now: Instant,
    ) -> Result<Commanded, CommandError> {
        let input = self.input(command)?;
        // Known before, and no more after it was taken from there.
        let shelved = self.shelved(command);
        let effects = self.path.decide(input, now);
        let outcome = match effects.refused {
            Some(refusal) => Err(refused(refusal)),
            None => Ok(self.outcome(command, &effects, now)),
        };
        self.carry_out(effects, now);
        if outcome.is_ok() {
            self.changed = Changed::Yes;
            let signed = Signed { by, at: clock::wall_at(now) };
            let record = self.sign(command, shelved, &signed);
            self.path.handover.put(record);
        }
        outcome
    }

    fn input(&self, command: &AlarmCommand) -> Result<Input, CommandError> {
        Ok(match command {
            AlarmCommand::Acknowledge { alarm, seen } => {
                if seen.is_some_and(|seen| self.path.ledger.is_newer(*alarm, seen)) {
                    return Err(CommandError::NewerCause);
                }
                Input::Acknowledge { alarm: *alarm }
            }
            AlarmCommand::Silence { alarm, seen } => {
                let ledger = &self.path.ledger;
                if alarm.map_or(ledger.any_newer(*seen), |alarm| ledger.is_newer(alarm, *seen)) {
                    return Err(CommandError::NewerCause);
                }
                Input::Silence { alarm: *alarm }
            }
            AlarmCommand::Reset { alarm } => Input::Reset { alarm: *alarm },
            AlarmCommand::Shelve { alarm, time, .. } => {
                Input::Shelve { alarm: *alarm, time: *time }
            }
            AlarmCommand::Unshelve { alarm } => Input::Unshelve { alarm: *alarm },
            AlarmCommand::TakeOutOfService { zone, .. } => {
                Input::TakeOutOfService { zone: self.zone(zone)? }
            }
            AlarmCommand::PutIntoService { zone } => {
                Input::PutIntoService { zone: self.zone(zone)? }
            }
            AlarmCommand::TestSiren { .. } => {
                self.may_test_siren()?;
                // Nothing of the engine's.
                Input::Tick
            }
            AlarmCommand::ConfirmView { camera, .. } => {
                let camera = self.camera(camera)?;
                self.may_confirm(camera)?;
                Input::ViewConfirmed { camera }
            }
        })
    }

    fn zone(&self, place: &ZonePlace) -> Result<ZoneIndex, CommandError> {
        let names = &self.path.names;
        let found = names.live().find(|(_, zone)| {
            let camera = names.cameras.get(usize::from(zone.info.camera));
            zone.info.id == place.zone && camera.is_some_and(|(id, _)| *id == place.camera)
        });
        found.map(|(zone, _)| zone).ok_or(CommandError::UnknownZone)
    }

    fn camera(&self, id: &str) -> Result<CameraIndex, CommandError> {
        let cameras = (0..).zip(&self.path.names.cameras);
        let found =
            cameras.map(|(index, (it, _))| (CameraIndex(index), it)).find(|(_, it)| *it == id);
        found.map(|(camera, _)| camera).ok_or(CommandError::UnknownCamera)
    }

    /// The source that is on the shelf as this alarm.
    fn shelved(&self, command: &AlarmCommand) -> Option<AlarmSource> {
        match command {
            AlarmCommand::Unshelve { alarm } => self.source_on_shelf(*alarm),
            AlarmCommand::Acknowledge { .. }
            | AlarmCommand::Silence { .. }
            | AlarmCommand::Reset { .. }
            | AlarmCommand::Shelve { .. }
            | AlarmCommand::TakeOutOfService { .. }
            | AlarmCommand::PutIntoService { .. }
            | AlarmCommand::TestSiren { .. }
            | AlarmCommand::ConfirmView { .. } => None,
        }
    }

    fn source_on_shelf(&self, alarm: AlarmId) -> Option<AlarmSource> {
        let holds = self.path.engine.holds().into_iter();
        holds
            .filter(|hold| hold.hold == Hold::Shelved)
            .find(|it| it.alarm == Some(alarm))
            .map(|it| it.source)
    }

    fn outcome(&self, command: &AlarmCommand, effects: &Effects, now: Instant) -> Commanded {
        match command {
            AlarmCommand::Acknowledge { alarm, .. } => {
                Commanded::State(new_state(effects, *alarm).unwrap_or(AlarmState::Acknowledged))
            }
            AlarmCommand::Reset { alarm } => {
                Commanded::State(new_state(effects, *alarm).unwrap_or(AlarmState::Normal))
            }
            AlarmCommand::Silence { .. } => Commanded::Until(later(now, SILENCE_MAX)),
            AlarmCommand::Shelve { time, .. } => Commanded::Until(later(now, time.get())),
            AlarmCommand::Unshelve { .. }
            | AlarmCommand::TakeOutOfService { .. }
            | AlarmCommand::PutIntoService { .. }
            | AlarmCommand::TestSiren { .. }
            | AlarmCommand::ConfirmView { .. } => Commanded::Done,
        }
    }

    /// Notes who did it, and gives the record of it.
    fn sign(
        &mut self,
        command: &AlarmCommand,
        shelved: Option<AlarmSource>,
        signed: &Signed<'_>,
    ) -> Option<Record> {
        let (at, by) = (signed.at, signed.by.to_owned());
        Some(match command {
            AlarmCommand::Acknowledge { alarm, .. } => {
                self.path.ledger.answered(*alarm, &by, at);
                Record::Acknowledged { alarm: *alarm, at, by }
            }
            AlarmCommand::Silence { alarm, .. } => {
                self.path.ledger.silenced_by(&by);
                Record::Silenced { alarm: *alarm, at, by }
            }
            AlarmCommand::Reset { alarm } => Record::Reset { alarm: *alarm, at, by },
            AlarmCommand::Shelve { alarm, time, reason } => {
                let source = self.source_on_shelf(*alarm)?;
                let until = at.checked_add(time.get()).unwrap_or(at);
                let reason = reason.as_str().to_owned();
                let notes = HoldNotes {
                    by: by.clone(),
                    reason: reason.clone(),
                    since: at,
                    until: Some(until),
                };
                self.path.ledger.keep_quiet(source, notes);
                let source = self.path.names.key(source);
                Record::Shelved { alarm: *alarm, source, at, until, by, reason }
            }
            AlarmCommand::Unshelve { alarm } => {
                let source = self.path.names.key(shelved?);
                Record::Unshelved { alarm: *alarm, source, at, by: Some(by) }
            }
            AlarmCommand::TakeOutOfService { zone: place, reason } => {
                let zone = self.zone(place).ok()?;
                let reason = reason.as_str().to_owned();
                let notes =
                    HoldNotes { by: by.clone(), reason: reason.clone(), since: at, until: None };
                self.path.ledger.keep_quiet(AlarmSource::Intrusion(zone), notes);
                Record::OutOfService { zone: place.zone.clone(), at, by, reason }
            }
            AlarmCommand::PutIntoService { zone } => {
                Record::InService { zone: zone.zone.clone(), at, by: Some(by) }
            }
            AlarmCommand::TestSiren { heard } => {
                // Into the audit log when its outcome is known.
                self.test_siren(*heard, by);
                return None;
            }
            AlarmCommand::ConfirmView { camera: id, reason } => {
                let camera = self.camera(id).ok()?;
                self.view_confirmed(camera, by, reason.as_str().to_owned(), at)
            }
        })
    }
}

fn later(now: Instant, span: std::time::Duration) -> Timestamp {
    let at = clock::wall_at(now);
    at.checked_add(span).unwrap_or(at)
}

fn new_state(effects: &Effects, alarm: AlarmId) -> Option<AlarmState> {
    effects.events.iter().find_map(|event| match event.kind {
        EventKind::Alarm { alarm: changed, to, .. } if changed == alarm => Some(to),
        _ => None,
    })
}

fn refused(refusal: Refusal) -> CommandError {
    match refusal {
        Refusal::AlreadyAcknowledged => CommandError::AlreadyAcknowledged,
        Refusal::NothingSounds => CommandError::NothingSounds,
        Refusal::AlreadySilenced => CommandError::AlreadySilenced,
        Refusal::StillActive => CommandError::StillActive,
        Refusal::NotAcknowledged => CommandError::NotAcknowledged,
        Refusal::NotLatched => CommandError::NotLatched,
        Refusal::AlreadyShelved => CommandError::AlreadyShelved,
        Refusal::NotShelved => CommandError::NotShelved,
        Refusal::OutOfServiceAlready => CommandError::AlreadyOutOfService,
        Refusal::InServiceAlready => CommandError::AlreadyInService,
        Refusal::UnknownZone => CommandError::UnknownZone,
        Refusal::UnknownCamera => CommandError::UnknownCamera,
        Refusal::UnknownAlarm | Refusal::BadSlots => CommandError::UnknownAlarm,
    }
}
