//! `standclear examples`: what the box keeps to learn from; taking it away to train elsewhere, bringing
//! labels back, and the score thresholds that follow from what people said.
//!
//! `list` and `thresholds` read beside a running box. `export` and `import` write into its audit log, so
//! the box must be stopped; it says so otherwise. A running box does both over its page.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::engine::zone::ENTER_SCORE;
use crate::gate::Probability;
use crate::guard::clerk::Clerk;
use crate::guard::handle::examples::{Examples, Imported, Proposal, Wish};
use crate::guard::models::bank::desk::{ExampleDesk, proposals, reader_beside};
use crate::store::Store;
use crate::store::examples::{KeptExample, SoughtExamples};

use super::output::to_stdout;

/// What stands in the audit log for whoever is at the box itself.
const CONSOLE: &str = "console";

/// See the module.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List the newest examples, and how many there are.
    List(ListArgs),
    /// Write all examples into a zip: COCO JSON and the pictures, clear. The box must be stopped.
    Export(FileArgs),
    /// Take labels over from COCO JSON, whole or not at all. The box must be stopped.
    Import(FileArgs),
    /// Score thresholds that the labelled incidents propose, per camera. Nothing is changed by it.
    Thresholds(ThresholdArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct FileArgs {
    /// The file; a new one where it is written.
    file: PathBuf,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct ThresholdArgs {
    /// Share of true incidents that may be lost.
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = share)]
    miss: Probability,
    /// How certain that is to be.
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = share)]
    confidence: Probability,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

fn share(text: &str) -> Result<Probability, String> {
    let share = text.parse().ok().and_then(Probability::new);
    share.ok_or_else(|| "a number above 0 and below 1 is right, such as 0.05".to_owned())
}

pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List(args) => list(args),
        Command::Export(args) => export(args),
        Command::Import(args) => import(args),
        Command::Thresholds(args) => thresholds(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = reader_beside(&config.store.path)?;
    let (count, bytes) = reader.examples_kept()?;
    let newest = SoughtExamples { limit: args.limit, ..SoughtExamples::default() };
    let rows = reader.examples(newest)?;
    to_stdout(|out| {
        rows.iter().try_for_each(|row| print_row(out, row))?;
        let (max, room) = (config.examples.examples_max, config.examples.bytes_max);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        writeln!(
            out,
            "{count} examples of {max} at most, {:.1} MB of {:.1}.",
            megabytes(bytes),
            megabytes(room)
        )
    })?;
    Ok(())
}

fn print_row(out: &mut dyn Write, row: &KeptExample) -> io::Result<()> {
    let it = &row.example;
    let zone = it.zone.as_ref().map_or("", |(_, name)| name.as_str());
    let label = row.label.as_ref().map_or("-", |label| label.label.as_str());
    writeln!(
        out,
        "{:>8}  {}  {:<12}  {:<6}  {}  {zone}  {}",
        it.id,
        it.at.strftime("%Y-%m-%d %H:%M:%SZ"),
        it.occasion.as_str(),
        label,
        it.camera,
        it.why
    )
}

fn export(args: &FileArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let desk = desk_of(&config)?;
    // One that is there stays as it is.
    let file = made_for_its_owner(&args.file)
        .map_err(|error| format!("{} could not be made: {error}", args.file.display()))?;
    let mut to = BufWriter::new(&file);
    let written = desk.export(&mut to, CONSOLE).map_err(Box::<dyn Error>::from);
    let synced = written.and_then(|()| Ok(to.flush().and_then(|()| file.sync_all())?));
    if let Err(error) = synced {
        // Half of it would look like all of it.
        let _ = std::fs::remove_file(&args.file);
        return Err(error);
    }
    let count = desk.bank_now()?.examples;
    to_stdout(|out| {
        writeln!(out, "{count} examples are in {}. Their pictures are clear.", args.file.display())
    })?;
    Ok(())
}

/// People can be recognised in what comes in: nobody else on this machine may read it.
fn made_for_its_owner(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn import(args: &FileArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let file = File::open(&args.file)
        .map_err(|error| format!("{} cannot be read: {error}", args.file.display()))?;
    let desk = desk_of(&config)?;
    let mut from: Box<dyn Read> = Box::new(BufReader::new(file));
    let done = desk.import(&mut *from, CONSOLE)?;
    let Imported { labels, unknown, changed } = done;
    to_stdout(|out| {
        writeln!(
            out,
            "{} pictures have labels now; {} are others than before. {} pictures of the file are not here.",
            labels, changed, unknown
        )
    })?;
    Ok(())
}

/// Over the store of a box that is stopped.
fn desk_of(config: &Config) -> Result<ExampleDesk, Box<dyn Error>> {
    let store = Store::open(&config.store.path)?;
    let reader = store.reader()?;
    Ok(ExampleDesk::of(config, reader, Clerk::over(store)?))
}

fn thresholds(args: &ThresholdArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = reader_beside(&config.store.path)?;
    let wish = Wish { miss_rate: args.miss, confidence: args.confidence };
    let proposals = proposals(&reader, wish)?;
    to_stdout(|out| {
        for camera in &config.cameras {
            let said = proposals.get(&camera.id).map_or_else(
                || "nobody has said of any incident whether somebody was there".to_owned(),
                |proposal| words(proposal, wish),
            );
            writeln!(out, "{}: now {ENTER_SCORE}; {said}", camera.id)?;
        }
        writeln!(out, "Proposed, and not applied.")
    })?;
    Ok(())
}

/// Without the machine's last digits: 99.5, not 99.50000000000001.
fn rounded(percent: f64) -> f64 {
    (percent * 1_000.0).round() / 1_000.0
}

fn words(proposal: &Proposal, wish: Wish) -> String {
    let percent = |share: f64| share * 100.0;
    match proposal {
        Proposal::Threshold(it) => format!(
            "{:.3} would have lost {} of {} true incidents ({:.1} % at most with {} %) and spared {} of \
             {} false ones",
            it.score.get(),
            it.lost.misses(),
            it.lost.of(),
            percent(it.lost_share.high),
            rounded(percent(wish.confidence.get())),
            it.spared,
            it.false_incidents
        ),
        Proposal::NotEnough { have, needed } => {
            let needed = needed.map_or_else(String::new, |it| format!(", {it} are needed"));
            format!(
                "not enough true incidents for less than {:.1} % lost: there are {have}{needed}",
                percent(wish.miss_rate.get())
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_people_can_be_recognised_in_is_for_its_owner_alone_and_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("examples.zip");
        let file = made_for_its_owner(&path).expect("made");
        assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        made_for_its_owner(&path).expect_err("it is there");
    }
}
