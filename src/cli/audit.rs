//! `standclear audit`: the audit log of a box that runs or is stopped, read and checked.
//!
//! `verify` finds entries that were changed, removed, moved or put in. A log that was written anew
//! as a whole looks whole by itself: compare with a head noted earlier, in another place
//! (`--head`).

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use serde_json::json;

use crate::config::Config;
use crate::digest::hex;
use crate::store::audit::{AuditReader, AuditRow, Broken, Checked, Hash};

/// See the module.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Check that no entry was changed, removed, moved or put in.
    Verify(VerifyArgs),
    /// Print every entry, oldest first, and check the log on the way.
    Export(ExportArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// A head that was noted earlier: the log must still contain it.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    head: Option<Hash>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// One JSON object a line (the default).
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values, RFC 4180.
    #[arg(long)]
    csv: bool,
}

/// What is wrong with the log.
#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("the audit log is not what was written")]
    Broken(#[source] Broken),
    #[error(
        "the audit log does not contain the head {head}: it was written anew, or cut off and continued, since that was noted"
    )]
    HeadGone { head: String },
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Csv,
}

pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Verify(args) => verify(args),
        Command::Export(args) => export(args),
    }
}

fn verify(args: &VerifyArgs) -> Result<(), Box<dyn Error>> {
    let reader = AuditReader::of_store(&Config::load(&args.config)?.store.path)?;
    let checked = reader.check(Checked::default(), |_row| {})?.map_err(AuditError::Broken)?;
    if let Some(head) = &args.head
        && !reader.has(head)?
    {
        return Err(AuditError::HeadGone { head: hex(head) }.into());
    }
    let contains = if args.head.is_some() { "; it contains the head given" } else { "" };
    let mut out = io::stdout().lock();
    writeln!(out, "The audit log is whole: {}{contains}.", entries(checked))?;
    writeln!(out, "Head:  {}", hex(&checked.head))?;
    writeln!(out, "Note the head in another place, and compare later with --head.")?;
    Ok(())
}

fn export(args: &ExportArgs) -> Result<(), Box<dyn Error>> {
    let reader = AuditReader::of_store(&Config::load(&args.config)?.store.path)?;
    let format = if args.csv { Format::Csv } else { Format::Json };
    let mut out = BufWriter::new(io::stdout().lock());
    if let Format::Csv = format {
        write!(out, "number,at,by,action,subject,detail,previous,hash\r\n")?;
    }
    let mut written = Ok(());
    let checked = reader.check(Checked::default(), |row| {
        if written.is_ok() {
            written = print(&mut out, format, row);
        }
    })?;
    written?;
    out.flush()?;
    // What could be printed is printed; that it is not whole is still an error.
    let checked = checked.map_err(AuditError::Broken)?;
    let mut told = io::stderr().lock();
    let _ = writeln!(told, "{}, head {}", entries(checked), hex(&checked.head));
    Ok(())
}

fn print(out: &mut impl Write, format: Format, row: &AuditRow) -> io::Result<()> {
    let AuditRow { number, entry, previous, hash } = row;
    match format {
        Format::Json => {
            let line = json!({
                "number": number, "at": entry.at.to_string(), "by": entry.by,
                "action": entry.action, "subject": entry.subject, "detail": entry.detail,
                "previous": hex(previous), "hash": hex(hash),
            });
            writeln!(out, "{line}")
        }
        Format::Csv => {
            let at = entry.at.to_string();
            let texts = [&at, &entry.by, &entry.action, &entry.subject, &entry.detail];
            let texts: Vec<String> = texts.into_iter().map(|text| quoted(text)).collect();
            write!(out, "{number},{},{},{}\r\n", texts.join(","), hex(previous), hex(hash))
        }
    }
}

fn entries(checked: Checked) -> String {
    match checked.entries {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

/// RFC 4180; and a text that a spreadsheet would calculate is kept from that by an apostrophe.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn parse_hash(text: &str) -> Result<Hash, String> {
    let digits = text.trim();
    let byte = |place: usize| {
        let pair = digits.get(2 * place..2 * place + 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let mut hash: Hash = [0; 32];
    for (place, slot) in hash.iter_mut().enumerate() {
        *slot = byte(place).ok_or("it must be the 64 hexadecimal digits that verify prints")?;
    }
    if digits.len() != 2 * hash.len() {
        return Err("it must be the 64 hexadecimal digits that verify prints".into());
    }
    Ok(hash)
}
