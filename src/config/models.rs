//! `[models]`: where packages are carried to the box, and how long a picture may take a model.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::Place;
use super::notify::CERTIFICATES;

/// Where systems mount sticks.
const CARRIED_DEFAULT: [&str; 2] = ["/media", "/run/media"];

/// Folders that may be named.
const CARRIED_MAX: usize = 8;

/// What a picture may take, milliseconds: one in a hundred may take longer. The default is the time
/// between two pictures of one camera at six a second, with a little to spare.
const BUDGET_MS: Range<u32> = 1..2_001;
const BUDGET_MS_DEFAULT: u32 = 150;

/// What a candidate must show before anybody may approve it, percent of true incidents missed.
const MISS_PERCENT: Range<u32> = 1..21;
const MISS_PERCENT_DEFAULT: u32 = 1;

/// How models come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// Looked through for packages, with the folders in them.
    pub carried: Vec<PathBuf>,
    /// Who signs the certificates of whom packages are fetched from; `None`: the well-known authorities.
    pub ca_file: Option<PathBuf>,
    /// The 99th percentile of a picture's inference.
    pub latency_budget: Duration,
    /// A candidate must show that it misses a smaller share of true incidents, percent.
    pub miss_max_percent: u32,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedModels {
    carried: Option<Vec<Spanned<String>>>,
    ca_file: Option<Spanned<String>>,
    latency_budget_ms: Option<Spanned<i64>>,
    miss_max_percent: Option<Spanned<i64>>,
}

impl Place<'_> {
    pub(super) fn models(&self, from: &UnvalidatedModels) -> Result<Models, ConfigError> {
        let budget = from.latency_budget_ms.as_ref();
        let budget_ms = self
            .told(self.whole("models.latency_budget_ms", budget, BUDGET_MS), None)
            .unwrap_or(BUDGET_MS_DEFAULT);
        let miss = from.miss_max_percent.as_ref();
        let miss = self.told(self.whole("models.miss_max_percent", miss, MISS_PERCENT), None);
        let miss = miss.unwrap_or(MISS_PERCENT_DEFAULT);
        let mut carried = Vec::new();
        match &from.carried {
            None => carried.extend(CARRIED_DEFAULT.map(PathBuf::from)),
            Some(written) => {
                for (at, folder) in written.iter().enumerate() {
                    let key = format!("models.carried[{at}]");
                    if at >= CARRIED_MAX {
                        let right = format!("at most {CARRIED_MAX} folders may be named");
                        return Err(self.wrong(&key, folder, &right));
                    }
                    carried.extend(self.noted(self.path_of(&key, folder)));
                }
            }
        }
        let ca_file = from.ca_file.as_ref();
        let ca_file = ca_file.map(|file| self.file("models.ca_file", file, CERTIFICATES));
        Ok(Models {
            carried,
            ca_file: self.noted(ca_file.transpose()).flatten(),
            latency_budget: Duration::from_millis(u64::from(budget_ms)),
            miss_max_percent: miss,
        })
    }
}
