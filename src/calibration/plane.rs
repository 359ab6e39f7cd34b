//! The homography from floor to picture that fits pairs of points best.
//!
//! Normalised direct linear transform (Hartley and Zisserman 4.1, 4.4.4), then Levenberg-Marquardt on
//! the distances in the picture (A6.1): what is clicked carries the error, what is measured does not.

use nalgebra::{DMatrix, Matrix3, SMatrix, SVector, Vector2, Vector3};

/// A place in the picture (frame heights) and on the floor (metres).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub image: Vector2<f64>,
    pub ground: Vector2<f64>,
}

/// The best homography and what is needed to say how sure it is.
pub(super) struct Plane {
    /// Frame heights from metres; the third member is positive at every point.
    pub image_from_ground: Matrix3<f64>,
    image_scale: Matrix3<f64>,
    ground_scale: Matrix3<f64>,
    normalised: SVector<f64, 8>,
    /// Of the eight free numbers, for an error of one frame height a click.
    covariance: SMatrix<f64, 8, 8>,
    /// RMS distance in the picture, frame heights, corrected for the eight numbers that were fitted.
    pub click_error: f64,
}

pub(super) enum PlaneError {
    IllConditioned,
    /// This point would lie behind the camera; from 0.
    Crossed(usize),
}

/// Smallest ratio of the second smallest singular value to the largest: below, a second plane fits as
/// well. Normalised points spread over a square have 0.1 and more; a road twenty times as long as wide
/// has some 0.001.
const CONDITION_MIN: f64 = 1e-4;

/// Steps of the refinement; it needs three to six.
const STEPS_MAX: usize = 50;

/// The refinement ends when a step changes the sum of squares by less than this share.
const STEP_MIN: f64 = 1e-14;

pub(super) fn solve(pairs: &[Pair]) -> Result<Plane, PlaneError> {
    let image_scale = scale(pairs.iter().map(|pair| pair.image));
    let ground_scale = scale(pairs.iter().map(|pair| pair.ground));
    let normal: Vec<Pair> = pairs
        .iter()
        .map(|pair| Pair {
            image: (image_scale * pair.image.push(1.0)).xy(),
            ground: (ground_scale * pair.ground.push(1.0)).xy(),
        })
        .collect();
    let linear = direct(&normal)?;
    let depth = |pair: &Pair| (linear * pair.ground.push(1.0)).z;
    let forward = normal.iter().filter(|pair| depth(pair) > 0.0).count();
    let sign = if 2 * forward >= normal.len() { 1.0 } else { -1.0 };
    if let Some(i) = normal.iter().position(|pair| depth(pair) * sign <= 0.0) {
        return Err(PlaneError::Crossed(i));
    }
    // The points' centre is the origin, and lies before the camera: the ninth number is not 0.
    let start = numbers(&(linear / linear[(2, 2)]));
    let normalised = if normal.len() > 4 { refine(&normal, start) } else { start };
    let fitted = matrix(&normalised);
    if let Some(i) = normal.iter().position(|pair| (fitted * pair.ground.push(1.0)).z <= 0.0) {
        return Err(PlaneError::Crossed(i));
    }
    let (equations, _, squares) = normal_equations(&normal, &normalised);
    let inverse = equations.try_inverse().ok_or(PlaneError::IllConditioned)?;
    let stretch = image_scale[(0, 0)];
    let spare = (2 * pairs.len()).saturating_sub(8).max(1) as f64;
    let image_from = image_scale.try_inverse().ok_or(PlaneError::IllConditioned)?;
    Ok(Plane {
        image_from_ground: image_from * fitted * ground_scale,
        image_scale: image_from,
        ground_scale,
        normalised,
        covariance: inverse * (stretch * stretch),
        click_error: (squares / spare).sqrt() / stretch,
    })
}

