//! Evidence: the picture of the frame that started an incident, with people and zones drawn in.
//!
//! A thread of low priority: the vision process delivers the picture, this draws and hands it to the
//! store. Whoever is inside an occupied zone has a red box; red and thick also marks the zone. There are
//! two of each: one in which nobody can be recognised, for everybody, and the clear one.
//!
//! Where the floor is known, each person has their distance from the camera beside them, and whoever
//! raised the incident that from the edge of the zone (`distance`, `label`).
//!
//! Not here: other text in the picture (the page has it), and how people are made unrecognisable
//! (`privacy`).

mod distance;
mod label;

use std::collections::BTreeMap;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_hollow_rect_mut, draw_line_segment_mut};
use imageproc::rect::Rect;

use self::label::{Label, Spot};
use super::followers::Steps;
use super::handle::{Person, ReferenceFacts};
use super::keeper::Job;
use super::live::FramePeople;
use super::models::bank::BankPost;
use super::privacy::mosaic;
use super::records::SiteNames;
use super::views::{NewReference, ViewFrame, Views};
use crate::config::Privacy;
use crate::engine::{CameraIndex, Entry, IncidentId};
use crate::link::{LearnedView, Picture};
use crate::store::distances::{Distances, PersonDistance, Side};
use crate::store::pictures::Hides;
use crate::zone_file::Mask;

/// Tasks waiting for the painter; one takes some ten milliseconds.
const QUEUE_MAX: usize = 16;

/// Pictures asked for and not yet delivered; older ones are given up.
const ASKED_MAX: usize = 32;

/// JPEG quality: faces stay recognisable, a picture stays below 300 kB.
const QUALITY: u8 = 85;

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

const EMERGENCY: Rgb<u8> = Rgb([0xe0, 0x1b, 0x24]);
const PERSON: Rgb<u8> = Rgb([0xff, 0xff, 0xff]);
const ZONE: Rgb<u8> = Rgb([0xb0, 0xb8, 0xc0]);

/// Something for the painter.
#[derive(Debug)]
pub enum PaintTask {
    /// A picture was asked for.
    Asked { request: u64, job: EvidenceJob },
    /// A view has its reference; the picture of it was asked for.
    Reference { request: u64, new: Box<NewReference> },
    /// Something is wrong with a view; the picture of it was asked for.
    Trouble { request: u64, frame: ViewFrame },
    /// The view is right again.
    TroubleOver { camera: CameraIndex },
    /// What else was learned of a view.
    Learned { camera: CameraIndex, learned: Box<LearnedView> },
    /// What nobody may see of a camera, from now on.
    Masks { camera: CameraIndex, masks: Arc<[Mask]> },
    /// The store has not taken something of a view.
    KeepAgain { camera: CameraIndex },
    /// It came; `None` when it is no longer kept.
    Arrived { request: u64, picture: Option<Picture> },
}

/// What to do with a picture that was asked for.
enum Asked {
    Incident(EvidenceJob),
    Reference(ViewFrame, ReferenceFacts),
    Trouble(ViewFrame),
}

/// What to draw.
#[derive(Debug)]
pub struct EvidenceJob {
    pub incident: IncidentId,
    /// Number of the zone.
    pub zone: usize,
    pub entry: Entry,
    /// The zones that decided; they may be others when the picture comes.
    pub names: Arc<SiteNames>,
    pub seen: FramePeople,
}

/// A queue for the painter.
pub fn queue() -> (SyncSender<PaintTask>, Receiver<PaintTask>) {
    mpsc::sync_channel(QUEUE_MAX)
}

/// What the painter is made of.
pub struct PainterParts {
    pub keeper: SyncSender<Job>,
    pub bank: BankPost,
    pub privacy: Privacy,
    pub views: Arc<Views>,
    /// Counts the tasks it takes.
    pub steps: Steps,
}

/// Starts the thread; it ends when all senders are gone.
pub fn start(tasks: Receiver<PaintTask>, parts: PainterParts) -> io::Result<JoinHandle<()>> {
    let PainterParts { keeper, bank, privacy, views, steps } = parts;
    thread::Builder::new().name("painter".into()).spawn(move || {
        // Linux keeps niceness per thread; without it the painter merely competes.
        let _ = rustix::process::nice(NICENESS);
        let mut painter = Painter { asked: BTreeMap::new(), keeper, bank, privacy, views };
        for task in tasks {
            steps.another();
            painter.take(task);
        }
    })
}

struct Painter {
    /// Pictures that were asked for, by request.
    asked: BTreeMap<u64, Asked>,
    keeper: SyncSender<Job>,
    bank: BankPost,
    privacy: Privacy,
    views: Arc<Views>,
}

