//! Pictures of cases that the active model did not tell: of the picture in which the shadow model's evidence
//! was complete, as everybody may see it.
//!
//! The active process keeps its newest pictures for a second or so. When the shadow model comes later than
//! that, the nearest one is taken, of which nobody knows where people are: it is a mosaic all over.

use std::collections::{BTreeMap, VecDeque};

use image::codecs::jpeg::JpegEncoder;

use super::incidents::Incident;
use super::post::ClearPicture;
use super::session::Session;
use crate::config::Privacy;
use crate::guard::privacy::covers::Cover;
use crate::guard::privacy::mosaic;
use crate::guard::worker::WorkerPost;
use crate::link::{Picture, ToWorker, YIELDS_FROM};
use crate::store::pictures::Hides;
use crate::store::shadow::RunSide;

/// Requests from here on, and as many, are ours: the alarm path counts its own from 1, and the example
/// bank's come after these.
const OURS: u64 = YIELDS_FROM;

/// Pictures asked for and not yet delivered; older ones are given up.
const ASKED_MAX: usize = 16;

/// JPEG quality, as of evidence pictures.
const QUALITY: u8 = 85;

/// Whether a picture, or a clip, was asked for here.
pub fn is_ours(request: u64) -> bool {
    (OURS..2 * OURS).contains(&request)
}

/// What was asked for.
pub(super) struct Asked {
    pub key: (u64, RunSide, u64),
    camera: usize,
    frame: u64,
    covers: Vec<Cover>,
}

/// The pictures that are on their way.
pub(super) struct Album {
    post: WorkerPost,
    privacy: Privacy,
    asked: BTreeMap<u64, Asked>,
    /// As they came, the newest, for whoever learns from a disagreement some seconds later.
    clear: VecDeque<((u64, RunSide, u64), ClearPicture)>,
    requests: u64,
}

/// A picture to be kept.
pub(super) struct Painted {
    pub key: (u64, RunSide, u64),
    pub hides: Option<Hides>,
    pub jpeg: Vec<u8>,
}

impl Album {
    pub fn new(post: WorkerPost, privacy: Privacy) -> Album {
        Album { post, privacy, asked: BTreeMap::new(), clear: VecDeque::new(), requests: OURS }
    }

    pub fn ask(&mut self, session: &Session, incident: &Incident) {
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_first();
        }
        self.requests += 1;
        let (side, number) = session.key(incident);
        let asked = Asked {
            key: (session.run, side, number),
            camera: usize::from(incident.camera.0),
            frame: incident.frame,
            covers: session.incidents.covers(incident),
        };
        self.asked.insert(self.requests, asked);
        self.post.post(ToWorker::TakeSnapshot {
            request: self.requests,
            camera: incident.camera.0,
            frame: incident.frame,
        });
    }

    /// The picture of this incident as it came, once.
    pub fn take_clear(&mut self, key: (u64, RunSide, u64)) -> Option<ClearPicture> {
        let at = self.clear.iter().position(|(it, _)| *it == key)?;
        self.clear.remove(at).map(|(_, picture)| picture)
    }

    /// The picture as it is kept; `None` where there is none.
    pub fn arrived(
        &mut self,
        session: &Session,
        request: u64,
        picture: Option<Picture>,
    ) -> Option<Painted> {
        let asked = self.asked.remove(&request)?;
        let picture = picture?;
        if picture.frame == asked.frame {
            let (jpeg, covers) = (picture.jpeg.clone(), asked.covers.clone());
            self.clear.truncate(ASKED_MAX - 1);
            self.clear.push_front((asked.key, ClearPicture { jpeg, covers }));
        }
        let mut canvas = image::load_from_memory(&picture.jpeg).ok()?.into_rgb8();
        let masks = session.names.masks(asked.camera);
        let hides = match Hides::of(self.privacy) {
            None => {
                mosaic::black_out(&mut canvas, masks);
                None
            }
            Some(_) if picture.frame != asked.frame => {
                mosaic::cover_all(&mut canvas, masks);
                Some(Hides::Persons)
            }
            Some(wanted) => {
                mosaic::cover(&mut canvas, &asked.covers, self.privacy, masks);
                Some(wanted)
            }
        };
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&canvas).ok()?;
        Some(Painted { key: asked.key, hides, jpeg })
    }
}
