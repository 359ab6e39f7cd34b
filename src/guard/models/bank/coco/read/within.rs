//! Parts of a label file that hold their bounds while they are read: what is too much is refused where
//! it begins, and what is passed over is never kept.

use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Said;
use crate::store::examples::SaidLabel;

/// A list with so many elements at most.
pub(super) struct AtMost<T, const MAX: usize>(pub Vec<T>);

struct List<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for AtMost<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(List::<T, MAX>(PhantomData)).map(AtMost)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            if all.len() == MAX {
                return Err(A::Error::custom(format!(
                    "more than {MAX} in one list; split the file"
                )));
            }
            all.push(one);
        }
        Ok(all)
    }
}

/// The label of a picture, as far as it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Said(Said),
    /// Something else stands there.
    NoLabel,
}

impl Default for Mark {
    fn default() -> Mark {
        Mark::Said(Said::ByBoxes)
    }
}

struct Label;

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Mark, D::Error> {
        from.deserialize_any(Label)
    }
}

impl<'de> Visitor<'de> for Label {
    type Value = Mark;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_unit<E: Error>(self) -> Result<Mark, E> {
        Ok(Mark::Said(Said::Nothing))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mark, E> {
        Ok(SaidLabel::parse(text).map_or(Mark::NoLabel, |label| Mark::Said(Said::Label(label))))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Mark, E> {
        Ok(Mark::NoLabel)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Mark, E> {
        Ok(Mark::NoLabel)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Mark, E> {
        Ok(Mark::NoLabel)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Mark, E> {
        Ok(Mark::NoLabel)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Mark, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Mark::NoLabel)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Mark, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Mark::NoLabel)
    }
}
