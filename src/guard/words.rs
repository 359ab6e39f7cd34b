//! What the page and the record say to people: sentences for causes, states and alarms.

use super::handle::ViewMeasured;
use super::records::SiteNames;
use crate::engine::view_fault::ViewFault;
use crate::engine::{AlarmSource, AlarmState, BlindCause, DisarmedBy, Part};
use crate::link::{CaptureClock, DetailCut, ModelInfo};

/// Why a camera's zones are not watched; `detail` is what the vision process said, if anything.
pub fn blind(cause: BlindCause, detail: Option<&str>) -> String {
    let why = match cause {
        BlindCause::Starting => "waiting for the first picture",
        BlindCause::NoFrames => "pictures stopped coming",
        BlindCause::LateFrames => "pictures come too late to act on",
        BlindCause::SourceLost => "the source gives no picture",
        BlindCause::WorkerSilent => "the vision process does not answer",
        BlindCause::WorkerDown => "the vision process is not running",
        BlindCause::View(fault) => view(fault),
    };
    match detail {
        Some(detail) if !detail.is_empty() => format!("{why}: {detail}"),
        Some(_) | None => why.into(),
    }
}

/// A model by name, and by slot where there are several.
pub fn model(model: &ModelInfo) -> String {
    match model.slot.as_str() {
        "" => format!("{} {}", model.name, model.version),
        slot => format!("{} {} ({slot})", model.name, model.version),
    }
}

/// Whose clock makes a picture old; `None`: the box's own, which goes without saying.
pub fn timed_by(clock: CaptureClock) -> Option<&'static str> {
    match clock {
        CaptureClock::SenderReport => Some("by the camera's clock"),
        CaptureClock::Arrival => Some("by when their packets came"),
        CaptureClock::Pipeline => None,
    }
}

/// What is wrong with a camera's view.
pub fn view(fault: ViewFault) -> &'static str {
    match fault {
        ViewFault::Frozen => "the picture is frozen",
        ViewFault::TimeBackwards => "the pictures' time runs backwards",
        ViewFault::WrongPicture => "the picture is of another view",
        ViewFault::Moved => "the view has moved, so zones lie elsewhere; an engineer must look",
        ViewFault::Covered => "a large part of the view is covered",
        ViewFault::Dark => "the picture is too dark",
        ViewFault::Overexposed => "the picture is over-exposed",
        ViewFault::Blurred => "the picture is blurred or fogged",
        ViewFault::Discoloured => "the colours are wrong",
    }
}

/// What was measured, in the unit people would use.
pub fn view_measured(fault: ViewFault, measured: f32, limit: f32) -> String {
    let percent = |share: f32| share * 100.0;
    match fault {
        ViewFault::Frozen => format!("the same picture for {measured:.1} s"),
        ViewFault::TimeBackwards => format!("{measured:.0} times within seconds"),
        ViewFault::WrongPicture => {
            format!("{:.0} % of what was there is nowhere to be seen", percent(measured))
        }
        ViewFault::Moved => {
            format!(
                "by {:.0} of 1920 pixels, at most {:.0} allowed",
                measured * 1920.0,
                limit * 1920.0
            )
        }
        ViewFault::Covered => format!("{:.0} % of it", percent(measured)),
        ViewFault::Dark => format!("brightest parts at {measured:.0} of 255, {limit:.0} wanted"),
        // Little white, and all the same nothing in it is dark.
        ViewFault::Overexposed if measured < limit => "hardly anything in it is dark".into(),
        ViewFault::Overexposed => format!("{:.0} % of it is white", percent(measured)),
        ViewFault::Blurred => {
            format!(
                "{:.0} % of the usual contrast or sharpness, {:.0} % wanted",
                percent(measured),
                percent(limit)
            )
        }
        ViewFault::Discoloured => {
            format!("off by {measured:.0} levels of 255, at most {limit:.0} allowed")
        }
    }
}

/// What was measured and its limit, in the unit people would use.
pub fn view_value(fault: ViewFault, measured: f32, limit: f32) -> ViewMeasured {
    let (scale, unit) = match fault {
        ViewFault::Frozen => (1.0, "s"),
        ViewFault::TimeBackwards => (1.0, "times"),
        ViewFault::Moved => (1920.0, "pixels of 1920"),
        ViewFault::WrongPicture
        | ViewFault::Covered
        | ViewFault::Overexposed
        | ViewFault::Blurred => (100.0, "%"),
        ViewFault::Dark | ViewFault::Discoloured => (1.0, "levels of 255"),
    };
    ViewMeasured { value: measured * scale, limit: limit * scale, unit }
}

