//! Slowing down whoever guesses: by name and by address, each in its own bounded table.
//!
//! A try counts as failed from its beginning until it is known to be right, so that many at once
//! are many tries. The delay doubles with every failure.
//!
//! However short a delay is, a machine that tries all the time takes every moment at which a name
//! is free. So a browser in which this person signed in before (`marks`) is counted by itself, and
//! waits for nobody else's guesses.
//!
//! Not here: whether a password is right; what the audit log says of it, but for how much.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::engine::time::Instant;

/// Names, and addresses, whose tries are remembered; the one that tried longest ago goes first.
const REMEMBERED_MAX: usize = 1024;

/// A table's row is forgotten after so long without a try.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// The first failures cost nothing: people mistype.
const FREE_OF_NAME: u32 = 4;

/// … and behind one address may be a whole site.
const FREE_OF_ADDRESS: u32 = 16;

/// The delay after the first failure that costs something; it doubles.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// Longest delay of a name. Short: a supervisor at a browser they never used must have a chance while
/// somebody guesses. At two tries a minute, a password of ten characters outlives the box.
const DELAY_OF_NAME_MAX: Duration = Duration::from_secs(30);

/// Longest delay of an address. Short too: behind one (a proxy's) may be everybody.
const DELAY_OF_ADDRESS_MAX: Duration = Duration::from_secs(60);

/// Successful sign-ins of one name in an hour: each is an entry of the audit log.
const SIGN_INS_PER_HOUR: u32 = 120;

/// Failed sign-ins that the audit log lists one by one in an hour; the rest is counted. 21 entries
/// an hour are 30 MB in a year of uninterrupted guessing.
const FAILURES_LISTED_PER_HOUR: u32 = 20;

const HOUR: Duration = Duration::from_secs(3600);

/// All tables.
#[derive(Debug, Default)]
pub struct Attempts {
    names: BTreeMap<String, Tally>,
    addresses: BTreeMap<String, Tally>,
    /// Of browsers that people signed in with before.
    known: BTreeMap<String, Tally>,
    signed_in: BTreeMap<String, Hour>,
    listing: Listing,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    failures: u32,
    /// No try before this.
    open_at: Instant,
    last_at: Instant,
}

/// How often a name signed in since.
#[derive(Clone, Copy, Debug)]
struct Hour {
    since: Instant,
    successes: u32,
}

/// Who tries.
#[derive(Clone, Copy, Debug)]
pub enum Trier<'a> {
    Stranger {
        name: &'a str,
        from: IpAddr,
    },
    /// From a browser, or a session, that had this person's password before.
    Known {
        name: &'a str,
        browser: &'a str,
    },
    /// Whoever gives a code that nobody can guess; only keeps one address from being busy with it.
    Code {
        from: IpAddr,
    },
}

/// How the failures of this hour are told.
#[derive(Clone, Copy, Debug, Default)]
struct Listing {
    since: Option<Instant>,
    listed: u32,
    unlisted: u32,
}

/// Whether the audit log gets an entry of its own for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Listed,
    Counted,
}

impl Attempts {
    /// Begins a try; `Err` is how long to wait before the next.
    pub fn begin(&mut self, who: Trier<'_>, now: Instant) -> Result<(), Duration> {
        let mut wait = who.name().map_or(Duration::ZERO, |name| self.crowded(name, now));
        for (table, key) in self.tallies(who) {
            let tally = table.rows(self).get(&key);
            wait = wait.max(tally.map_or(Duration::ZERO, |tally| tally.open_at.since(now)));
        }
        if wait > Duration::ZERO {
            return Err(wait);
        }
        for (table, key) in self.tallies(who) {
            count(table.rows_mut(self), &key, table, now);
        }
        Ok(())
    }

    /// The try was right: its name starts afresh. Its address gets only this try back, so that an
    /// account of one's own does not pay for guesses at another; and a known browser says nothing
    /// of the strangers who try the same name.
    pub fn succeeded(&mut self, who: Trier<'_>, now: Instant) {
        if let Some(name) = who.name() {
            self.signed_in.retain(|_name, hour| now.since(hour.since) < HOUR);
            // Only people that there are sign in, so this is as bounded as they are.
            let fresh = Hour { since: now, successes: 0 };
            self.signed_in.entry(name.to_owned()).or_insert(fresh).successes += 1;
        }
        for (table, key) in self.tallies(who) {
            if let Some(tally) = table.rows_mut(self).get_mut(&key) {
                tally.open_at = now;
                tally.failures = match table {
                    Table::Names | Table::Known => 0,
                    Table::Addresses => tally.failures.saturating_sub(1),
                };
            }
        }
    }

