//! The configuration: accounts and settings, out of a TOML file or made in code.
//!
//! Says what there can be and tells what cannot; how the file is written is in `file`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::imap::ImapAccount;
use super::mail_files::{self, Kind};
use super::outbox::DirectoryOutbox;
use super::proofs::Proofs;
use super::token_store::TokenStore;
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
    /// Directories that mail is written into instead of being sent, by the name of the account; a server is not asked then.
    pub outboxes: BTreeMap<String, DirectoryOutbox>,
    /// Where indexes of mail files may be kept; nowhere, and so in memory, when there is none.
    pub cache: Option<PathBuf>,
    /// Where tokens and passwords may be kept when there is no keyring; nowhere when there is none.
    pub state: Option<PathBuf>,
}

/// Where an account's mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountConfig {
    /// A Maildir with its subfolders.
    Maildir(PathBuf),
    /// An mbox file, or a directory of them.
    Mbox(PathBuf),
    /// An `.eml` file, or a directory of them.
    Eml(PathBuf),
    /// An account on an IMAP server.
    Imap(ImapAccount),
}

impl Config {
    /// Makes sure that accounts can be told apart, from each other and from the schemas that there are anyway, and
    /// that live ones can be what they say ([`ImapAccount::check`]).
    ///
    /// # Errors
    /// When names are alike but for their case, one is the name of such a schema, or the default account, or one with an
    /// outbox, is none of them.
    pub fn check(&self) -> Result<()> {
        for (position, (name, account)) in self.accounts.iter().enumerate() {
            if let AccountConfig::Imap(account) = account {
                account.check().map_err(|error| error.context("account", name))?;
            }
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
        for (name, outbox) in &self.outboxes {
            outbox.check().map_err(|error| error.context("account", name))?;
            if !self.accounts.keys().any(|known| known.eq_ignore_ascii_case(name)) {
                let error =
                    Error::new(ErrorKind::Config, format!("there is an outbox for '{name}', which is no account"));
                return Err(error.hint("give it to an account that is configured"));
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

    /// A configuration with the one account that a path or a URL stands for.
    ///
    /// At a path it is named by the path's last part, at a URL `user@host`; see [`ImapAccount::from_url`].
    ///
    /// # Errors
    /// When no mail is at the path, or mail files of two kinds, or the URL is none of an account.
    pub fn from_target(target: &str) -> Result<Self> {
        if !target.contains("://") {
            return Self::from_path(Path::new(target));
        }
        let account = ImapAccount::from_url(target)?;
        Ok(Self::of(account.whose(), AccountConfig::Imap(account)))
    }

    fn from_path(path: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|error| {
            Error::io(format!("cannot open {}", path.display()), error)
                .hint("give a Maildir, an mbox or .eml file, a directory of them, or the name of an account")
        })?;
        let stem = path.file_stem().map_or_else(|| "mail".into(), |stem| stem.to_string_lossy().into_owned());
        let name = if RESERVED[..2].contains(&stem.to_lowercase().as_str()) { format!("{stem}-mail") } else { stem };
        let account = match mail_files::kind_at(&path)? {
            Kind::Maildir => AccountConfig::Maildir(path),
            Kind::Mbox => AccountConfig::Mbox(path),
            Kind::Eml => AccountConfig::Eml(path),
        };
        Ok(Self::of(name, account))
    }

    fn of(name: String, account: AccountConfig) -> Self {
        Self { default: Some(name.clone()), accounts: [(name, account)].into(), ..Self::default() }
    }

    /// The same, with a directory for what must last: tokens and passwords that no keyring keeps.
    #[must_use]
    pub fn with_state(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state = Some(directory.into());
        self
    }

    /// The same, with a directory that the mail of an account is written into instead of being sent.
    #[must_use]
    pub fn with_outbox(mut self, account: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        self.outboxes.insert(account.into(), DirectoryOutbox::at(directory));
        self
    }

    /// The directory that the mail of an account is written into, if it is not sent.
    pub fn outbox(&self, account: &str) -> Option<&DirectoryOutbox> {
        of_name(&self.outboxes, account)
    }

    /// Who the mail of an account is from when it does not say, as it is written in the configuration.
    pub fn sender(&self, account: &str) -> Option<&str> {
        let of_outbox = self.outbox(account).and_then(|outbox| outbox.from.as_deref());
        of_outbox.or_else(|| match of_name(&self.accounts, account)? {
            AccountConfig::Imap(account) => account.from.as_deref(),
            AccountConfig::Maildir(_) | AccountConfig::Mbox(_) | AccountConfig::Eml(_) => None,
        })
    }

    /// What the accounts prove themselves with; to be shared by all that use the accounts at the same time.
    pub fn proofs(&self) -> Proofs {
        Proofs::kept_in(match &self.state {
            Some(state) => TokenStore::at(state.join("tokens")),
            None => TokenStore::default(),
        })
    }

    /// The same, with a directory for indexes of mail files.
    #[must_use]
    pub fn with_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache = Some(directory.into());
        self
    }
}

impl AccountConfig {
    /// What it is, in a few words: `maildir /home/me/Maildir`, `imaps://me@mail.example.org`.
    pub fn describe(&self) -> String {
        match self {
            AccountConfig::Maildir(path) => format!("maildir {}", path.display()),
            AccountConfig::Mbox(path) => format!("mbox {}", path.display()),
            AccountConfig::Eml(path) => format!("eml {}", path.display()),
            AccountConfig::Imap(account) => account.describe(),
        }
    }
}

/// What an account has by its name, in any case.
fn of_name<'a, T>(map: &'a BTreeMap<String, T>, account: &str) -> Option<&'a T> {
    map.iter().find(|(name, _)| name.eq_ignore_ascii_case(account)).map(|(_, value)| value)
}

