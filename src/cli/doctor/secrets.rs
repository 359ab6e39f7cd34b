//! Whether passwords are where nobody else on this machine reads them.
//!
//! Not here: whether a password is the right one; the connection says that.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Finding, Report};
use crate::config::{Camera, Config};
use crate::link::{Login, Password, Source};
use crate::redact::redact;

/// What everybody, and what the file's group, may do with a file.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;

/// Every password and secret that the configuration names; none of them is opened.
pub fn check(config: &Config, report: &mut Report) {
    for camera in &config.cameras {
        if let Some(found) = of_camera(config, camera) {
            report.add(format!("password {}", camera.id), found);
        }
    }
    let mqtt = config.mqtt.iter().filter_map(|it| it.login.as_ref()?.password_file.as_deref());
    let notify = config.notify.mqtt.iter();
    let notify = notify.filter_map(|it| it.login.as_ref()?.password_file.as_deref());
    for (name, path) in mqtt.map(|it| ("mqtt", it)).chain(notify.map(|it| ("notify.mqtt", it))) {
        report.add(format!("password {name}"), file(path));
    }
    for webhook in &config.notify.webhooks {
        report.add(format!("secret {}", webhook.name), file(&webhook.secret_file));
    }
}

/// `None` for a camera without a password.
fn of_camera(config: &Config, camera: &Camera) -> Option<Finding> {
    match &camera.source {
        Source::Rtsp(rtsp) => of_login(config, rtsp.login.as_ref()?),
        Source::HttpMjpeg(mjpeg) => of_login(config, mjpeg.login.as_ref()?),
        Source::Gst { description } => {
            let text = description.reveal();
            let closed = || Finding::Ok(format!("in source.gst; {}", shut(&config.file)));
            (redact(text) != text).then(|| match open_to(&config.file) {
                None => closed(),
                Some(whom) => Finding::Warn(format!(
                    "it stands in source.gst, and {whom} may read it there: {}",
                    right(&config.file)
                )),
            })
        }
        Source::File { .. } | Source::Test { .. } | Source::V4l2(_) => None,
    }
}

fn of_login(config: &Config, login: &Login) -> Option<Finding> {
    Some(match &login.password {
        Password::File(path) => file(Path::new(path)),
        Password::Written(_) => {
            let also = open_to(&config.file).map(|whom| format!(", and {whom} may read it now"));
            Finding::Warn(format!(
                "it stands in the address in {}, a file that gets copied and shown around{}; take \
                 it out, and write source.user and source.password_file",
                config.file.display(),
                also.unwrap_or_default()
            ))
        }
    })
}

fn file(path: &Path) -> Finding {
    match open_to(path) {
        None => Finding::Ok(shut(path)),
        Some(whom) => Finding::Warn(format!(
            "{whom} may read {}: {}; and give a new password where it may have been read",
            path.display(),
            right(path)
        )),
    }
}

fn shut(path: &Path) -> String {
    format!("nobody else may read {}", path.display())
}

fn right(path: &Path) -> String {
    format!("chmod 600 {}", path.display())
}

/// Who else may read or change a file. A group that is this program's own is the box; for root, who
/// asks on its behalf, any may be.
fn open_to(path: &Path) -> Option<&'static str> {
    // What cannot be looked at says so where it is read.
    let file = fs::metadata(path).ok()?;
    let own =
        rustix::process::geteuid().is_root() || file.gid() == rustix::process::getegid().as_raw();
    match file.mode() {
        mode if mode & OTHERS != 0 => Some("everybody on this machine"),
        mode if mode & GROUP != 0 && !own => Some("the file's group"),
        _ => None,
    }
}