    /// How long a name that signs in all the time has to wait.
    fn crowded(&self, name: &str, now: Instant) -> Duration {
        match self.signed_in.get(name) {
            Some(hour) if hour.successes >= SIGN_INS_PER_HOUR => {
                HOUR.saturating_sub(now.since(hour.since))
            }
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Where a try is counted.
    fn tallies(&self, who: Trier<'_>) -> Vec<(Table, String)> {
        match who {
            Trier::Stranger { name, from } => {
                vec![(Table::Names, name.to_owned()), (Table::Addresses, address_key(from))]
            }
            Trier::Known { browser, .. } => vec![(Table::Known, browser.to_owned())],
            Trier::Code { from } => vec![(Table::Addresses, address_key(from))],
        }
    }

    /// How the audit log tells a failure.
    pub fn tell(&mut self, now: Instant) -> Told {
        self.listing.since.get_or_insert(now);
        if self.listing.listed < FAILURES_LISTED_PER_HOUR {
            self.listing.listed += 1;
            return Told::Listed;
        }
        self.listing.unlisted += 1;
        Told::Counted
    }

    /// Once an hour is over: how many failures it had that were not listed.
    pub fn unlisted(&mut self, now: Instant) -> Option<u32> {
        let since = self.listing.since?;
        if now.since(since) < HOUR {
            return None;
        }
        let unlisted = self.listing.unlisted;
        self.listing = Listing::default();
        (unlisted > 0).then_some(unlisted)
    }
}

impl<'a> Trier<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Trier::Stranger { name, .. } | Trier::Known { name, .. } => Some(name),
            Trier::Code { .. } => None,
        }
    }
}

/// By what tries are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Names,
    Addresses,
    Known,
}

impl Table {
    fn rows(self, all: &Attempts) -> &BTreeMap<String, Tally> {
        match self {
            Table::Names => &all.names,
            Table::Addresses => &all.addresses,
            Table::Known => &all.known,
        }
    }

    fn rows_mut(self, all: &mut Attempts) -> &mut BTreeMap<String, Tally> {
        match self {
            Table::Names => &mut all.names,
            Table::Addresses => &mut all.addresses,
            Table::Known => &mut all.known,
        }
    }

    /// Failures that cost nothing, and the longest delay.
    fn limits(self) -> (u32, Duration) {
        match self {
            Table::Names | Table::Known => (FREE_OF_NAME, DELAY_OF_NAME_MAX),
            Table::Addresses => (FREE_OF_ADDRESS, DELAY_OF_ADDRESS_MAX),
        }
    }
}

fn count(rows: &mut BTreeMap<String, Tally>, key: &str, table: Table, now: Instant) {
    let (free, delay_max) = table.limits();
    rows.retain(|_key, tally| now.since(tally.last_at) < FORGOTTEN_AFTER);
    if !rows.contains_key(key) && rows.len() >= REMEMBERED_MAX {
        let oldest = rows.iter().min_by_key(|(_key, tally)| tally.last_at);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            rows.remove(&oldest);
        }
    }
    let fresh = Tally { failures: 0, open_at: now, last_at: now };
    let tally = rows.entry(key.to_owned()).or_insert(fresh);
    tally.failures = tally.failures.saturating_add(1);
    tally.last_at = now;
    tally.open_at = match tally.failures.checked_sub(free + 1) {
        None => now,
        Some(doublings) => {
            now.after(FIRST_DELAY.saturating_mul(1 << doublings.min(20)).min(delay_max))
        }
    };
}

