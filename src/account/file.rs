//! The configuration file: accounts and settings as TOML.
//!
//! Typing errors are errors, with the line they are in. Reads one file when told to, and neither
//! environment nor terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::{AccountConfig, Config, RESERVED};
use crate::error::{Error, ErrorKind, Result};

impl Config {
    /// Reads a configuration file; `~` in paths stands for `home`, other paths are relative to the file.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that it cannot say.
    pub fn read(file: &Path, home: Option<&Path>) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::io(format!("cannot read the configuration {}", file.display()), error))?;
        let base = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, base, home).map_err(|error| error.context("file", file.display().to_string()))
    }

    /// Reads a configuration; `~` in paths stands for `home`, other paths are relative to `base`.
    ///
    /// # Errors
    /// When it is no TOML, or says something that it cannot say.
    pub fn parse(text: &str, base: &Path, home: Option<&Path>) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| explained(text, &error))?;
        let mut config = Self { default: file.default, ..Self::default() };
        for (name, value) in file.settings {
            config.settings.insert(name, value.text());
        }
        for (name, account) in file.accounts {
            if RESERVED.contains(&name.to_lowercase().as_str()) {
                let error = Error::new(ErrorKind::Config, format!("no account can be named '{name}'"));
                return Err(error.hint("choose another name"));
            }
            let account = account.meant(&name, |path| absolute(&path, base, home))?;
            config.accounts.insert(name, account);
        }
        config.check()?;
        Ok(config)
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Option<String>,
    #[serde(default)]
    settings: BTreeMap<String, Setting>,
    #[serde(default)]
    accounts: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Setting {
    Text(String),
    Bool(bool),
    Number(i64),
}

impl Setting {
    fn text(self) -> String {
        match self {
            Setting::Text(text) => text,
            Setting::Bool(is) => is.to_string(),
            Setting::Number(number) => number.to_string(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    maildir: Option<PathBuf>,
    mbox: Option<PathBuf>,
}

impl Account {
    fn meant(self, name: &str, absolute: impl Fn(PathBuf) -> Result<PathBuf>) -> Result<AccountConfig> {
        match (self.maildir, self.mbox) {
            (Some(path), None) => absolute(path).map(AccountConfig::Maildir),
            (None, Some(path)) => absolute(path).map(AccountConfig::Mbox),
            (None, None) => {
                Err(Error::new(ErrorKind::Config, format!("account '{name}' does not say where its mail is"))
                    .hint("give it maildir = \"…\" or mbox = \"…\""))
            }
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorKind::Config, format!("account '{name}' has both a maildir and an mbox"))
                    .hint("make them two accounts; the schema accounts reads all of them at once"))
            }
        }
    }
}

fn absolute(path: &Path, base: &Path, home: Option<&Path>) -> Result<PathBuf> {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Ok(home.join(rest)),
        (Ok(_), None) => Err(Error::new(ErrorKind::Config, format!("{} needs a home directory", path.display()))
            .hint("write the path out in full")),
        (Err(_), _) => Ok(base.join(path)),
    }
}

/// What TOML complains of, in one line, with the line it is in.
fn explained(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().lines().next().unwrap_or("it is no TOML").to_owned();
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = line.map(|line| format!(" in line {line}")).unwrap_or_default();
    Error::new(ErrorKind::Config, format!("{message}{place}")).hint("correct that line of the configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("/etc/x"), Some(Path::new("/home/me")))
    }

    #[test]
    fn paths_are_relative_to_the_file_or_to_home() {
        let config = parse("default = 'B'\n[accounts.a]\nmaildir = '~/Mail'\n[accounts.b]\nmbox = 'all.mbox'").unwrap();
        assert_eq!(config.accounts["a"], AccountConfig::Maildir("/home/me/Mail".into()));
        assert_eq!(config.accounts["b"], AccountConfig::Mbox("/etc/x/all.mbox".into()));
    }

    #[test]
    fn a_typing_error_is_told_with_its_line() {
        let error = parse("[accounts.a]\nmboks = 'x'").unwrap_err();
        assert!(error.to_string().contains("mboks") && error.to_string().contains("line 2"), "{error}");
        assert!(parse("[acounts.a]\nmbox = 'x'").is_err());
        assert!(parse("default = 'zz'").is_err());
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        assert!(parse("[accounts.Accounts]\nmbox = 'x'").is_err());
        assert!(parse("[accounts.a]\nmbox = 'x'\n[accounts.A]\nmbox = 'y'").is_err());
    }
}
