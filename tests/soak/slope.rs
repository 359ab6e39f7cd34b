//! The straight line through measurements of one thing over time, and how well it is known.

/// How many standard errors a slope must be beyond a limit for it to be no accident.
pub const ERRORS: f64 = 2.0;

/// With fewer measurements there is no line.
const MEASUREMENTS_MIN: usize = 20;

/// A slope and its standard error, both per hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    pub per_h: f64,
    pub error_per_h: f64,
}

/// Least squares over (hours, value). Memory does not tremble from one measurement to the next but
/// steps and stays, so the error is the textbook's times what the correlation of neighbouring
/// residuals makes of it (as if they were an autoregression of first order).
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let n = points.len() as f64;
    if points.len() < MEASUREMENTS_MIN {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let along: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let per_h = along / spread;
    let residuals: Vec<f64> =
        points.iter().map(|(x, y)| y - mean_y - per_h * (x - mean_x)).collect();
    let squares: f64 = residuals.iter().map(|it| it * it).sum();
    let neighbours: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let correlation = if squares > 0.0 { (neighbours / squares).clamp(0.0, 0.98) } else { 0.0 };
    let inflation = ((1.0 + correlation) / (1.0 - correlation)).sqrt();
    let error_per_h = (squares / (n - 2.0) / spread).sqrt() * inflation;
    Some(Slope { per_h, error_per_h })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter of an hour, every five seconds, of something that grows and trembles.
    fn points(per_h: f64, tremble: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        (0..180)
            .map(|n| (f64::from(n) / 720.0, 70.0 + per_h * f64::from(n) / 720.0 + tremble(n)))
            .collect()
    }

    #[test]
    fn a_leak_is_seen_through_what_memory_trembles_by() {
        let tremble = |n: u32| f64::from(n * 7919 % 13) / 13.0;
        let leak = slope(&points(12.0, tremble)).expect("enough");
        assert!((leak.per_h - 12.0).abs() < ERRORS * leak.error_per_h + 0.5, "{leak:?}");
        assert!(leak.per_h > 5.0 * leak.error_per_h, "{leak:?}");
        let none = slope(&points(0.0, tremble)).expect("enough");
        assert!(none.per_h.abs() < ERRORS * none.error_per_h + 0.5, "{none:?}");
    }

    #[test]
    fn one_step_is_no_certain_leak() {
        let step = slope(&points(0.0, |n| if n < 100 { 0.0 } else { 2.0 })).expect("enough");
        assert!(step.per_h > 0.0 && step.error_per_h > step.per_h / 4.0, "{step:?}");
    }

    #[test]
    fn few_measurements_are_no_line() {
        assert_eq!(slope(&points(1.0, |_| 0.0)[..19]), None);
    }
}