impl Plane {
    /// The standard deviation of what is computed from the homography, for clicks that are off by
    /// `click` frame heights; `None` where it cannot be computed next to the best homography.
    pub(super) fn deviation(
        &self,
        click: f64,
        of: impl Fn(&Matrix3<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let value = |numbers: &SVector<f64, 8>| {
            of(&(self.image_scale * matrix(numbers) * self.ground_scale))
        };
        let mut slope = SVector::<f64, 8>::zeros();
        for i in 0..8 {
            // A tenth of a deviation each way: small against the curve, large against rounding.
            let step = 0.1 * click * self.covariance[(i, i)].sqrt();
            let mut moved = [self.normalised; 2];
            moved[0][i] += step;
            moved[1][i] -= step;
            slope[i] = (value(&moved[0])? - value(&moved[1])?) / (2.0 * step);
        }
        let deviation = click * (slope.transpose() * self.covariance * slope)[(0, 0)].sqrt();
        deviation.is_finite().then_some(deviation)
    }
}

/// Moves the centre to the origin and the mean distance from it to the square root of two.
fn scale(points: impl Iterator<Item = Vector2<f64>> + Clone) -> Matrix3<f64> {
    let count = points.clone().count() as f64;
    let centre = points.clone().sum::<Vector2<f64>>() / count;
    let mean = points.map(|p| (p - centre).norm()).sum::<f64>() / count;
    let s = std::f64::consts::SQRT_2 / mean;
    Matrix3::new(s, 0.0, -s * centre.x, 0.0, s, -s * centre.y, 0.0, 0.0, 1.0)
}

/// The homography with the smallest algebraic error.
fn direct(pairs: &[Pair]) -> Result<Matrix3<f64>, PlaneError> {
    // At least nine rows, so that the decomposition has all nine right singular vectors.
    let mut equations = DMatrix::<f64>::zeros((2 * pairs.len()).max(9), 9);
    for (i, pair) in pairs.iter().enumerate() {
        let p = pair.ground.push(1.0);
        for c in 0..3 {
            equations[(2 * i, c)] = p[c];
            equations[(2 * i, 6 + c)] = -pair.image.x * p[c];
            equations[(2 * i + 1, 3 + c)] = p[c];
            equations[(2 * i + 1, 6 + c)] = -pair.image.y * p[c];
        }
    }
    let svd = equations.svd(false, true);
    let values = &svd.singular_values;
    if values[7].is_nan() || values[7] <= CONDITION_MIN * values[0] {
        return Err(PlaneError::IllConditioned);
    }
    let rows = svd.v_t.ok_or(PlaneError::IllConditioned)?;
    Ok(Matrix3::from_fn(|r, c| rows[(8, 3 * r + c)]))
}

fn numbers(m: &Matrix3<f64>) -> SVector<f64, 8> {
    SVector::from_fn(|i, _| m[(i / 3, i % 3)])
}

fn matrix(numbers: &SVector<f64, 8>) -> Matrix3<f64> {
    Matrix3::from_fn(|r, c| if r == 2 && c == 2 { 1.0 } else { numbers[3 * r + c] })
}

/// The normal equations at these numbers: matrix, right side, and the sum of squares.
fn normal_equations(
    pairs: &[Pair],
    numbers: &SVector<f64, 8>,
) -> (SMatrix<f64, 8, 8>, SVector<f64, 8>, f64) {
    let homography = matrix(numbers);
    let mut equations = SMatrix::<f64, 8, 8>::zeros();
    let mut right = SVector::<f64, 8>::zeros();
    let mut squares = 0.0;
    for pair in pairs {
        let p: Vector3<f64> = pair.ground.push(1.0);
        let [u, v, w] = (homography * p).into();
        for (row, value) in [(0, u / w), (1, v / w)] {
            let mut slope = SVector::<f64, 8>::zeros();
            for c in 0..3 {
                slope[3 * row + c] = p[c] / w;
                if c < 2 {
                    slope[6 + c] = -value * p[c] / w;
                }
            }
            let error = pair.image[row] - value;
            equations += slope * slope.transpose();
            right += slope * error;
            squares += error * error;
        }
    }
    (equations, right, squares)
}

/// Levenberg-Marquardt with Marquardt's scaling.
fn refine(pairs: &[Pair], start: SVector<f64, 8>) -> SVector<f64, 8> {
    let mut best = start;
    let (mut equations, mut right, mut squares) = normal_equations(pairs, &best);
    let mut damping = 1e-3;
    for _ in 0..STEPS_MAX {
        let mut damped = equations;
        for i in 0..8 {
            damped[(i, i)] *= 1.0 + damping;
        }
        let Some(step) = damped.cholesky().map(|c| c.solve(&right)) else {
            break;
        };
        let next = best + step;
        let tried = normal_equations(pairs, &next);
        // Written so that NaN is worse.
        if tried.2 < squares {
            let gain = squares - tried.2;
            let small = gain <= STEP_MIN * squares;
            (best, equations, right, squares) = (next, tried.0, tried.1, tried.2);
            damping /= 10.0;
            if small {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    best
}
