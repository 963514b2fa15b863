//! Where this platform keeps a program's configuration, state and cache, and which of ours are set by the environment.
//!
//! It makes paths; only the state directory is created here, closed to others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::file::open_with;

/// The configuration file: as given, else as `MAILQL_CONFIG` says, else the platform's place.
pub(crate) fn config_file(given: Option<&Path>) -> Option<PathBuf> {
    let set = || std::env::var_os("MAILQL_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    given.map(Path::to_owned).or_else(set).or_else(|| Some(strategy()?.config_dir().join(NAME).join("config.toml")))
}

/// Where indexes of mail files are kept.
pub(crate) fn cache_directory() -> Option<PathBuf> {
    Some(strategy()?.cache_dir().join(NAME))
}

/// Where what must last is kept.
pub(crate) fn state_directory() -> Option<PathBuf> {
    let strategy = strategy()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join(NAME))
}

/// The history of the prompt, which nobody else may read; `None` where it cannot be kept.
pub(crate) fn history_file() -> Option<PathBuf> {
    let directory = state_directory()?;
    let file = directory.join("history");
    match close_to_others(&directory, &file) {
        Ok(()) => Some(file),
        Err(error) => {
            tracing::debug!("no history is kept in {}: {error}", file.display());
            None
        }
    }
}

fn strategy() -> Option<impl BaseStrategy> {
    etcetera::choose_base_strategy().ok()
}

#[cfg(unix)]
fn close_to_others(directory: &Path, file: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let opened = open_with(fs::File::options().append(true).create(true).mode(0o600), file)?;
    opened.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(directory: &Path, file: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    open_with(fs::File::options().append(true).create(true), file).map(drop)
}

const NAME: &str = "mailql";
