//! The binomial distribution in rational numbers, without rounding.

use num_bigint::BigInt;
use num_rational::BigRational;
use standclear::gate::{Probability, Tally};

pub fn ratio(numerator: u64, denominator: u64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// The number that a float is.
pub fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).expect("finite")
}

/// To about 24 digits after the point, which is more than a float has.
pub fn float(value: &BigRational) -> f64 {
    let scaled: BigInt = (value.numer() << 80usize) / value.denom();
    scaled.to_string().parse::<f64>().expect("digits") / 2f64.powi(80)
}

/// P(X = k) for every k up to `last`, X binomial with `n` and `p`, `p` not 0 or 1.
pub fn chances(n: u64, last: u64, p: &BigRational) -> Vec<BigRational> {
    let (hit, all) = (p.numer(), p.denom());
    let miss = all - hit;
    let power = |base: &BigInt, exponent: u64| base.pow(u32::try_from(exponent).expect("small"));
    let whole = power(all, n);
    let mut term = power(&miss, n);
    let mut chances = Vec::new();
    for k in 0..=last.min(n) {
        chances.push(BigRational::new(term.clone(), whole.clone()));
        term = term * BigInt::from(n - k) * hit / (BigInt::from(k + 1) * &miss);
    }
    chances
}

/// P(X <= k).
pub fn so_few(k: u64, n: u64, p: &BigRational) -> BigRational {
    let (hit, all) = (p.numer(), p.denom());
    let miss = all - hit;
    let exponent = u32::try_from(n).expect("small");
    let mut term = miss.pow(exponent);
    let mut sum = BigInt::from(0);
    for i in 0..=k.min(n) {
        sum += &term;
        term = term * BigInt::from(n - i) * hit / (BigInt::from(i + 1) * &miss);
    }
    BigRational::new(sum, all.pow(exponent))
}

pub fn probability(value: f64) -> Probability {
    Probability::new(value).expect("between 0 and 1")
}

pub fn tally(misses: usize, of: usize) -> Tally {
    Tally::new(misses, of).expect("no more than there are")
}

#[test]
fn the_oracle_knows_the_coin() {
    let half = ratio(1, 2);
    assert_eq!(so_few(0, 6, &half), ratio(1, 64));
    assert_eq!(so_few(2, 4, &half), ratio(11, 16));
    assert_eq!(
        chances(3, 3, &ratio(1, 3)),
        [(8, 27), (12, 27), (6, 27), (1, 27)].map(|(a, b)| ratio(a, b))
    );
    assert_eq!(float(&ratio(1, 64)), 1.0 / 64.0);
}
