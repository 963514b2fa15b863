//! Whose mail is asked: an account of the configuration, a path, a URL, or the sample mailbox.
//!
//! It makes a configuration and opens the engine with it; the sample mailbox is deleted with it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::args::{COMMANDS, Task};
use super::{demo, places, queries};
use crate::account::{AccountConfig, Config, DirectoryOutbox, ImapAccount};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

/// A configuration, and the directory that goes when the program does.
pub(crate) struct Source {
    config: Config,
    account: String,
    sample: Sample,
}

/// The sample mailbox on disk, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Sample(Arc<Mutex<Option<TempDir>>>);

impl Sample {
    /// Deletes it now, for an end that drops nothing.
    pub(crate) fn delete(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Source {
    /// Finds what the command line asks for.
    ///
    /// # Errors
    /// There is no such account, path or configuration, or it cannot be read.
    pub(crate) fn of(task: &Task, config: Option<&Path>) -> Result<Self> {
        let named = match task {
            Task::Demo => return Self::sample(),
            Task::Ask(target) | Task::Test(target) | Task::Queries { account: target, .. } => target.as_deref(),
            Task::Accounts | Task::ConfigPath | Task::Login { .. } | Task::Logout(_) => None,
        };
        if named == Some("demo") {
            return Self::sample();
        }
        let file = places::config_file(config);
        let configured = || Self::configured(file.as_deref(), config.is_some());
        let config = match named {
            // A path or URL needs no configuration, even a broken one does not matter.
            Some(target) if is_place(target) => Config::from_target(target)?,
            None => {
                let config = configured()?;
                if config.accounts.is_empty() {
                    return Err(no_account(file));
                }
                config
            }
            Some(target) => {
                let mut config = configured()?;
                let known = config.accounts.keys().find(|name| name.eq_ignore_ascii_case(target)).cloned();
                match known {
                    Some(name) => config.default = Some(name),
                    None if Path::new(target).exists() => config = Config::from_target(target)?,
                    None => return Err(no_such_account(target, &config)),
                }
                config
            }
        };
        let account = config.default.clone().or_else(|| config.accounts.keys().next().cloned()).unwrap_or_default();
        let config = match places::cache_directory() {
            Some(cache) => config.with_cache(cache),
            None => config,
        };
        let config = match places::state_directory() {
            Some(state) => config.with_state(state),
            None => config,
        };
        Ok(Self { config, account, sample: Sample::default() })
    }

    /// Opens the engine.
    ///
    /// # Errors
    /// The configuration makes no sense to it.
    pub(crate) fn engine(&self) -> Result<Engine> {
        Engine::open(self.config.clone())
    }

    /// All that may be asked.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The account that is asked when a statement names none, if it is a live one.
    pub(crate) fn live_account(&mut self) -> Option<&mut ImapAccount> {
        let asked = self.config.accounts.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&self.account));
        match asked {
            Some((_, AccountConfig::Imap(account))) => Some(account),
            _ => None,
        }
    }

    /// What is configured; nothing where there is no file and none was named.
    ///
    /// # Errors
    /// The file cannot be read, or says something that it cannot say.
    pub(crate) fn configuration(given: Option<&Path>) -> Result<Config> {
        let config = Self::configured(places::config_file(given).as_deref(), given.is_some())?;
        Ok(match places::state_directory() {
            Some(state) => config.with_state(state),
            None => config,
        })
    }

    /// The account that is asked when a statement names none.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// The sample mailbox, to delete it early.
    pub(crate) fn sample_on_disk(&self) -> Sample {
        self.sample.clone()
    }

    fn sample() -> Result<Self> {
        let failed = |error| Error::io("cannot write the sample mailbox", error);
        let directory = tempfile::Builder::new().prefix("mailql-").tempdir().map_err(failed)?;
        // An account at a path is named as the path ends.
        let mailbox = directory.path().join("demo");
        demo::write(&mailbox, chrono::Utc::now()).map_err(failed)?;
        let config = Config::from_target(&mailbox.to_string_lossy())?.with_cache(directory.path().join("cache"));
        // What is sent from it is there to be looked at afterwards.
        let state = places::state_directory().unwrap_or_else(|| directory.path().join("state")).join("demo");
        let outbox = DirectoryOutbox { directory: state.join("outbox"), from: Some(demo::owner()) };
        let mut config = config.with_state(state);
        config.outboxes.insert("demo".to_owned(), outbox);
        Ok(Self { config, account: "demo".to_owned(), sample: Sample(Arc::new(Mutex::new(Some(directory)))) })
    }

    fn configured(file: Option<&Path>, given: bool) -> Result<Config> {
        match file {
            // The usual place may be empty; a file that somebody names may not.
            Some(file) if given || file.exists() || std::env::var_os("MAILQL_CONFIG").is_some() => {
                Config::read(file, etcetera::home_dir().ok().as_deref())
            }
            _ => Ok(Config::default()),
        }
    }
}

impl Drop for Source {
    /// Others hold the sample too, to delete it early, and may outlive this.
    fn drop(&mut self) {
        self.sample.delete();
    }
}

/// Tells whether a target can only be a path or a URL.
fn is_place(target: &str) -> bool {
    target.contains("://") || target.contains(std::path::is_separator) || target == "." || target == ".."
}

fn no_account(file: Option<PathBuf>) -> Error {
    let place = file.map(|file| format!(", or name accounts in {}", file.display())).unwrap_or_default();
    Error::new(ErrorKind::Config, "no account is configured")
        .hint(format!("try mailql demo, open mail with mailql PATH or mailql imaps://USER@HOST{place}"))
}

fn no_such_account(target: &str, config: &Config) -> Error {
    let names = config.accounts.keys().map(String::as_str).chain(COMMANDS);
    let hint = match queries::nearest(target, names) {
        Some(nearest) => format!("did you mean {nearest}? A path is written with a separator, as ./{target}"),
        None => format!("mailql accounts lists them; a path is written with a separator, as ./{target}"),
    };
    Error::new(ErrorKind::Config, format!("there is no account and no file {target}")).hint(hint)
}
