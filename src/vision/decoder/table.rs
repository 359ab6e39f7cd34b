//! An output as a table: a line for each place, and of it the columns that are wanted.
//!
//! Shapes come from the model and are not trusted; what is read lies in the tensor, or is NaN.

use super::super::package::Source;
use super::super::preprocess::InputGeometry;
use super::{DecodeError, RawOutput, Values};

/// Entries of a list that make sense: the longest seen are 8400.
const PLACES_MAX: usize = 65_536;

/// Wanted columns of an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    values: Values<'a>,
    places: usize,
    /// Numbers of one place in the output …
    line: usize,
    /// … and the first of those that are wanted.
    first: usize,
}

/// What is wanted of each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One number, alone in its output unless the manifest gives a column.
    Number,
    /// So many numbers, as a dimension of their own.
    Line(usize),
}

impl<'a> Table<'a> {
    /// Reads the columns a manifest names.
    pub(super) fn read(
        output: &impl Fn(&str) -> Option<RawOutput<'a>>,
        source: &Source,
        wanted: Wanted,
        geometry: InputGeometry,
    ) -> Result<Table<'a>, DecodeError> {
        let name = &source.output;
        let raw = output(name).ok_or_else(|| DecodeError::Missing { output: name.clone() })?;
        let first = source.column.unwrap_or_default() as usize;
        let table = |places: i64, line: i64| {
            let (places, line) = (usize::try_from(places).ok()?, usize::try_from(line).ok()?);
            let right = places <= PLACES_MAX && places.checked_mul(line)? == raw.values.len();
            right.then_some(Table { values: raw.values, places, line, first })
        };
        let found = match (raw.shape, wanted, source.column) {
            ([1, places], Wanted::Number, None) => table(*places, 1),
            ([1, places, line], Wanted::Line(width), None) => {
                table(*places, *line).filter(|table| table.line == width)
            }
            ([1, places, line], _, Some(_)) => {
                let end = first.saturating_add(wanted.width());
                table(*places, *line).filter(|table| end <= table.line)
            }
            _ => None,
        };
        let dimensions = match (wanted, source.column) {
            (Wanted::Number, None) => "[1, N]".to_owned(),
            (Wanted::Line(width), None) => format!("[1, N, {width}]"),
            (_, Some(_)) => format!("[1, N, {} or more]", first.saturating_add(wanted.width())),
        };
        found.ok_or_else(|| {
            let expected = format!("{dimensions}, N at most {PLACES_MAX}");
            shape(name, raw, expected, geometry)
        })
    }

    pub(super) fn places(self) -> usize {
        self.places
    }

    /// The wanted number `n` of a place.
    pub(super) fn at(self, place: usize, n: usize) -> f64 {
        self.values.at(place * self.line + self.first + n)
    }
}

impl Wanted {
    fn width(self) -> usize {
        match self {
            Wanted::Number => 1,
            Wanted::Line(width) => width,
        }
    }
}

/// That an output has not the shape it must have.
pub(super) fn shape(
    output: &str,
    raw: RawOutput<'_>,
    expected: String,
    geometry: InputGeometry,
) -> DecodeError {
    DecodeError::Shape {
        output: output.to_owned(),
        got: raw.shape.to_vec(),
        expected,
        width: geometry.tensor_width,
        height: geometry.tensor_height,
    }
}