/// Names that no account can have: two schemas, then words of the command line.
pub const RESERVED: [&str; 10] =
    ["accounts", "information_schema", "config", "demo", "help", "login", "logout", "mail", "queries", "test"];

#[cfg(test)]
mod tests {
    use super::super::imap::Tls;
    use super::*;

    #[test]
    fn names_that_mean_something_else_are_refused() {
        let file = AccountConfig::Mbox("y".into());
        let accounts = [("a".to_owned(), file.clone()), ("A".to_owned(), file.clone())].into();
        assert!(Config { accounts, ..Config::default() }.check().is_err());
        let accounts = [("Information_Schema".to_owned(), file)].into();
        assert!(Config { accounts, ..Config::default() }.check().is_err());
    }

    #[test]
    fn an_account_at_a_url_is_named_by_user_and_host() {
        let config = Config::from_target("imaps://me%40example.org@mail.example.org:1993").unwrap();
        assert_eq!(config.default.as_deref(), Some("me@example.org@mail.example.org"));
        assert_eq!(config.accounts.keys().collect::<Vec<_>>(), ["me@example.org@mail.example.org"]);
        let account = config.accounts.values().next().unwrap();
        assert_eq!(account.describe(), "imaps://me@example.org@mail.example.org:1993");
    }

    #[test]
    fn an_outbox_and_a_sender_are_found_by_the_account_in_any_case() {
        let account = ImapAccount::new("mail.example.org", "me").sender("Me <me@example.org>");
        let config = Config::of("Work".to_owned(), AccountConfig::Imap(account)).with_outbox("work", "/tmp/out");
        config.check().unwrap();
        assert_eq!(config.outbox("WORK"), Some(&DirectoryOutbox::at("/tmp/out")));
        assert_eq!((config.sender("work"), config.sender("home")), (Some("Me <me@example.org>"), None));
        let file = Config::of("a".to_owned(), AccountConfig::Mbox("y".into()));
        let error = file.clone().with_outbox("b", "/tmp/out").check().unwrap_err();
        assert!(error.to_string().contains("outbox for 'b'"), "{error}");
        assert!(file.clone().with_outbox("a", "").check().is_err());
        let mut file = file.with_outbox("a", "out");
        file.outboxes
            .insert("a".to_owned(), DirectoryOutbox { from: Some("me".to_owned()), ..DirectoryOutbox::at("out") });
        assert!(file.check().unwrap_err().to_string().contains("account a"));
    }

    #[test]
    fn accounts_made_in_code_are_checked_too() {
        let account = ImapAccount::new("mail.example.org", "me").tls(Tls::None);
        let config = Config::of("work".to_owned(), AccountConfig::Imap(account));
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("plaintext") && error.contains("account work"), "{error}");
    }
}
