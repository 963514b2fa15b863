//! The configuration file: accounts and settings as TOML.
//!
//! Typing errors are errors, with the line they are in. Reads one file when told to, and neither
//! environment nor terminal. What an account can say is in [`account`], what a credential can in [`credential`].

mod account;
mod credential;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use self::account::Account;
use self::credential::Registration;
use super::config::Config;
use crate::error::{Error, ErrorKind, Result};

impl Config {
    /// Reads a configuration file; `~` in paths stands for `home`, other paths are relative to the file.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that it cannot say.
    pub fn read(file: &Path, home: Option<&Path>) -> Result<Self> {
        let text = crate::file::read_named(file)
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
        let absolute = |path: &Path| absolute(path, base, home);
        for (position, (name, registration)) in file.credentials.iter().enumerate() {
            if let Some(other) = file.credentials.keys().take(position).find(|other| other.eq_ignore_ascii_case(name)) {
                return wrong(
                    format!("the credentials '{other}' and '{name}' differ in case only"),
                    "their names match in any case; rename one",
                );
            }
            let line = line_of(text, registration.span().start);
            let checked = registration.get_ref().check();
            checked.map_err(|error| error.context("credential", name).context("line", line.to_string()))?;
        }
        for (name, account) in file.accounts {
            let line = line_of(text, account.span().start);
            let account = account.into_inner().meant(&name, &file.credentials, absolute);
            let (account, outbox) =
                account.map_err(|error| error.context("account", &name).context("line", line.to_string()))?;
            config.outboxes.extend(outbox.map(|outbox| (name.clone(), outbox)));
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
    credentials: BTreeMap<String, Spanned<Registration>>,
    #[serde(default)]
    accounts: BTreeMap<String, Spanned<Account>>,
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

pub(super) fn wrong<T>(message: impl Into<String>, hint: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Config, message).hint(hint))
}

fn absolute(path: &Path, base: &Path, home: Option<&Path>) -> Result<PathBuf> {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Ok(home.join(rest)),
        (Ok(_), None) => Err(Error::new(ErrorKind::Config, format!("{} needs a home directory", path.display()))
            .hint("write the path out in full")),
        (Err(_), _) => Ok(base.join(path)),
    }
}

/// What TOML complains of, in our words and without repeating values, with the line it is in.
fn explained(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().lines().next().unwrap_or("it is no TOML");
    let (complaint, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let expected = expected.trim_start_matches("one of ").replace('`', "");
    let (message, hint) = if let Some(key) = complaint.strip_prefix("unknown field ") {
        (format!("the key {key} is unknown here"), format!("possible are: {expected}"))
    } else if let Some(value) = complaint.strip_prefix("unknown variant ") {
        (format!("{value} is not possible here"), format!("possible are: {expected}"))
    } else if let Some(key) = complaint.strip_prefix("missing field ") {
        (format!("the key {key} is missing"), "add it to the configuration".to_owned())
    } else if complaint.starts_with("invalid ") && !expected.is_empty() {
        ("a value is not of the kind that belongs there".to_owned(), format!("expected is {}", in_words(&expected)))
    } else {
        (message.to_owned(), "correct that line of the configuration".to_owned())
    };
    let explained = Error::new(ErrorKind::Config, message).hint(hint);
    match error.span() {
        Some(span) => explained.context("line", line_of(text, span.start).to_string()),
        None => explained,
    }
}

fn in_words(expected: &str) -> &str {
    match expected {
        "u16" => "a number up to 65535",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text in quotes",
        other => other,
    }
}

fn line_of(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountConfig;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("/etc/x"), Some(Path::new("/home/me")))
    }

    #[test]
    fn paths_are_relative_to_the_file_or_to_home() {
        let config = parse("default = 'B'\n[accounts.a]\nmaildir = '~/Mail'\n[accounts.b]\nmbox = 'all.mbox'\n[accounts.c]\neml = '~/saved'").unwrap();
        assert_eq!(config.accounts["a"], AccountConfig::Maildir("/home/me/Mail".into()));
        assert_eq!(config.accounts["b"], AccountConfig::Mbox("/etc/x/all.mbox".into()));
        assert_eq!(config.accounts["c"], AccountConfig::Eml("/home/me/saved".into()));
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

    #[test]
    fn keys_that_nothing_obeys_are_unknown() {
        for text in ["signature = 'm'", "passwort = 'hunter2'", "[credentials.c]\nclient = 'hunter2'"] {
            let error = parse(&format!("[accounts.work]\nimap = {{ host = 'h' }}\nuser = 'me'\n{text}")).unwrap_err();
            assert!(error.to_string().contains("is unknown here"), "{text}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
