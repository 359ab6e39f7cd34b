//! Finding and loading ONNX Runtime's shared library; it is not linked, so that a program without
//! it still starts and can say what is missing.
//!
//! The library is loaded once per process and stays. Looked for, in this order: `ORT_DYLIB_PATH`
//! (and then nowhere else), beside the program, `.deps/onnxruntime/` in each folder above it, and
//! the system's folders.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

/// Names the library by hand.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// How the library's file name begins; releases put their version behind it.
const LIBRARY_NAME: &str = "libonnxruntime.so";

/// Folders of the system, in order.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/lib", "/usr/lib/standclear"];

/// A loaded runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub(super) environment: Environment,
    pub path: PathBuf,
    /// E.g. `1.24.4`; the build's commit where neither library nor file name tell a release.
    pub version: String,
}

/// Why ONNX Runtime is not there.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("{LIBRARY_VARIABLE} names {path}, which is not a file; correct it or unset it")]
    NamedLibraryMissing { path: PathBuf },
    #[error(
        "ONNX Runtime ({LIBRARY_NAME}) was not found in: {looked}; run scripts/setup or set \
         {LIBRARY_VARIABLE}"
    )]
    NotFound { looked: String },
    #[error("{path} could not be loaded as ONNX Runtime: {reason}")]
    Load { path: PathBuf, reason: String },
    #[error("ONNX Runtime from {path} could not be started")]
    Start {
        path: PathBuf,
        #[source]
        source: ort::Error,
    },
}

/// One environment per process is all the library allows.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The runtime, loaded by the first call.
pub fn load() -> Result<Runtime, RuntimeError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*loaded {
        return Ok(runtime.clone());
    }
    let path = find()?;
    // The binding prints the path again in front of the loader's reason; it does no harm.
    let builder = ort::init_from(&path)
        .map_err(|error| RuntimeError::Load { path: path.clone(), reason: error.to_string() })?;
    let started =
        builder.with_name("standclear").with_telemetry(false).with_logger(Arc::new(log)).build();
    let environment =
        started.map_err(|source| RuntimeError::Start { path: path.clone(), source })?;
    environment.set_log_level(LogLevel::Warning);
    let runtime = Runtime { environment, version: version(ort::info(), &path), path };
    *loaded = Some(runtime.clone());
    Ok(runtime)
}

/// The library's warnings go where all diagnostics go. Its warnings are about machines it could
/// have used (no GPU device found), so they are not ours.
fn log(level: LogLevel, _category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => {}
        LogLevel::Warning => tracing::debug!(location, "onnxruntime: {message}"),
        LogLevel::Error | LogLevel::Fatal => tracing::error!(location, "onnxruntime: {message}"),
    }
}

/// The library that will be used.
pub fn find() -> Result<PathBuf, RuntimeError> {
    if let Some(named) = env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        return match fs::canonicalize(&path) {
            Ok(found) if found.is_file() => Ok(found),
            _ => Err(RuntimeError::NamedLibraryMissing { path }),
        };
    }
    let folders = folders();
    let found = folders.iter().find_map(|folder| library_in(folder));
    found.ok_or_else(|| RuntimeError::NotFound {
        looked: (folders.iter().map(|f| f.display().to_string())).collect::<Vec<_>>().join(", "),
    })
}

fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(program) = env::current_exe() {
        folders.extend(program.parent().map(Path::to_owned));
        let above = program.ancestors().skip(1);
        folders.extend(above.map(|dir| dir.join(".deps/onnxruntime")));
    }
    folders.extend(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    folders
}

/// `libonnxruntime.so`, or the highest `libonnxruntime.so.<version>`.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(LIBRARY_NAME);
    if plain.is_file() {
        return Some(plain);
    }
    let versioned = format!("{LIBRARY_NAME}.");
    let mut names: Vec<OsString> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| name.to_string_lossy().starts_with(&versioned))
        .collect();
    names.sort();
    names.pop().map(|name| folder.join(name))
}

/// The library tells its build, not its release; the release stands in its file name where the
/// file was not renamed.
fn version(build: &str, path: &Path) -> String {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    if let Some(version) = name.strip_prefix(&format!("{LIBRARY_NAME}."))
        && version.contains('.')
    {
        return version.to_owned();
    }
    let part = |name: &str| build.split([',', ' ']).find_map(|part| part.strip_prefix(name));
    match (part("git-branch=rel-"), part("git-commit-id=")) {
        (Some(release), _) => release.to_owned(),
        (None, Some(commit)) => format!("build {commit}"),
        (None, None) => "of unknown version".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_comes_from_the_file_name_or_else_from_the_build() {
        let plain = Path::new("/nowhere/libonnxruntime.so");
        let versioned = Path::new("/nowhere/libonnxruntime.so.1.24.4");
        let build = "ORT Build Info: git-branch=HEAD, git-commit-id=2d924974ef, build type=Release";
        assert_eq!(version(build, versioned), "1.24.4");
        assert_eq!(version(build, plain), "build 2d924974ef");
        assert_eq!(version("git-branch=rel-1.20.0, x", plain), "1.20.0");
        assert_eq!(version("", plain), "of unknown version");
    }
}
