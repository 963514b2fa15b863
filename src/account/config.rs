//! The configuration: accounts and settings, out of a TOML file or made in code.
//!
//! Typing errors are errors, with the line they are in. Reads one file when told to, and neither
//! environment nor terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// Accounts by name, and settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The account that tables belong to when no account is named; else the first by name.
    pub default: Option<String>,
    /// Settings under `mailql.`, by their name without it.
    pub settings: BTreeMap<String, String>,
    /// The accounts.
    pub accounts: BTreeMap<String, AccountConfig>,
    /// Where indexes of mail files may be kept; nowhere, and so in memory, when there is none.
    pub cache: Option<PathBuf>,
}

/// Where an account's mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountConfig {
    /// A Maildir with its subfolders.
    Maildir(PathBuf),
    /// An mbox file, or a directory of them.
    Mbox(PathBuf),
}

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

    /// Makes sure that accounts can be told apart, from each other and from the schemas that there are anyway.
    ///
    /// # Errors
    /// When names are alike but for their case, one is the name of such a schema, or the default account is none of them.
    pub fn check(&self) -> Result<()> {
        for (position, name) in self.accounts.keys().enumerate() {
            if RESERVED[..2].iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
                let error = Error::new(ErrorKind::Config, format!("no account can be named '{name}'"));
                return Err(error.hint("choose another name"));
            }
            if let Some(other) = self.accounts.keys().take(position).find(|other| other.eq_ignore_ascii_case(name)) {
                let error =
                    Error::new(ErrorKind::Config, format!("the accounts '{other}' and '{name}' differ in case only"));
                return Err(error.hint("account names match in any case; rename one"));
            }
        }
        let is_known = |name: &&String| self.accounts.keys().any(|known| known.eq_ignore_ascii_case(name));
        match self.default.as_ref().filter(|default| !is_known(default)) {
            Some(default) => {
                let known: Vec<_> = self.accounts.keys().map(String::as_str).collect();
                let error = Error::new(ErrorKind::Config, format!("the default account '{default}' is not configured"));
                Err(error.hint(format!("configured are: {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// A configuration with the one account that a path stands for, named by its last part.
    ///
    /// # Errors
    /// When nothing is there, or it is a URL.
    pub fn from_target(target: &str) -> Result<Self> {
        if target.contains("://") {
            return Err(Error::new(
                ErrorKind::Config,
                format!("cannot open {target}: only mail files can be read, so far"),
            )
            .hint("give a Maildir, an mbox file or a directory of them"));
        }
        Self::from_path(Path::new(target))
    }

    fn from_path(path: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|error| {
            Error::io(format!("cannot open {}", path.display()), error)
                .hint("give a Maildir, an mbox file, a directory of them, or the name of an account")
        })?;
        let stem = path.file_stem().map_or_else(|| "mail".into(), |stem| stem.to_string_lossy().into_owned());
        let name = if RESERVED[..2].contains(&stem.to_lowercase().as_str()) { format!("{stem}-mail") } else { stem };
        let account = if is_maildir(&path) { AccountConfig::Maildir(path) } else { AccountConfig::Mbox(path) };
        Ok(Self { default: Some(name.clone()), accounts: [(name, account)].into(), ..Self::default() })
    }

    /// The same, with a directory for indexes of mail files.
    #[must_use]
    pub fn with_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache = Some(directory.into());
        self
    }
}

impl AccountConfig {
    /// What it is, in a few words: `maildir /home/me/Maildir`.
    pub fn describe(&self) -> String {
        match self {
            AccountConfig::Maildir(path) => format!("maildir {}", path.display()),
            AccountConfig::Mbox(path) => format!("mbox {}", path.display()),
        }
    }
}

/// Names that no account can have: two schemas, then words of the command line.
pub const RESERVED: [&str; 10] =
    ["accounts", "information_schema", "config", "demo", "help", "login", "logout", "mail", "queries", "test"];

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

/// Whether a directory looks like a Maildir: it, or a folder in it, has `cur` or `new`.
fn is_maildir(path: &Path) -> bool {
    let has_mail = |path: &Path| path.join("cur").is_dir() || path.join("new").is_dir();
    let has_folder = || {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.take(1_000).any(|entry| has_mail(&entry.path()))
    };
    path.is_dir() && (has_mail(path) || has_folder())
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
        let mut config = parse("[accounts.a]\nmbox = 'x'").unwrap();
        config.accounts.insert("Information_Schema".to_owned(), AccountConfig::Mbox("y".into()));
        assert!(config.check().is_err());
    }
}
