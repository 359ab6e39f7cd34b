//! Scores as they come, and the shares of certainty they stand for.

use crate::engine::detection::Score;

use super::super::package::ShareKind;
use super::DecodeError;

/// A share past 0 or 1 by no more than this is one that was rounded: a quantised model returns whole
/// multiples of a step, and 255 times the float nearest to 1/255 is a little more than 1.
const ROUNDING: f64 = 1e-3;

/// The share that one number stands for, 0..=1.
pub(super) fn share(
    kind: ShareKind,
    value: f64,
    output: &str,
    place: usize,
) -> Result<f64, DecodeError> {
    if !value.is_finite() {
        return Err(DecodeError::NonFiniteScore { output: output.to_owned(), place });
    }
    let share = match kind {
        ShareKind::Shares => value,
        ShareKind::Logits => 1.0 / (1.0 + (-value).exp()),
    };
    match (-ROUNDING..=1.0 + ROUNDING).contains(&share) {
        true => Ok(share.clamp(0.0, 1.0)),
        false => {
            Err(DecodeError::ScoreOutOfRange { output: output.to_owned(), place, score: share })
        }
    }
}

/// The share of one of several numbers in their softmax.
pub(super) fn softmax(
    values: impl Iterator<Item = f64> + Clone,
    wanted: usize,
    output: &str,
    place: usize,
) -> Result<f64, DecodeError> {
    let highest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut of_wanted) = (0.0, f64::NAN);
    for (n, value) in values.enumerate() {
        // A value that is not finite gives a sum that is not, or takes the others' part: found here.
        if !value.is_finite() {
            return Err(DecodeError::NonFiniteScore { output: output.to_owned(), place });
        }
        let weight = (value - highest).exp();
        sum += weight;
        if n == wanted {
            of_wanted = weight;
        }
    }
    share(ShareKind::Shares, of_wanted / sum, output, place)
}

/// `None` when a share is too low to be looked at.
pub(super) fn candidate(share: f64, candidate: f32) -> Option<Score> {
    // As f32, in which the manifest's limit is.
    Score::new(share as f32).filter(|score| score.get() >= candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softmax_of(values: &[f64], wanted: usize) -> Result<f64, DecodeError> {
        softmax(values.iter().copied(), wanted, "scores", 7)
    }

    #[test]
    fn logits_and_softmax_become_shares() {
        let of = |kind, value| share(kind, value, "scores", 7);
        assert_eq!(of(ShareKind::Shares, 0.25), Ok(0.25));
        assert_eq!(of(ShareKind::Logits, 0.0), Ok(0.5));
        assert!(of(ShareKind::Logits, 3.0).is_ok_and(|share| (share - 0.952_574).abs() < 1e-6));
        assert_eq!(of(ShareKind::Logits, -1e30), Ok(0.0));
        // Three to one.
        let odds = [3.0_f64.ln(), 0.0];
        assert!(softmax_of(&odds, 0).is_ok_and(|share| (share - 0.75).abs() < 1e-12));
        assert!(softmax_of(&odds, 1).is_ok_and(|share| (share - 0.25).abs() < 1e-12));
        // Neither too large nor too small for an exponential.
        assert_eq!(softmax_of(&[1e30, -1e30], 0), Ok(1.0));
    }

    #[test]
    fn what_is_no_score_is_an_error_and_what_was_rounded_is_none() {
        let of = |value| share(ShareKind::Shares, value, "scores", 7);
        assert_eq!(of(f64::from(255.0_f32 * 0.003_921_57)), Ok(1.0));
        assert_eq!(of(-1e-4), Ok(0.0));
        for bad in [1.5, -0.5, 1e30] {
            assert!(matches!(of(bad), Err(DecodeError::ScoreOutOfRange { place: 7, .. })));
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for kind in [ShareKind::Shares, ShareKind::Logits] {
                assert!(matches!(
                    share(kind, bad, "scores", 7),
                    Err(DecodeError::NonFiniteScore { place: 7, .. })
                ));
            }
            for values in [[bad, 0.0], [0.0, bad]] {
                assert!(matches!(
                    softmax_of(&values, 0),
                    Err(DecodeError::NonFiniteScore { place: 7, .. })
                ));
            }
        }
        // The class is not there.
        assert!(softmax_of(&[0.0, 0.0], 2).is_err());
    }

    #[test]
    fn a_share_at_the_limit_is_looked_at() {
        assert_eq!(candidate(f64::from(0.1_f32), 0.1).map(Score::get), Some(0.1));
        assert_eq!(candidate(0.099, 0.1), None);
    }
}
