//! Short texts in a picture: light letters on a dark ground, beside whom they are about.
//!
//! Letters are five by seven dots, drawn here: a picture of 2026 must look the same in ten years, and
//! a font file is a megabyte for sixteen letters. A label never lies over anybody's head or over
//! another label; one that finds no room is left out.
//!
//! Not here: what is said.

use image::{Rgb, RgbImage};
use imageproc::drawing::draw_filled_rect_mut;
use imageproc::rect::Rect;

const PAPER: Rgb<u8> = Rgb([0x10, 0x14, 0x18]);
const LETTERS: Rgb<u8> = Rgb([0xff, 0xff, 0xff]);

/// Dots of a letter, and of its place.
const LETTER: (i32, i32) = (5, 7);
const PLACE: (i32, i32) = (6, 9);

/// A picture of so many rows has dots of one pixel more; below two nobody reads them.
const ROWS_A_DOT: u32 = 240;
const DOT_PX_MIN: i32 = 2;

/// Between a label and whom it is about, dots.
const GAP: i32 = 2;

/// The upper part of a box in which the head is, also of somebody who stoops.
const HEAD_SHARE: f64 = 0.35;

/// A place in the picture, pixels; also beyond its edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub left: i32,
    pub top: i32,
    pub width: i32,
    pub height: i32,
}

impl Spot {
    fn meets(&self, other: &Spot) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    fn is_within(&self, (width, height): (i32, i32)) -> bool {
        self.left >= 0
            && self.top >= 0
            && self.left + self.width <= width
            && self.top + self.height <= height
    }

    fn head(&self) -> Spot {
        Spot { height: (f64::from(self.height) * HEAD_SHARE).ceil() as i32, ..*self }
    }
}

/// What is to be said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// Their box.
    pub of: Spot,
    pub lines: Vec<String>,
    /// Around the label, and around whom it is about.
    pub color: Rgb<u8>,
}

/// Writes labels; the first ones have the first choice of room. `people`: all boxes.
pub(super) fn write(canvas: &mut RgbImage, labels: &[Label], people: &[Spot]) {
    let dot = dot_px(canvas.height());
    let size = (px(canvas.width()), px(canvas.height()));
    let heads: Vec<Spot> = people.iter().map(Spot::head).collect();
    let mut written = Vec::new();
    for label in labels {
        // Beside everybody where there is room, else over legs.
        let beside = |people: &[Spot]| place(label, dot, size, &[people, &written].concat());
        let Some(spot) = beside(people).or_else(|| beside(&heads)) else {
            continue;
        };
        written.push(spot);
        fill(canvas, spot, label.color);
        let margin = dot.div_euclid(2).max(1);
        let paper = Spot {
            left: spot.left + margin,
            top: spot.top + margin,
            width: spot.width - 2 * margin,
            height: spot.height - 2 * margin,
        };
        fill(canvas, paper, PAPER);
        for (line, top) in label.lines.iter().zip((spot.top + 2 * dot..).step_by(step(dot))) {
            text(canvas, line, (spot.left + 2 * dot, top), dot);
        }
    }
}

fn dot_px(rows: u32) -> i32 {
    px(rows / ROWS_A_DOT).max(DOT_PX_MIN)
}

fn step(dot: i32) -> usize {
    usize::try_from(PLACE.1 * dot).unwrap_or(1)
}

/// Where a label has room: below its person, right or left of their feet, or over their legs.
fn place(label: &Label, dot: i32, size: (i32, i32), taken: &[Spot]) -> Option<Spot> {
    let letters = label.lines.iter().map(|line| line.chars().count()).max()?;
    let letters = i32::try_from(letters).ok().filter(|letters| *letters > 0)?;
    let lines = i32::try_from(label.lines.len()).ok()?;
    let width = (letters * PLACE.0 + 3) * dot;
    let height = (lines * PLACE.1 + 2) * dot;
    let Spot { left, top, .. } = label.of;
    let (right, bottom) = (left + label.of.width, top + label.of.height);
    let middle = left + (label.of.width - width) / 2;
    let middle = middle.clamp(0, (size.0 - width).max(0));
    // A foot point is drawn on the lower edge, four pixels around.
    let gap = GAP * dot + 4;
    let choices = [
        (middle, bottom + gap),
        (right + gap, bottom - height),
        (left - gap - width, bottom - height),
        (middle, bottom - height - gap),
    ];
    let spots = choices.map(|(left, top)| Spot { left, top, width, height });
    let free = |spot: &&Spot| spot.is_within(size) && !taken.iter().any(|it| it.meets(spot));
    spots.iter().find(free).copied()
}

