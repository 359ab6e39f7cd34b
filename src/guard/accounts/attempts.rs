//! Slowing down whoever guesses: by name and by address, each in its own bounded table.
//!
//! A try counts as failed from its beginning until it is known to be right, so that many at once
//! are many tries. The delay doubles with every failure, and is short enough that a stranger who
//! guesses at a supervisor's name cannot keep the supervisor out for long.
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

/// Longest delay of a name. Short: a supervisor must be able to come in while somebody guesses. At
/// two tries a minute, a password of ten characters outlives the box.
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
    listing: Listing,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    failures: u32,
    /// No try before this.
    open_at: Instant,
    last_at: Instant,
    /// Successes since `hour`.
    successes: u32,
    hour: Instant,
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
    pub fn begin(&mut self, name: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = address_key(from);
        let mut wait = Duration::ZERO;
        for tally in [self.names.get(name), self.addresses.get(&address)].into_iter().flatten() {
            wait = wait.max(tally.open_at.since(now));
            if tally.successes >= SIGN_INS_PER_HOUR {
                wait = wait.max(HOUR.saturating_sub(now.since(tally.hour)));
            }
        }
        if wait > Duration::ZERO {
            return Err(wait);
        }
        count(&mut self.names, name, FREE_OF_NAME, DELAY_OF_NAME_MAX, now);
        count(&mut self.addresses, &address, FREE_OF_ADDRESS, DELAY_OF_ADDRESS_MAX, now);
        Ok(())
    }

    /// The try was right: its name starts afresh. Its address gets only this try back, so that an
    /// account of one's own does not pay for guesses at another.
    pub fn succeeded(&mut self, name: &str, from: IpAddr, now: Instant) {
        if let Some(tally) = self.names.get_mut(name) {
            if now.since(tally.hour) >= HOUR {
                (tally.hour, tally.successes) = (now, 0);
            }
            tally.successes += 1;
            tally.failures = 0;
            tally.open_at = now;
        }
        if let Some(tally) = self.addresses.get_mut(&address_key(from)) {
            tally.failures = tally.failures.saturating_sub(1);
            tally.open_at = now;
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

fn count(
    table: &mut BTreeMap<String, Tally>,
    key: &str,
    free: u32,
    delay_max: Duration,
    now: Instant,
) {
    table.retain(|_key, tally| now.since(tally.last_at) < FORGOTTEN_AFTER);
    if !table.contains_key(key) && table.len() >= REMEMBERED_MAX {
        let oldest = table.iter().min_by_key(|(_key, tally)| tally.last_at);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            table.remove(&oldest);
        }
    }
    let fresh = Tally { failures: 0, open_at: now, last_at: now, successes: 0, hour: now };
    let tally = table.entry(key.to_owned()).or_insert(fresh);
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

    #[test]
    fn guessing_at_a_name_from_everywhere_gets_two_tries_a_minute() {
        let mut attempts = Attempts::default();
        let mut tries = 0;
        for second in 0..600 {
            let from = other((second % 100) as u8);
            if attempts.begin("eva", from, after(second)).is_ok() {
                tries += 1;
            }
        }
        assert!((20..=30).contains(&tries), "{tries} tries in ten minutes");
        let wait = attempts.begin("eva", HERE, after(600)).expect_err("too soon");
        assert!(wait <= DELAY_OF_NAME_MAX, "{wait:?}");
        assert!(attempts.begin("adam", HERE, after(600)).is_ok(), "others are not kept out");
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down() {
        let mut attempts = Attempts::default();
        let tries = (0..600)
            .filter(|second| {
                attempts.begin(&format!("name {second}"), HERE, after(*second)).is_ok()
            })
            .count();
        assert!((16..=35).contains(&tries), "{tries} tries in ten minutes");
        assert!(attempts.begin("eva", other(1), after(600)).is_ok());
    }

    #[test]
    fn who_is_right_starts_afresh_and_an_own_account_buys_no_guesses() {
        let mut attempts = Attempts::default();
        for _ in 0..FREE_OF_NAME {
            attempts.begin("eva", HERE, after(0)).expect("free");
        }
        attempts.begin("eva", HERE, after(0)).expect("the last free one");
        attempts.begin("eva", HERE, after(0)).expect_err("too soon");
        attempts.begin("eva", HERE, after(2)).expect("after a second");
        attempts.succeeded("eva", HERE, after(2));
        attempts.begin("eva", HERE, after(2)).expect("afresh");
        let mut guesses = 0;
        for second in 0..300 {
            if attempts.begin("mallory", HERE, after(10 + second)).is_ok() {
                attempts.succeeded("mallory", HERE, after(10 + second));
            }
            guesses += u32::from(attempts.begin("eva", HERE, after(10 + second)).is_ok());
        }
        assert!(guesses < 30, "{guesses}");
    }

    #[test]
    fn memory_is_bounded_and_so_is_what_the_audit_log_is_told() {
        let mut attempts = Attempts::default();
        let mut listed = 0;
        for n in 0..5_000_u32 {
            let [_, _, c, d] = n.to_be_bytes();
            let _ = attempts.begin(&format!("name {n}"), IpAddr::from([10, 0, c, d]), after(0));
            listed += u32::from(attempts.tell(after(0)) == Told::Listed);
        }
        assert_eq!((attempts.names.len(), attempts.addresses.len()), (1024, 1024));
        assert_eq!(listed, FAILURES_LISTED_PER_HOUR);
        assert_eq!(attempts.unlisted(after(3599)), None);
        assert_eq!(attempts.unlisted(after(3600)), Some(5_000 - FAILURES_LISTED_PER_HOUR));
        assert_eq!(attempts.unlisted(after(3601)), None);
    }

    #[test]
    fn a_name_signs_in_so_often_an_hour_and_no_more() {
        let mut attempts = Attempts::default();
        for n in 0..SIGN_INS_PER_HOUR {
            attempts.begin("eva", HERE, after(u64::from(n))).expect("allowed");
            attempts.succeeded("eva", HERE, after(u64::from(n)));
        }
        attempts.begin("eva", HERE, after(200)).expect_err("enough for now");
        attempts.begin("eva", HERE, after(3_700)).expect("the next hour");
    }
}
