//! A small disk of a test's own: a tmpfs in a private mount namespace, on which a copy of the test
//! program plays a part. Root has the right to that; others where the machine gives it to them.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// What the mount's failure ends with, so that nothing else is taken for it.
const NO_MOUNT: i32 = 77;

/// Plays `part`, a test of this program, with a disk of `size` mounted at `dir`, and asserts that it
/// said `last`. Where no disk can be mounted that is said, and nothing is shown.
pub fn on_small_disk(
    (dir, size): (&Path, &str),
    part: &str,
    variables: &[(&str, &OsStr)],
    last: &str,
) {
    let whoever: &[&[&str]] = match rustix::process::geteuid().is_root() {
        true => &[&["--mount"], &["--user", "--map-root-user", "--mount"]],
        false => &[&["--user", "--map-root-user", "--mount"]],
    };
    let mut complaint = "there is no `unshare`".to_owned();
    for rights in whoever {
        let Some(output) = play(rights, (dir, size), part, variables) else {
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(NO_MOUNT) && !complaint.contains("unshare: ") {
            assert!(said.contains(last), "{said}\n{complaint}");
            return;
        }
    }
    println!("SKIPPED: needs root, with the right to mount a disk of its own: {complaint}");
}

fn play(
    rights: &[&str],
    (dir, size): (&Path, &str),
    part: &str,
    variables: &[(&str, &OsStr)],
) -> Option<Output> {
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$1\" || exit {NO_MOUNT}
         exec \"$0\" --exact {part} --nocapture"
    );
    let mut command = Command::new("unshare");
    command.args(rights).args(["sh", "-c", &script]);
    command.arg(env::current_exe().expect("this program")).arg(dir);
    command.envs(variables.iter().copied()).output().ok()
}

/// Writes until nothing more is taken.
#[allow(dead_code, reason = "not every test program fills a disk by itself")]
pub fn fill(ballast: &Path) {
    let mut file = File::create(ballast).expect("ballast");
    for block in [1 << 20, 4_096, 1] {
        while file.write_all(&vec![1; block]).is_ok() {}
    }
}
