//! The name of a file in a package: a path that leads nowhere but into the package, on every disk.
//!
//! Plain ASCII, so that no disk folds two names into one that are two here, other than by case.

use super::refusal::{Refusal, shown};

/// Longest name, bytes; a tar's header holds no more than 255 with luck in where the folders end.
pub const NAME_BYTES_MAX: usize = 200;

/// A file's place inside a package: `golden/walkway-1.jpg`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

impl PackagePath {
    /// # Errors
    /// It leads elsewhere, or has bytes that have no business in a name.
    pub fn parse(name: &[u8]) -> Result<PackagePath, Refusal> {
        let proper = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
        if name.contains(&b'\\') || !name.split(|byte| *byte == b'/').all(proper) {
            return Err(Refusal::PathTraversal { name: shown(name) });
        }
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._/-".contains(byte);
        match std::str::from_utf8(name) {
            Ok(text) if name.len() <= NAME_BYTES_MAX && name.iter().all(plain) => {
                Ok(PackagePath(text.to_owned()))
            }
            Ok(_) | Err(_) => Err(Refusal::malformed(
                shown(name),
                format!(
                    "names have at most {NAME_BYTES_MAX} bytes of the letters A to Z and a to z, \
                     digits and . _ / -"
                ),
            )),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for all names that are one file where upper and lower case are one.
    pub(super) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_leads_out_of_the_package_or_could_be_read_as_leading_out_is_refused() {
        for name in [
            "/etc/passwd",
            "..",
            "../model.onnx",
            "golden/../../model.onnx",
            "golden/..",
            "./model.onnx",
            "golden//a.jpg",
            "golden/",
            "",
            "..\\model.onnx",
            "C:\\model.onnx",
        ] {
            let refused = PackagePath::parse(name.as_bytes());
            assert!(matches!(refused, Err(Refusal::PathTraversal { .. })), "{name}: {refused:?}");
        }
    }

    #[test]
    fn names_are_plain_and_of_bounded_length() {
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for name in ["C:model", "modèle.onnx", "a b", "a\0b", "a\nb", "-\x1b[2J", &long] {
            let refused = PackagePath::parse(name.as_bytes());
            assert!(matches!(refused, Err(Refusal::Malformed { .. })), "{name:?}: {refused:?}");
        }
        assert!(PackagePath::parse(b"a\xff").is_err());
        for name in ["model.onnx", "golden/walkway-1.jpg", "a..b", ".hidden", "-x", &long[1..]] {
            assert_eq!(PackagePath::parse(name.as_bytes()).expect("fine").as_str(), name);
        }
    }
}