impl Painter {
    fn take(&mut self, task: PaintTask) {
        match task {
            PaintTask::Asked { request, job } => self.await_picture(request, Asked::Incident(job)),
            PaintTask::Reference { request, new } => {
                self.views.settled(&new);
                let NewReference { frame, facts, .. } = *new;
                self.await_picture(request, Asked::Reference(frame, facts));
            }
            PaintTask::Trouble { request, frame } => {
                self.await_picture(request, Asked::Trouble(frame));
            }
            PaintTask::TroubleOver { camera } => {
                forget_trouble(&mut self.asked, camera);
                self.views.trouble_over(camera);
            }
            PaintTask::Learned { camera, learned } => self.views.learned(camera, *learned),
            PaintTask::Masks { camera, masks } => {
                or_tell("what a mask covers", || self.views.masks(camera, masks));
            }
            PaintTask::KeepAgain { camera } => {
                or_tell("what is to be kept of a view", || self.views.keep_again(camera));
            }
            PaintTask::Arrived { request, picture } => self.arrived(request, picture),
        }
    }

    fn await_picture(&mut self, request: u64, job: Asked) {
        if self.asked.len() == ASKED_MAX
            && let Some((_request, Asked::Incident(given_up))) = self.asked.pop_first()
        {
            let incident = given_up.incident.0;
            tracing::warn!("incident {incident} has no picture: it never came");
        }
        self.asked.insert(request, job);
    }

    fn arrived(&mut self, request: u64, picture: Option<Picture>) {
        match (self.asked.remove(&request), picture) {
            (Some(Asked::Incident(job)), picture) => {
                let what = format!("incident {}", job.incident.0);
                if let Some(picture) = &picture {
                    self.bank.incident(&job, picture);
                }
                or_tell(&what, || keep(&job, picture, &self.keeper, self.privacy));
            }
            (Some(Asked::Reference(frame, facts)), Some(picture)) => {
                let frame = frame.shown_in(&picture);
                or_tell("a camera's view", || {
                    self.views.reference_picture(&frame, &facts, &picture.jpeg);
                });
            }
            (Some(Asked::Trouble(frame)), Some(picture)) => {
                let frame = frame.shown_in(&picture);
                or_tell("a camera's trouble", || {
                    self.views.trouble_picture(&frame, &picture.jpeg);
                });
            }
            (Some(Asked::Reference(..) | Asked::Trouble(_)), None) | (None, _) => {}
        }
    }
}

/// A picture that is still on its way would be of a trouble that is over.
fn forget_trouble(asked: &mut BTreeMap<u64, Asked>, camera: CameraIndex) {
    asked.retain(|_, asked| match asked {
        Asked::Trouble(frame) => frame.camera != camera,
        Asked::Incident(_) | Asked::Reference(..) => true,
    });
}

/// The pictures come from a process that is expected to misbehave: a panic over one costs that picture,
/// and the later ones are painted.
fn or_tell(what: &str, work: impl FnOnce()) {
    if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(
            "{what} has no picture: the painter panicked over it; what the panic says stands above"
        );
    }
}

fn keep(job: &EvidenceJob, picture: Option<Picture>, keeper: &SyncSender<Job>, privacy: Privacy) {
    fail::fail_point!("painter::paints");
    let incident = job.incident;
    let Some(picture) = picture else {
        tracing::warn!("incident {} has no picture: it was no longer kept", incident.0);
        return;
    };
    // Of another frame than was looked at nobody knows where people stand.
    let distances = (picture.frame == job.seen.frame).then(|| distance::measure(job)).flatten();
    match paint(job, &picture, distances.as_ref(), privacy) {
        Ok(pictures) => {
            if keeper.try_send(Job::Snapshot { incident, pictures, distances }).is_err() {
                tracing::warn!("the picture of incident {} is lost: the store is busy", incident.0);
            }
        }
        Err(error) => tracing::warn!("the picture of incident {} is broken: {error}", incident.0),
    }
}

/// The picture as it is kept.
#[derive(Debug)]
pub enum Pictures {
    /// Nobody is to be hidden.
    Clear(Vec<u8>),
    /// For everybody, and for whoever may see it clear.
    Both { hides: Hides, pixelated: Vec<u8>, clear: Vec<u8> },
}

fn paint(
    job: &EvidenceJob,
    picture: &Picture,
    distances: Option<&Distances>,
    privacy: Privacy,
) -> image::ImageResult<Pictures> {
    let mut canvas = image::load_from_memory(&picture.jpeg)?.into_rgb8();
    // Those of the frame's time, before anything is kept.
    let masks = job.seen.names.masks(job.seen.camera);
    mosaic::black_out(&mut canvas, masks);
    let Some(wanted) = Hides::of(privacy) else {
        return draw(job, picture, distances, canvas).map(Pictures::Clear);
    };
    let mut hidden = canvas.clone();
    // Of another frame than was looked at nobody knows where people are.
    let hides = if picture.frame == job.seen.frame {
        mosaic::cover(&mut hidden, &job.seen.covers, privacy, masks);
        wanted
    } else {
        mosaic::cover_all(&mut hidden, masks);
        Hides::Persons
    };
    Ok(Pictures::Both {
        hides,
        pixelated: draw(job, picture, distances, hidden)?,
        clear: draw(job, picture, distances, canvas)?,
    })
}

