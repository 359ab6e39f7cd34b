//! Scale and floor from people of known height alone, at three places or more.
//!
//! A camera with square pixels over a flat floor has four unknowns here: focal length, two angles of
//! the upward direction, its height. Each person gives two equations: the head lies above the feet,
//! and that high. Starts: a row of focal lengths, for each of which the upward direction
//! is linear (the planes through camera, feet and head all hold it). Each is refined by
//! Levenberg-Marquardt, and the best is taken.
//!
//! The floor's origin is below the camera, y points where the camera looks.

use nalgebra::{Matrix3, Matrix4, SymmetricEigen, Vector2, Vector3, Vector4};

use super::floor::off_best_line;
use super::heights::{
    CAMERA_MAX_M, CAMERA_MIN_M, CLICK, FOCAL_MAX, FOCAL_MIN, HEAD_ERROR_MAX, Upright,
};
use super::{CalibrationInput, Check, Fit, FitError, Heights, ground, rms, square};

/// Focal lengths tried for the start.
const FOCAL_STEPS: usize = 12;

/// Surer than this share the scale must be: every distance on the floor hangs on it.
const SCALE_DEVIATION_MAX: f64 = 0.05;

/// Steps of the refinement.
const STEPS_MAX: usize = 100;

/// Logarithm of focal length and of camera height, and how the upward direction leans from the one
/// at the start.
type Unknowns = Vector4<f64>;

struct Person {
    foot: Vector2<f64>,
    head: Vector2<f64>,
    height_m: f64,
}

/// A camera over the floor: focal length (frame heights), upward direction in the camera, height.
#[derive(Clone, Copy)]
struct Camera {
    focal: f64,
    up: Vector3<f64>,
    height_m: f64,
}

pub(super) fn fit(input: &CalibrationInput, aspect: f64) -> Result<Fit, FitError> {
    let centre = Vector2::new(aspect / 2.0, 0.5);
    let person = |&(foot, head, height_m): &_| Person {
        foot: square(foot, aspect) - centre,
        head: square(head, aspect) - centre,
        height_m,
    };
    let people: Vec<Person> = input.people.iter().map(person).collect();
    let feet: Vec<_> = people.iter().map(|person| person.foot).collect();
    if off_best_line(&feet).is_empty() {
        return Err(FitError::PeopleInLine);
    }
    let found = best(&people).ok_or(FitError::PeopleInLine)?;
    let camera = found.camera;
    check(&people, &found)?;
    let per_point_m = distances_m(&people, &camera);
    let residual_m = rms(&per_point_m);
    let (plane, up) = camera.matrices(aspect).ok_or(FitError::PeopleInLine)?;
    let ground = ground(&plane, Some(Upright { up }), aspect, residual_m);
    let ground = ground.map_err(FitError::Ground)?;
    if input.people.iter().any(|&(foot, _, _)| ground.metres(foot).is_none()) {
        return Err(FitError::UpsideDown);
    }
    Ok(Fit {
        ground,
        residual_m,
        worst_m: per_point_m.iter().copied().fold(0.0, f64::max),
        per_point_m,
        check: Check::Impossible {
            why: "nothing was measured on the floor: no check possible; click four measured points",
        },
        heights: Heights::Known,
    })
}

fn check(people: &[Person], found: &Found) -> Result<(), FitError> {
    let contradict = |detail: String| Err(FitError::PeopleContradict { detail });
    let camera = &found.camera;
    if found.deviation > SCALE_DEVIATION_MAX {
        return Err(FitError::PeopleInLine);
    }
    let shares: Vec<f64> = people.iter().map(|person| share(person, camera)).collect();
    let off = rms(&shares);
    if off.is_nan() || off > HEAD_ERROR_MAX {
        return contradict(format!("heads are off by {:.0} % of the height", 100.0 * off));
    }
    if !(CAMERA_MIN_M..=CAMERA_MAX_M).contains(&camera.height_m) {
        return contradict(format!("the camera would hang {:.1} m high", camera.height_m));
    }
    if !(FOCAL_MIN..=FOCAL_MAX).contains(&camera.focal) {
        return contradict(format!("the focal length would be {:.2} heights", camera.focal));
    }
    Ok(())
}

impl Camera {
    /// The direction in which an image point is seen, x right, y down, z ahead.
    fn ray(&self, image: Vector2<f64>) -> Vector3<f64> {
        Vector3::new(image.x / self.focal, image.y / self.focal, 1.0)
    }

    /// Where a ray meets the plane this far above the floor.
    fn meets(&self, image: Vector2<f64>, above_m: f64) -> Option<Vector3<f64>> {
        let ray = self.ray(image);
        let far = (above_m - self.height_m) / ray.dot(&self.up);
        (far > 0.0 && far.is_finite()).then(|| ray * far)
    }

    /// Where somebody's head should be seen.
    fn head(&self, person: &Person) -> Option<Vector2<f64>> {
        let head = self.meets(person.foot, 0.0)? + self.up * person.height_m;
        (head.z > 0.0).then(|| head.xy() * (self.focal / head.z))
    }

    /// Floor to picture in frame heights, and the upward metre.
    fn matrices(&self, aspect: f64) -> Option<(Matrix3<f64>, Vector3<f64>)> {
        let ahead = Vector3::z() - self.up * self.up.z;
        // Straight down there is no ahead; then what is up in the picture.
        let upper = -Vector3::y() + self.up * self.up.y;
        let ahead = ahead.try_normalize(1e-6).or_else(|| upper.try_normalize(1e-6))?;
        let right = ahead.cross(&self.up);
        let lens = Matrix3::new(self.focal, 0.0, aspect / 2.0, 0.0, self.focal, 0.5, 0.0, 0.0, 1.0);
        let plane = Matrix3::from_columns(&[right, ahead, -self.up * self.height_m]);
        Some((lens * plane, lens * self.up))
    }
}

