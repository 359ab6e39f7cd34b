//! Marks: what a browser keeps of having signed somebody in.
//!
//! Whoever guesses at a name slows that name down for every browser that never held its password.
//! One that did shows a **mark**, and is counted by itself: so a stranger cannot keep a supervisor
//! out of the page that they use every day. A mark opens nothing; the password is asked all the
//! same.
//!
//! A mark is a random number and a hash over it and what the store keeps of the person's password
//! (which has 16 bytes of salt nobody else knows): nothing is kept of it, and a new password makes
//! it worthless.
//!
//! Not here: how tries are counted (`attempts`), and the cookie (`web::access`).

use sha2::{Digest, Sha256};

use super::secret::{self, NoRandom};
use crate::digest::hex;

/// People who share a browser; the mark made longest ago goes first.
const MARKS_MAX: usize = 8;

/// Hexadecimal digits of the random number, and of the hash.
const DIGITS: usize = 64;

/// Between two marks of a cookie.
const BETWEEN: char = '~';

/// The marks that a browser shows, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Vec<String>);

impl Marks {
    /// From a cookie's text. What is no mark is left out.
    pub fn parse(text: &str) -> Marks {
        let is_mark = |text: &&str| {
            text.len() == 2 * DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        Marks(text.split(BETWEEN).filter(is_mark).take(MARKS_MAX).map(str::to_owned).collect())
    }

    /// For the cookie.
    pub fn text(&self) -> String {
        self.0.join(&BETWEEN.to_string())
    }

    /// The mark that was made for the person of whose password the store keeps this.
    pub(super) fn of(&self, kept: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|mark| {
            let (number, hash) = mark.split_at(DIGITS);
            secret::same_text(hash, &hash_of(number, kept))
        })
    }

    /// These, and a mark of this person.
    pub(super) fn with(mut self, kept: &str) -> Result<Marks, NoRandom> {
        if self.of(kept).is_none() {
            let number = secret::secret()?;
            let hash = hash_of(&number, kept);
            self.0.insert(0, number + &hash);
            self.0.truncate(MARKS_MAX);
        }
        Ok(self)
    }
}

/// The number's length is fixed, so nobody can make another mark of one they have.
fn hash_of(number: &str, kept: &str) -> String {
    let key = Sha256::new().chain_update(b"standclear mark\0").chain_update(kept).finalize();
    hex(&Sha256::new().chain_update(key).chain_update(number).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_person_and_one_password() {
        let marks = Marks::default().with("of Eva").expect("random");
        assert!(marks.of("of Eva").is_some());
        assert_eq!(marks.of("of Eva, another"), None);
        assert_eq!(marks.clone().with("of Eva").expect("random"), marks, "one is enough");
        let both = marks.with("of Adam").expect("random");
        let shown = Marks::parse(&both.text());
        assert_eq!(shown, both);
        assert!(shown.of("of Eva").is_some() && shown.of("of Adam").is_some());
    }

    #[test]
    fn what_a_stranger_makes_up_is_no_mark_and_there_is_an_end_of_them() {
        let mut marks = Marks::default();
        for person in 0..20 {
            marks = marks.with(&format!("of {person}")).expect("random");
        }
        assert_eq!(Marks::parse(&marks.text()).0.len(), MARKS_MAX);
        assert!(marks.of("of 19").is_some() && marks.of("of 11").is_none());
        assert!(marks.text().len() < 1100, "a cookie is taken up to 4096 bytes");
        let mine = Marks::default().with("of Eva").expect("random").text();
        let changed = mine.replacen(&mine[..1], if mine.starts_with('0') { "1" } else { "0" }, 1);
        let (number, hash) = mine.split_at(DIGITS);
        let longer = format!("{number}80{hash}");
        for wrong in ["", "~", "é~", &changed, &longer, &"0".repeat(2 * DIGITS), number] {
            assert_eq!(Marks::parse(wrong).of("of Eva"), None, "{wrong}");
        }
    }
}
