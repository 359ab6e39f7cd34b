//! The pictures: the yard of the sample footage with nobody in it, and people cut out of the same
//! footage put back where they stood. Each picture carries its number as a row of blocks.

use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

pub const WIDTH_PX: usize = 768;
pub const HEIGHT_PX: usize = 576;

/// Every so manieth picture of the footage goes into the empty yard.
const SAMPLE_EVERY: usize = 25;

/// People who stand alone and are seen well, no two at one place: picture of the footage, left, top,
/// width, height.
const PEOPLE: [(usize, [usize; 4]); 6] = [
    (434, [654, 268, 42, 95]),
    (79, [569, 188, 32, 95]),
    (784, [371, 265, 46, 105]),
    (669, [571, 269, 48, 107]),
    (734, [319, 196, 33, 82]),
    (9, [473, 165, 30, 78]),
];

/// The zone reaches so far around the feet: left and right, up, down.
const FEET_PX: (usize, usize, usize) = (10, 25, 12);

/// Cut out around a person, so that the edge of the cut is the yard's own ground.
const AROUND_PX: usize = 8;

/// The row of blocks: a white and a black one, then the number, highest bit first, then its parity.
const BLOCK_PX: usize = 24;
const NUMBER_BITS: usize = 13;
pub const NUMBERS: u64 = 1 << NUMBER_BITS;

/// Luminance of a black and a white block, and their colour.
const DARK: u8 = 30;
const BRIGHT: u8 = 225;
const GREY: u8 = 128;

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    Empty,
    /// One of `Yard::people`.
    Person(usize),
}

/// GeoJSON coordinates of a zone around the feet of everybody: only they decide, whatever else of the
/// yard a model takes for half a person.
pub fn zone() -> String {
    let (aside, above, below) = FEET_PX;
    let polygon = |[left, top, width, height]: [usize; 4]| {
        let x = |px: usize| px as f64 / WIDTH_PX as f64;
        let y = |px: usize| px as f64 / HEIGHT_PX as f64;
        let (west, east) = (x(left - aside), x(left + width + aside));
        let (north, south) = (y(top + height - above), y(top + height + below));
        format!(
            "[[[{west},{north}],[{east},{north}],[{east},{south}],[{west},{south}],[{west},{north}]]]"
        )
    };
    let polygons: Vec<String> = PEOPLE.iter().map(|(_, area)| polygon(*area)).collect();
    format!("[{}]", polygons.join(","))
}

/// Pictures in planes, as the encoder takes them (I420).
pub struct Yard {
    empty: Vec<u8>,
    people: Vec<Vec<u8>>,
}

impl Yard {
    /// Reads the footage once; the empty yard is the median of pictures all over it.
    pub fn from_footage(path: &Path) -> Yard {
        let mut samples = Vec::new();
        let mut with_people = vec![Vec::new(); PEOPLE.len()];
        for (index, picture) in pictures(path).into_iter().enumerate() {
            for (slot, (of, _)) in with_people.iter_mut().zip(PEOPLE) {
                if of == index {
                    slot.clone_from(&picture);
                }
            }
            if index.is_multiple_of(SAMPLE_EVERY) {
                samples.push(picture);
            }
        }
        let empty = median(&samples);
        let people = with_people.iter().zip(PEOPLE);
        let people = people.map(|(from, (_, area))| pasted(&empty, from, area)).collect();
        Yard { empty, people }
    }

    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// The picture of a scene with this number.
    pub fn picture(&self, scene: Scene, number: u64) -> Vec<u8> {
        let mut picture = match scene {
            Scene::Empty => self.empty.clone(),
            Scene::Person(who) => self.people[who].clone(),
        };
        for (block, bright) in blocks(number).into_iter().enumerate() {
            let luminance = if bright { BRIGHT } else { DARK };
            fill(&mut picture, block * BLOCK_PX, luminance);
        }
        picture
    }
}