/// How far a head is off, as a share of the person's height in the picture.
fn share(person: &Person, camera: &Camera) -> f64 {
    let length = (person.head - person.foot).norm();
    camera.head(person).map_or(f64::INFINITY, |head| (head - person.head).norm() / length)
}

/// How far on the floor the place below the head is from the place of the feet.
fn distances_m(people: &[Person], camera: &Camera) -> Vec<f64> {
    let distance = |person: &Person| {
        let foot = camera.meets(person.foot, 0.0)?;
        let head = camera.meets(person.head, person.height_m)?;
        Some((head - camera.up * person.height_m - foot).norm())
    };
    people.iter().map(|person| distance(person).unwrap_or(f64::INFINITY)).collect()
}

/// A camera that fits, how unsure its scale is (share), and how far heads are off (frame heights, RMS).
struct Found {
    camera: Camera,
    deviation: f64,
    click: f64,
}

/// The camera that fits best, from starts over a row of focal lengths.
fn best(people: &[Person]) -> Option<Found> {
    let focal = |step: usize| {
        FOCAL_MIN * (FOCAL_MAX / FOCAL_MIN).powf(step as f64 / (FOCAL_STEPS - 1) as f64)
    };
    (0..FOCAL_STEPS)
        .filter_map(|step| camera_of_focal(people, focal(step)))
        .filter_map(|start| refine(people, start))
        .min_by(|a, b| a.click.total_cmp(&b.click))
}

fn camera_of_focal(people: &[Person], focal: f64) -> Option<Camera> {
    let mut camera = Camera { focal, up: Vector3::zeros(), height_m: 1.0 };
    let mut planes = Matrix3::zeros();
    for person in people {
        let normal = camera.ray(person.foot).cross(&camera.ray(person.head)).normalize();
        planes += normal * normal.transpose();
    }
    let eigen = SymmetricEigen::new(planes);
    camera.up = eigen.eigenvectors.column(eigen.eigenvalues.imin()).normalize();
    // Feet are below the camera.
    if people.iter().map(|person| camera.ray(person.foot).dot(&camera.up)).sum::<f64>() > 0.0 {
        camera.up = -camera.up;
    }
    // With the camera 1 m up, a person is this many metres: the ratio is the camera's height.
    let ratios = people.iter().map(|person| {
        let foot = camera.meets(person.foot, 0.0)?;
        let normal = foot.cross(&camera.ray(person.head));
        let lift = camera.ray(person.head).cross(&camera.up);
        let metres = normal.dot(&lift) / lift.norm_squared();
        (metres > 0.0).then(|| (person.height_m / metres).ln())
    });
    let logs = ratios.collect::<Option<Vec<f64>>>()?;
    camera.height_m = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
    camera.height_m.is_finite().then_some(camera)
}

/// Levenberg-Marquardt on the heads' places.
fn refine(people: &[Person], start: Camera) -> Option<Found> {
    let aside = start.up.cross(&Vector3::x()).try_normalize(1e-3).unwrap_or_else(Vector3::y);
    let across = start.up.cross(&aside);
    let camera = |x: &Unknowns| Camera {
        focal: start.focal * x[0].exp(),
        up: (start.up + aside * x[1] + across * x[2]).normalize(),
        height_m: start.height_m * x[3].exp(),
    };
    let errors = |x: &Unknowns| -> Option<Vec<f64>> {
        let camera = camera(x);
        let miss = |person: &Person| camera.head(person).map(|head| person.head - head);
        let misses = people.iter().map(miss).collect::<Option<Vec<_>>>()?;
        Some(misses.iter().flat_map(|miss| [miss.x, miss.y]).collect())
    };
    let squares = |errors: &[f64]| errors.iter().map(|e| e * e).sum::<f64>();
    let equations = |x: &Unknowns| -> Option<(Matrix4<f64>, Vector4<f64>, f64)> {
        const STEP: f64 = 1e-6;
        let here = errors(x)?;
        let mut slopes = vec![Vector4::zeros(); here.len()];
        for i in 0..4 {
            let (more, less) =
                (errors(&(x + Unknowns::ith(i, STEP)))?, errors(&(x - Unknowns::ith(i, STEP)))?);
            for (slope, (more, less)) in slopes.iter_mut().zip(more.iter().zip(&less)) {
                slope[i] = (less - more) / (2.0 * STEP);
            }
        }
        let matrix = slopes.iter().map(|slope| slope * slope.transpose()).sum();
        let right = slopes.iter().zip(&here).map(|(slope, error)| slope * *error).sum();
        Some((matrix, right, squares(&here)))
    };
    let mut best = Unknowns::zeros();
    let (mut matrix, mut right, mut least) = equations(&best)?;
    let mut damping = 1e-3;
    for _ in 0..STEPS_MAX {
        let damped = matrix + Matrix4::from_diagonal(&matrix.diagonal()) * damping;
        let Some(step) = damped.cholesky().map(|c| c.solve(&right)) else {
            break;
        };
        let next = best + step;
        match equations(&next).filter(|tried| tried.2 < least) {
            Some(tried) => {
                best = next;
                (matrix, right, least) = tried;
                damping /= 10.0;
            }
            None if damping > 1e9 => break,
            None => damping *= 10.0,
        }
    }
    let spare = (2 * people.len() - 4) as f64;
    let click = (least / spare).sqrt();
    let deviation = click.max(CLICK) * matrix.try_inverse()?[(3, 3)].sqrt();
    let deviation = if deviation.is_finite() { deviation } else { f64::INFINITY };
    Some(Found { camera: camera(&best), deviation, click })
}