/// The part's name in the record.
pub fn part_key(part: Part) -> &'static str {
    match part {
        Part::Siren => "siren",
        Part::Store => "store",
        Part::Relay => "relay",
        Part::Handhelds => "handhelds",
        Part::Detector => "detector",
    }
}

/// What an alarm is called.
pub fn title(source: AlarmSource, names: &SiteNames) -> String {
    match source {
        AlarmSource::Intrusion(zone) | AlarmSource::Warning(zone) | AlarmSource::Untested(zone) => {
            names.zone(zone).map_or("?", |zone| &zone.name).to_owned()
        }
        AlarmSource::Blind(camera) => names.camera_name(camera).to_owned(),
        AlarmSource::Fault(Part::Siren) => "Siren".into(),
        AlarmSource::Fault(Part::Store) => "Store".into(),
        AlarmSource::Fault(Part::Relay) => "Relay".into(),
        AlarmSource::Fault(Part::Handhelds) => "Handhelds".into(),
        AlarmSource::Fault(Part::Detector) => "Detector".into(),
    }
}

/// What an alarm about people says; `kind` is the zone's.
pub fn people(source: AlarmSource, kind: &str, people: u32, state: AlarmState) -> String {
    let active = state.is_active();
    let inside = match people {
        0 => "Nobody inside".to_owned(),
        1 => "1 person inside".to_owned(),
        more => format!("{more} people inside"),
    };
    match (kind, source, active) {
        ("tripwire", _, true) => "Somebody crossed the line".into(),
        ("tripwire", _, false) => "Nobody is crossing any more".into(),
        ("occupancy", _, true) => format!("{inside}, which is not allowed here"),
        ("occupancy", _, false) => format!("{inside}, which is allowed again"),
        ("restricted", AlarmSource::Warning(_), true) => "Somebody is about to enter".into(),
        ("restricted", AlarmSource::Warning(_), false) => {
            "Nobody is about to enter any more".into()
        }
        (_, _, true) if people > 0 => inside,
        (_, _, _) => "Nobody seen inside any more".into(),
    }
}

/// What an overdue walk test says.
pub fn untested(state: AlarmState) -> String {
    match state.is_active() {
        true => "The walk test is overdue: nobody has shown lately that this zone alarms".into(),
        false => "The walk test is valid".into(),
    }
}

/// Who disarmed a zone, as the record names it.
pub fn disarmed_by(by: DisarmedBy) -> &'static str {
    match by {
        DisarmedBy::Schedule => "schedule",
        DisarmedBy::Interlock => "interlock",
    }
}

/// What an alarm about missing sight or a broken part says; `fault` is the cause while it lasts.
pub fn trouble(source: AlarmSource, fault: Option<&str>) -> String {
    match (source, fault) {
        (AlarmSource::Blind(_), Some(fault)) => format!("Its zones are not watched: {fault}"),
        (AlarmSource::Blind(_), None) => "Watched again".into(),
        (AlarmSource::Fault(Part::Siren), Some(fault)) => {
            format!("The siren cannot sound: {fault}")
        }
        (AlarmSource::Fault(Part::Store), Some(fault)) => {
            format!("Incidents cannot be kept: {fault}")
        }
        (AlarmSource::Fault(Part::Relay), Some(fault)) => {
            format!("The relay cannot be switched: {fault}")
        }
        (AlarmSource::Fault(Part::Handhelds), Some(fault)) => {
            format!("Nobody gets alarms on a handheld: {fault}")
        }
        (AlarmSource::Fault(Part::Detector), Some(fault)) => {
            format!("The detector cannot keep up with the cameras: {fault}")
        }
        (AlarmSource::Fault(_), None) => "Works again".into(),
        (AlarmSource::Intrusion(_) | AlarmSource::Warning(_) | AlarmSource::Untested(_), fault) => {
            fault.unwrap_or_default().into()
        }
    }
}

/// What is not looked at closer for lack of time.
pub fn detail_cut(cut: DetailCut) -> String {
    let DetailCut { looked_at, planned } = cut;
    format!(
        "people who are small in the picture were looked for in {looked_at} of {planned} parts of its \
         zones lately, there is no time for more; lower `fps`, or connect fewer cameras"
    )
}