/// The number a picture carries, wherever it was scaled to; `None` when it cannot be read.
pub fn number_in(picture: &image::GrayImage) -> Option<u64> {
    let (wide, high) = (picture.width() as usize, picture.height() as usize);
    let middle = |at: usize, of: usize, size: usize| (at * 2 + BLOCK_PX) * of / (2 * size);
    let y = middle(0, high, HEIGHT_PX) as u32;
    let read = |block: usize| {
        let x = middle(block * BLOCK_PX, wide, WIDTH_PX) as u32;
        picture.get_pixel(x, y).0[0] > 127
    };
    let bits: Vec<bool> = (0..NUMBER_BITS + 3).map(read).collect();
    let number = bits[2..2 + NUMBER_BITS].iter().fold(0, |n, &bit| n << 1 | u64::from(bit));
    (bits == blocks(number)).then_some(number)
}

fn blocks(number: u64) -> Vec<bool> {
    let bits = (0..NUMBER_BITS).rev().map(|bit| number >> bit & 1 == 1);
    let parity = (number % NUMBERS).count_ones() % 2 == 1;
    [true, false].into_iter().chain(bits).chain([parity]).collect()
}

fn fill(picture: &mut [u8], left: usize, luminance: u8) {
    for y in 0..BLOCK_PX {
        let row = y * WIDTH_PX + left;
        picture[row..row + BLOCK_PX].fill(luminance);
    }
    let (plane, half) = (WIDTH_PX * HEIGHT_PX, BLOCK_PX / 2);
    for colour in 0..2 {
        for y in 0..half {
            let row = plane + colour * plane / 4 + y * WIDTH_PX / 2 + left / 2;
            picture[row..row + half].fill(GREY);
        }
    }
}

/// `empty` with the area of `from` in its place.
fn pasted(empty: &[u8], from: &[u8], [left, top, width, height]: [usize; 4]) -> Vec<u8> {
    assert!(!from.is_empty(), "the footage is shorter than it was");
    let even = |n: usize| n / 2 * 2;
    let (left, right) = (even(left - AROUND_PX), even(left + width + AROUND_PX).min(WIDTH_PX));
    let (top, bottom) = (even(top - AROUND_PX), even(top + height + AROUND_PX).min(HEIGHT_PX));
    let mut picture = empty.to_vec();
    let mut copy = |start: usize, stride: usize, scale: usize| {
        for y in top / scale..bottom / scale {
            let row = start + y * stride;
            let span = row + left / scale..row + right / scale;
            picture[span.clone()].copy_from_slice(&from[span]);
        }
    };
    let plane = WIDTH_PX * HEIGHT_PX;
    copy(0, WIDTH_PX, 1);
    copy(plane, WIDTH_PX / 2, 2);
    copy(plane + plane / 4, WIDTH_PX / 2, 2);
    picture
}

fn median(samples: &[Vec<u8>]) -> Vec<u8> {
    let mut values = vec![0; samples.len()];
    (0..samples[0].len())
        .map(|at| {
            for (value, sample) in values.iter_mut().zip(samples) {
                *value = sample[at];
            }
            *values.select_nth_unstable(samples.len() / 2).1
        })
        .collect()
}

fn pictures(path: &Path) -> Vec<Vec<u8>> {
    gst::init().expect("GStreamer starts");
    let description = format!(
        "filesrc location={} ! decodebin ! videoconvert ! \
         video/x-raw,format=I420,width={WIDTH_PX},height={HEIGHT_PX} ! \
         appsink name=out sync=false max-buffers=4",
        path.display()
    );
    let pipeline = gst::parse::launch(&description).expect("the description is right");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
    let out = pipeline.by_name("out").and_then(|out| out.downcast::<gst_app::AppSink>().ok());
    let out = out.expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("the footage plays");
    let wanted = |index: usize| {
        index.is_multiple_of(SAMPLE_EVERY) || PEOPLE.iter().any(|(picture, _)| *picture == index)
    };
    let mut pictures = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        let buffer = sample.buffer().expect("a picture");
        let picture = match wanted(pictures.len()) {
            true => buffer.map_readable().expect("readable").as_slice().to_vec(),
            false => Vec::new(),
        };
        pictures.push(picture);
    }
    pipeline.set_state(gst::State::Null).expect("it stops");
    assert!(!pictures.is_empty(), "{} gives no pictures", path.display());
    pictures
}