fn text(canvas: &mut RgbImage, line: &str, (left, top): (i32, i32), dot: i32) {
    for (letter, column) in line.chars().zip(0..) {
        for (row, bits) in (0..).zip(dots(letter)) {
            for at in (0..LETTER.0).filter(|at| bits >> (LETTER.0 - 1 - at) & 1 == 1) {
                let left = left + (column * PLACE.0 + at) * dot;
                let top = top + row * dot;
                fill(canvas, Spot { left, top, width: dot, height: dot }, LETTERS);
            }
        }
    }
}

fn fill(canvas: &mut RgbImage, spot: Spot, color: Rgb<u8>) {
    if let (Ok(width @ 1..), Ok(height @ 1..)) =
        (u32::try_from(spot.width), u32::try_from(spot.height))
    {
        draw_filled_rect_mut(canvas, Rect::at(spot.left, spot.top).of_size(width, height), color);
    }
}

fn px(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// Rows from above, five bits each, the left dot first. A letter that nobody has drawn is a full block:
/// it is seen, and says nothing false.
fn dots(letter: char) -> [u8; 7] {
    match letter {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        '3' => [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        '.' => [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
        ' ' => [0; 7],
        'd' => [0b00001, 0b00001, 0b01101, 0b10011, 0b10001, 0b10011, 0b01101],
        'e' => [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
        'f' => [0b00110, 0b01001, 0b01000, 0b11100, 0b01000, 0b01000, 0b01000],
        'i' => [0b00100, 0b00000, 0b01100, 0b00100, 0b00100, 0b00100, 0b01110],
        'l' => [0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        'm' => [0b00000, 0b00000, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101],
        'n' => [0b00000, 0b00000, 0b10110, 0b11001, 0b10001, 0b10001, 0b10001],
        'o' => [0b00000, 0b00000, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
        'r' => [0b00000, 0b00000, 0b10110, 0b11001, 0b10000, 0b10000, 0b10000],
        's' => [0b00000, 0b00000, 0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
        't' => [0b01000, 0b01000, 0b11100, 0b01000, 0b01000, 0b01001, 0b00110],
        'u' => [0b00000, 0b00000, 0b10001, 0b10001, 0b10001, 0b10011, 0b01101],
        _ => [0b11111; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (i32, i32) = (768, 576);
    const DOT: i32 = 3;

    fn label(left: i32, top: i32, width: i32, height: i32) -> Label {
        let of = Spot { left, top, width, height };
        Label { of, lines: vec!["12.4 m".into(), "0.6 m inside".into()], color: PAPER }
    }

    #[test]
    fn a_label_lies_below_whom_it_is_about_and_in_the_picture() {
        let spot = place(&label(300, 200, 60, 180), DOT, SIZE, &[]).expect("there is room");
        assert!(spot.top > 380 && spot.is_within(SIZE), "{spot:?}");
        assert_eq!(spot.left + spot.width / 2, 330, "in the middle");
    }

    #[test]
    fn at_the_edges_of_the_picture_it_stays_in_it() {
        for (left, top) in [(0, 396), (708, 396), (300, 396), (0, 10), (708, 10)] {
            let of = label(left, top, 60, 180);
            let spot = place(&of, DOT, SIZE, &[of.of.head()]).expect("there is room");
            assert!(spot.is_within(SIZE), "{spot:?}");
            assert!(!spot.meets(&of.of.head()), "{spot:?} over the head");
        }
    }

    #[test]
    fn no_label_lies_over_a_head_or_another_label() {
        let of = label(300, 200, 60, 180);
        // Somebody stands in front, their head right below these feet.
        let head = Spot { left: 290, top: 385, width: 80, height: 60 };
        let first = place(&of, DOT, SIZE, &[of.of.head(), head]).expect("there is room");
        assert!(!first.meets(&head) && !first.meets(&of.of.head()), "{first:?}");
        let second = place(&of, DOT, SIZE, &[of.of.head(), head, first]).expect("there is room");
        assert!(!second.meets(&first) && !second.meets(&head), "{second:?}");
        let everywhere = Spot { left: 0, top: 0, width: 768, height: 576 };
        assert_eq!(place(&of, DOT, SIZE, &[everywhere]), None, "no room, no label");
    }

    #[test]
    fn every_letter_that_is_ever_written_is_drawn_and_no_two_are_alike() {
        let letters: std::collections::BTreeSet<char> =
            "0123456789. m inside outside from line".chars().collect();
        let drawn: std::collections::BTreeSet<[u8; 7]> =
            letters.iter().map(|&letter| dots(letter)).collect();
        assert_eq!(drawn.len(), letters.len());
        assert!(!drawn.contains(&dots('§')));
    }
}
