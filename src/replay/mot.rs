//! MOTChallenge text: `frame,id,left,top,width,height,score,-1,-1,-1`, frames from 1, pixels.
//!
//! Source: Leal-Taixé et al., "MOTChallenge 2015: Towards a Benchmark for Multi-Target Tracking".
//! In a truth file the seventh field says whether the row counts (1) or is to be left out on both
//! sides (0).

use std::fmt::Write as _;

use crate::engine::detection::PixelBox;

/// Longest truth file read, rows: a day of a crowded camera.
const ROWS_MAX: usize = 20_000_000;

/// A row of a truth file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthRow {
    /// Number of the picture, from 0.
    pub frame: u64,
    pub bounds: PixelBox,
    pub counts: Counts,
}

/// Whether a row of the truth is to be found, or to be left out on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    Yes,
    LeftOut,
}

/// A row that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MotError {
    #[error("line {line}: `{text}` is not `frame,id,left,top,width,height,score,…`; {problem}")]
    Row { line: usize, text: String, problem: String },
    #[error("more than {ROWS_MAX} rows")]
    TooLong,
}

/// Adds one row; `frame` from 0, `id` -1 where there is none.
pub fn push_row(text: &mut String, frame: u64, id: i64, bounds: PixelBox, score: f32) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{},{},{},{},{},{},{},-1,-1,-1",
        frame + 1,
        id,
        bounds.left(),
        bounds.top(),
        bounds.width(),
        bounds.height(),
        score
    );
}

/// Reads a truth file. Rows without a seventh field count.
pub fn parse_truth(text: &str) -> Result<Vec<TruthRow>, MotError> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if rows.len() == ROWS_MAX {
            return Err(MotError::TooLong);
        }
        rows.push(row(line).map_err(|problem| MotError::Row {
            line: index + 1,
            text: line.chars().take(80).collect(),
            problem,
        })?);
    }
    Ok(rows)
}

/// The id may be any text: who it is does not matter to a zone.
fn row(line: &str) -> Result<TruthRow, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [frame, _id, left, top, width, height, rest @ ..] = fields.as_slice() else {
        return Err(format!("{} fields are too few, 6 are needed", fields.len()));
    };
    let frame = number(frame)?;
    if !(frame >= 1.0 && frame.fract() == 0.0 && frame < 1e15) {
        return Err(format!("frame {frame} must be a whole number from 1"));
    }
    let bounds = PixelBox::new(number(left)?, number(top)?, number(width)?, number(height)?)
        .ok_or_else(|| "width and height must be positive".to_owned())?;
    let counts = match rest.first().map(|field| number(field)).transpose()? {
        Some(0.0) => Counts::LeftOut,
        Some(_) | None => Counts::Yes,
    };
    Ok(TruthRow { frame: frame as u64 - 1, bounds, counts })
}

fn number(field: &str) -> Result<f64, String> {
    field.parse().map_err(|_| format!("`{field}` is not a number"))
}