fn draw(
    job: &EvidenceJob,
    picture: &Picture,
    distances: Option<&Distances>,
    mut canvas: RgbImage,
) -> image::ImageResult<Vec<u8>> {
    for (number, zone) in job.names.live() {
        let of_camera = usize::from(zone.info.camera) == job.seen.camera;
        if of_camera && usize::from(number.0) != job.zone {
            outline(&mut canvas, &zone.polygons, ZONE, 1);
        }
    }
    if let Some(zone) = job.names.zones.get(job.zone) {
        outline(&mut canvas, &zone.polygons, EMERGENCY, 3);
    }
    // Boxes belong to one frame; drawn into another they would be false evidence.
    if picture.frame == job.seen.frame {
        for person in &job.seen.people {
            draw_person(&mut canvas, person);
        }
        if let Some(distances) = distances {
            write_distances(&mut canvas, &job.seen.people, distances);
        }
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&canvas)?;
    Ok(jpeg)
}

fn outline(canvas: &mut RgbImage, polygons: &[Vec<Vec<[f64; 2]>>], color: Rgb<u8>, width: i32) {
    for ring in polygons.iter().flatten() {
        for side in ring.windows(2) {
            let [from, to] = [side[0], side[1]].map(|point| pixel(canvas, point));
            for shift in offsets(width) {
                let shifted = |p: (f32, f32), dx: f32, dy: f32| (p.0 + dx, p.1 + dy);
                draw_line_segment_mut(
                    canvas,
                    shifted(from, shift, 0.0),
                    shifted(to, shift, 0.0),
                    color,
                );
                draw_line_segment_mut(
                    canvas,
                    shifted(from, 0.0, shift),
                    shifted(to, 0.0, shift),
                    color,
                );
            }
        }
    }
}

fn offsets(width: i32) -> impl Iterator<Item = f32> {
    (-(width / 2)..=width / 2).map(|offset| offset as f32)
}

fn draw_person(canvas: &mut RgbImage, person: &Person) {
    let inside = !person.inside.is_empty();
    let color = if inside { EMERGENCY } else { PERSON };
    let [left, top, width, height] = person.bounds_norm;
    let from = pixel(canvas, [left, top]);
    let to = pixel(canvas, [left + width, top + height]);
    for inset in 0..2 {
        let size = |from: f32, to: f32| (to - from) as i32 - 2 * inset;
        let (width_px, height_px) = (size(from.0, to.0), size(from.1, to.1));
        if let (Ok(width @ 1..), Ok(height @ 1..)) =
            (u32::try_from(width_px), u32::try_from(height_px))
        {
            let rect =
                Rect::at(from.0 as i32 + inset, from.1 as i32 + inset).of_size(width, height);
            draw_hollow_rect_mut(canvas, rect, color);
        }
    }
    let foot = pixel(canvas, person.foot_norm);
    draw_filled_circle_mut(canvas, (foot.0 as i32, foot.1 as i32), 4, color);
}

/// Beside each person; whoever raised the incident has the first choice of room.
fn write_distances(canvas: &mut RgbImage, people: &[Person], distances: &Distances) {
    let spots: Vec<Spot> = people.iter().map(|person| spot(canvas, person)).collect();
    let mut about: Vec<_> = people.iter().zip(&spots).zip(&distances.people).collect();
    about.sort_by_key(|(_, distance)| distance.edge.is_none());
    let label = |((person, spot), distance): ((&Person, &Spot), &PersonDistance)| Label {
        of: *spot,
        lines: words(distance),
        color: if person.inside.is_empty() { ZONE } else { EMERGENCY },
    };
    let labels: Vec<Label> = about.into_iter().map(label).collect();
    label::write(canvas, &labels, &spots);
}

fn spot(canvas: &RgbImage, person: &Person) -> Spot {
    let [left, top, width, height] = person.bounds_norm;
    let from = pixel(canvas, [left, top]);
    let to = pixel(canvas, [left + width, top + height]);
    let (left, top) = (from.0 as i32, from.1 as i32);
    Spot { left, top, width: to.0 as i32 - left, height: to.1 as i32 - top }
}

/// `12.4 m` from the camera, `0.6 m inside`; nothing of what is not known.
fn words(distance: &PersonDistance) -> Vec<String> {
    let edge = distance.edge.map(|edge| {
        let side = match edge.side {
            Side::Inside => "inside",
            Side::Outside => "outside",
            Side::Line => "from line",
        };
        format!("{:.1} m {side}", edge.metres)
    });
    distance.camera_m.map(|metres| format!("{metres:.1} m")).into_iter().chain(edge).collect()
}

/// Frame fractions to pixels of the canvas, which may be smaller than the source picture. Clamped a
/// little beyond the edge, so that no coordinate of a detector can make drawing endless.
fn pixel(canvas: &RgbImage, point: [f64; 2]) -> (f32, f32) {
    let place = |fraction: f64, size: u32| (fraction.clamp(-0.1, 1.1) * f64::from(size)) as f32;
    (place(point[0], canvas.width()), place(point[1], canvas.height()))
}

#[cfg(test)]
mod tests;
