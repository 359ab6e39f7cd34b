//! What is to be claimed of a model, as arguments.

use crate::gate::Probability;
use crate::gate::claim::{Claim, Look};

/// What is to be shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ClaimArgs {
    /// The share of true incidents that the model must be shown to miss less than.
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = parse_share)]
    miss: Probability,
    /// With how much confidence.
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = parse_share)]
    confidence: Probability,
    /// Look once, at the first so many true incidents, as was planned before; without it, whenever
    /// one likes.
    #[arg(long, value_name = "INCIDENTS")]
    planned: Option<usize>,
}

impl ClaimArgs {
    pub fn claim(&self) -> Claim {
        let look = self.planned.map_or(Look::Any, |incidents| Look::Once { incidents });
        Claim { miss_rate: self.miss, confidence: self.confidence, look }
    }
}

fn parse_share(text: &str) -> Result<Probability, String> {
    let share = text.parse::<f64>().ok().and_then(Probability::new);
    share.ok_or_else(|| "a share between 0 and 1 is wanted, as in 0.01".to_owned())
}
