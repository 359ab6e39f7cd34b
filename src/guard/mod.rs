//! The guard: the process that must not die. It decides (through the engine), sounds, stores, tells.
//!
//! ```text
//!  vision process ── link ──> alarm path ──> siren thread ──> sound card
//!   ^ supervisor              (engine)   ──> keeper (store)
//!                                 ^      ──> publisher ──> watch channels ──> web thread
//!          answers of people ─────┤      ──> painter (evidence pictures)
//!  machine signals ──> arming ────┘
//! ```
//!
//! Each arrow is bounded and none of them can make the alarm path wait. Effects are carried out in
//! the order of urgency: sound, record, tell.
//!
//! - `app`, `parts`, `wiring`, `doors`: wires it all and takes it down again. `alarm_path`: the thread that owns the engine.
//! - `worker`, `worker_plan`, `worker_link`, `confine`, `intake`, `detail`: the vision process, its link, the parsing of its reports, what it is told of zones.
//! - `models`: which models a vision process may load, and what is heard of them.
//! - `inputs`, `arming`, `machine`: machine signals, and which zones alarm now.
//! - `siren`: the siren. `relay`: relays and stack lights. `annunciators`: what sounds, from the configuration. `priority`: real-time priority.
//! - `keeper`, `keeping`, `followers`, `handover`, `disk`, `reserve`, `age`, `records`, `clerk`: what must survive. `evidence`, `clips`: the pictures and the video kept with incidents.
//! - `channels`: brokers, webhooks and push services, and all that they may see of this.
//! - `handhelds`: who is paired and on duty, and the pager that takes alarms to them.
//! - `zones`: drafts, versions, and changing what is guarded while guarding.
//! - `models`: which model guards and how another one comes to; the shadow slot; what is kept to learn from.
//! - `observer`, `walk`, `heat`: what the alarm path lets others look at; walk tests; where people stand.
//! - `privacy`: people in pictures are made unrecognisable before anybody sees them.
//! - `verdicts`: what people judged incidents to be.
//! - `models`: models that come later, and how one comes to guard.
//! - `accounts`: who may come in, and what they may do.
//! - `board`, `ledger`, `latency`, `pictures`, `words`: what is shown. `live`, `desk`, `handle`: the web's side.
//!
//! Not here: what an alarm is (`engine`), how it is stored (`store`), how it looks (`web`).

pub mod accounts;
mod again;
mod age;
mod alarm_path;
mod annunciators;
pub mod app;
pub mod arming;
mod board;
pub(crate) mod channels;
pub mod clerk;
mod clips;
mod confine;
mod desk;
pub mod detail;
mod disk;
mod doors;
mod evidence;
mod followers;
pub mod handhelds;
pub mod handle;
mod handover;
mod heat;
pub mod inputs;
mod intake;
mod keeper;
mod keeping;
mod latency;
mod ledger;
mod live;
mod machine;
mod message;
pub mod models;
pub mod observer;
mod parts;
pub mod pictures;
mod prepared;
mod priority;
mod privacy;
mod records;
pub mod relay;
mod reserve;
pub mod siren;
mod verdicts;
mod view_board;
mod views;
mod vision_side;
pub mod walk;
mod web_thread;
mod wiring;
mod words;
mod worker;
mod worker_link;
mod worker_plan;
pub mod zones;