/// Whoever has an IPv6 address has 2^64 of them.
fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn after(seconds: u64) -> Instant {
        Instant::ZERO.after(Duration::from_secs(10_000 + seconds))
    }

    fn other(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, 100 + n])
    }

    fn stranger(name: &str, from: IpAddr) -> Trier<'_> {
        Trier::Stranger { name, from }
    }

    #[test]
    fn whoever_guesses_all_the_time_keeps_no_known_browser_out() {
        let mut attempts = Attempts::default();
        let eva = Trier::Known { name: "eva", browser: "hers" };
        let mut guesses = 0;
        for second in 0..600 {
            // The guesser is always a moment earlier, from everywhere, her own address too.
            for from in [HERE, other((second % 100) as u8)] {
                guesses += u32::from(attempts.begin(stranger("eva", from), after(second)).is_ok());
            }
            if second % 10 == 0 {
                attempts.begin(eva, after(second)).expect("nobody keeps her out");
                attempts.succeeded(eva, after(second));
            }
        }
        assert!(guesses <= 30, "{guesses}: her sign-ins buy no guesses");
        // Who stole the browser is slowed down like everybody.
        let tries = (0..600).filter(|second| attempts.begin(eva, after(1_000 + second)).is_ok());
        let tries = tries.count();
        assert!((20..=30).contains(&tries), "{tries} tries in ten minutes");
    }

    #[test]
    fn guessing_at_a_name_from_everywhere_gets_two_tries_a_minute() {
        let mut attempts = Attempts::default();
        let mut tries = 0;
        for second in 0..600 {
            let from = other((second % 100) as u8);
            if attempts.begin(stranger("eva", from), after(second)).is_ok() {
                tries += 1;
            }
        }
        assert!((20..=30).contains(&tries), "{tries} tries in ten minutes");
        let wait = attempts.begin(stranger("eva", HERE), after(600)).expect_err("too soon");
        assert!(wait <= DELAY_OF_NAME_MAX, "{wait:?}");
        assert!(
            attempts.begin(stranger("adam", HERE), after(600)).is_ok(),
            "others are not kept out"
        );
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down() {
        let mut attempts = Attempts::default();
        let tries = (0..600)
            .filter(|second| {
                attempts.begin(stranger(&format!("name {second}"), HERE), after(*second)).is_ok()
            })
            .count();
        assert!((16..=35).contains(&tries), "{tries} tries in ten minutes");
        assert!(attempts.begin(stranger("eva", other(1)), after(600)).is_ok());
    }

    #[test]
    fn who_is_right_starts_afresh_and_an_own_account_buys_no_guesses() {
        let mut attempts = Attempts::default();
        for _ in 0..FREE_OF_NAME {
            attempts.begin(stranger("eva", HERE), after(0)).expect("free");
        }
        attempts.begin(stranger("eva", HERE), after(0)).expect("the last free one");
        attempts.begin(stranger("eva", HERE), after(0)).expect_err("too soon");
        attempts.begin(stranger("eva", HERE), after(2)).expect("after a second");
        attempts.succeeded(stranger("eva", HERE), after(2));
        attempts.begin(stranger("eva", HERE), after(2)).expect("afresh");
        let mut guesses = 0;
        for second in 0..300 {
            if attempts.begin(stranger("mallory", HERE), after(10 + second)).is_ok() {
                attempts.succeeded(stranger("mallory", HERE), after(10 + second));
            }
            guesses += u32::from(attempts.begin(stranger("eva", HERE), after(10 + second)).is_ok());
        }
        assert!(guesses < 30, "{guesses}");
    }

    #[test]
    fn memory_is_bounded_and_so_is_what_the_audit_log_is_told() {
        let mut attempts = Attempts::default();
        let mut listed = 0;
        for n in 0..5_000_u32 {
            let [_, _, c, d] = n.to_be_bytes();
            let name = format!("name {n}");
            let _ = attempts.begin(stranger(&name, IpAddr::from([10, 0, c, d])), after(0));
            let _ = attempts.begin(Trier::Known { name: "eva", browser: &name }, after(0));
            listed += u32::from(attempts.tell(after(0)) == Told::Listed);
        }
        let rows = [attempts.names.len(), attempts.addresses.len(), attempts.known.len()];
        assert_eq!(rows, [REMEMBERED_MAX; 3]);
        assert_eq!(listed, FAILURES_LISTED_PER_HOUR);
        assert_eq!(attempts.unlisted(after(3599)), None);
        assert_eq!(attempts.unlisted(after(3600)), Some(5_000 - FAILURES_LISTED_PER_HOUR));
        assert_eq!(attempts.unlisted(after(3601)), None);
    }

    #[test]
    fn a_name_signs_in_so_often_an_hour_and_no_more() {
        let mut attempts = Attempts::default();
        for n in 0..SIGN_INS_PER_HOUR {
            attempts.begin(stranger("eva", HERE), after(u64::from(n))).expect("allowed");
            attempts.succeeded(stranger("eva", HERE), after(u64::from(n)));
        }
        attempts.begin(stranger("eva", HERE), after(200)).expect_err("enough for now");
        attempts.begin(stranger("eva", HERE), after(3_700)).expect("the next hour");
    }
}
