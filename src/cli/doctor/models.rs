//! Which model will guard when the box starts, and whether what is known of models is whole.

use super::Finding;
use crate::config::Config;
use crate::model_store::FOLDER;
use crate::model_store::blobs::what_is_wrong;
use crate::model_store::check::check;
use crate::model_store::files::Disk;
use crate::model_store::ledger_file::Both;
use crate::rollout::slot::Slot;

/// Reads all of it; changes nothing.
pub fn guarding(config: &Config) -> Finding {
    let disk = Disk::existing(config.store.path.join(FOLDER));
    let both = Both::read(&disk);
    let Some((ledger, _)) = both.best() else {
        return match both.are_absent() {
            true => Finding::Ok("the one that came with the program".into()),
            false => Finding::Fail(
                "no ledger of models can be read: the model that came with the program guards; see \
                 `standclear check`"
                    .into(),
            ),
        };
    };
    let trial = ledger.trial().map(|trial| Slot::Blob(trial.slot));
    let first = trial.unwrap_or(ledger.committed());
    let text = match (first, trial) {
        (Slot::Shipped, _) => "the one that came with the program".to_owned(),
        (slot, Some(_)) => format!("{slot}, on trial; {} guards by right", ledger.committed()),
        (slot, None) => format!("{slot}, release {}", ledger.committed_release()),
    };
    if let Some((_, why)) = first.digest().and_then(|digest| what_is_wrong(&disk, digest)) {
        return Finding::Fail(format!(
            "{text}, and it is damaged ({why}): the next in the order guards; install it again"
        ));
    }
    let broken: Vec<String> = check(&config.store.path)
        .into_iter()
        .filter(|finding| !finding.broken.is_empty())
        .map(|finding| format!("not so: {} ({})", finding.holds, finding.broken.join("; ")))
        .collect();
    match broken.is_empty() {
        true => Finding::Ok(text),
        false => Finding::Warn(format!("{text}; {}", broken.join("; "))),
    }
}
