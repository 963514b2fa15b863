//! The configuration file: accounts and settings as TOML.
//!
//! Typing errors are errors, with the line they are in. Reads one file when told to, and neither
//! environment nor terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::config::{AccountConfig, Config, RESERVED};
use super::imap::{ImapAccount, Tls};
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
            let line = line_of(text, account.span().start);
            let account = account.into_inner().meant(&name, |path| absolute(&path, base, home));
            let account = account.map_err(|error| error.context("account", &name).context("line", line.to_string()))?;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like [accounts.work]")]
struct Account {
    maildir: Option<PathBuf>,
    mbox: Option<PathBuf>,
    imap: Option<Server>,
    user: Option<String>,
    password_command: Option<String>,
    ca_file: Option<PathBuf>,
    compress: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like { host = \"mail.example.org\" }")]
struct Server {
    host: String,
    port: Option<u16>,
    tls: Option<Tls>,
}

impl Account {
    fn meant(mut self, name: &str, absolute: impl Fn(PathBuf) -> Result<PathBuf>) -> Result<AccountConfig> {
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return wrong(format!("no account can be named '{name}'"), "choose another name");
        }
        match (self.maildir.take(), self.mbox.take(), self.imap.take()) {
            (Some(path), None, None) => self.of_files().and_then(|()| absolute(path)).map(AccountConfig::Maildir),
            (None, Some(path), None) => self.of_files().and_then(|()| absolute(path)).map(AccountConfig::Mbox),
            (None, None, Some(server)) => self.live(server, absolute).map(AccountConfig::Imap),
            (None, None, None) => wrong(
                format!("account '{name}' does not say where its mail is"),
                "give it maildir = \"…\", mbox = \"…\" or imap = { host = \"…\" }",
            ),
            _ => wrong(
                format!("account '{name}' has more than one of maildir, mbox and imap"),
                "make them accounts of their own; the schema accounts reads all of them at once",
            ),
        }
    }

    /// Mail files are not signed in to.
    fn of_files(&self) -> Result<()> {
        let stray = [
            ("user", self.user.is_some()),
            ("password_command", self.password_command.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("compress", self.compress.is_some()),
        ];
        match stray.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => wrong(format!("mail files have no {key}"), "that key belongs to an account with imap"),
            None => Ok(()),
        }
    }

    fn live(self, server: Server, absolute: impl Fn(PathBuf) -> Result<PathBuf>) -> Result<ImapAccount> {
        let Some(user) = self.user else {
            return wrong(
                "an account with imap needs a user".to_owned(),
                "give it user = \"…\": the name to sign in with, often the whole address",
            );
        };
        let usual = if server.port == Some(Tls::StartTls.default_port()) { Tls::StartTls } else { Tls::Implicit };
        let mut account = ImapAccount::new(server.host, user).tls(server.tls.unwrap_or(usual));
        account.port = server.port.unwrap_or(account.port);
        account.ca_file = self.ca_file.map(absolute).transpose()?;
        account.compress = self.compress;
        if let Some(command) = self.password_command {
            account = account.password_command(command);
        }
        account.check()?;
        Ok(account)
    }
}

fn wrong<T>(message: String, hint: &str) -> Result<T> {
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

    const WORK: &str = "[accounts.work]\nimap = { host = 'mail.example.org' }\nuser = 'me'\n";

    #[test]
    fn a_live_account_has_the_usual_port_and_encryption_unless_it_says_others() {
        for (server, url) in [
            ("host = 'Mail.Example.org'", "imaps://me@mail.example.org"),
            ("host = 'mail.example.org', port = 993, tls = 'implicit'", "imaps://me@mail.example.org"),
            ("host = 'mail.example.org', port = 143", "imap+starttls://me@mail.example.org"),
            ("host = 'mail.example.org', tls = 'starttls'", "imap+starttls://me@mail.example.org"),
            ("host = 'mail.example.org', port = 143, tls = 'implicit'", "imaps://me@mail.example.org:143"),
            ("host = 'mail.example.org', port = 993, tls = 'starttls'", "imap+starttls://me@mail.example.org:993"),
            ("host = '::1', port = 1143, tls = 'none'", "imap://me@[::1]:1143"),
        ] {
            let config = parse(&format!("[accounts.work]\nimap = {{ {server} }}\nuser = 'me'")).unwrap();
            assert_eq!(config.accounts["work"].describe(), url, "{server}");
        }
    }

    #[test]
    fn a_live_account_says_who_tells_the_password_and_whom_to_trust() {
        let config = parse(&format!("{WORK}password_command = 'pass show mail'\nca_file = 'ca.pem'")).unwrap();
        let account = ImapAccount::new("mail.example.org", "me").password_command("pass show mail");
        assert_eq!(config.accounts["work"], AccountConfig::Imap(account.ca_file("/etc/x/ca.pem")));
        let config = parse(&format!("{WORK}ca_file = '~/ca.pem'")).unwrap();
        let account = ImapAccount::new("mail.example.org", "me").ca_file("/home/me/ca.pem");
        assert_eq!(config.accounts["work"], AccountConfig::Imap(account));
    }

    #[test]
    fn a_live_account_says_whether_it_is_compressed_or_leaves_that_open() {
        for (line, compress) in [("", None), ("compress = true", Some(true)), ("compress = false", Some(false))] {
            let config = parse(&format!("{WORK}{line}")).unwrap();
            let account = ImapAccount { compress, ..ImapAccount::new("mail.example.org", "me") };
            assert_eq!(config.accounts["work"], AccountConfig::Imap(account), "{line}");
        }
    }

    #[test]
    fn a_wrong_account_is_told_with_its_line_and_a_way_out() {
        for (text, message, hint) in [
            ("\n[accounts.a]\nimap = { host = 'h' }", "needs a user (account a, line 2)", "user = "),
            ("[accounts.a]\nimap = { port = 993 }\nuser = 'me'", "`host` is missing (line 2)", "add it"),
            ("[accounts.a]\nimap = { host = 'h' }\nuser = 'me'\nmaildir = 'm'", "more than one of", "of their own"),
            ("[accounts.a]\nmaildir = 'm'\nuser = 'me'", "mail files have no user (account a, line 1)", "imap"),
            ("[accounts.a]\nmbox = 'm'\ncompress = false", "mail files have no compress (account a, line 1)", "imap"),
            ("[accounts.a]\nimap = { host = 'h', compress = true }", "is unknown here (line 2)", "host, port, tls"),
            ("[accounts.a]\ncompress = 'true'", "kind that belongs there (line 2)", "true or false"),
            ("[accounts.a]\ncompress = 1", "kind that belongs there (line 2)", "true or false"),
            ("[accounts.a]\nuser = 'me'", "where its mail is", "imap = {"),
            (
                "[accounts.a]\nimap = { host = 'h', tls = 'ssl' }",
                "`ssl` is not possible here (line 2)",
                "implicit, starttls, none",
            ),
            ("[accounts.a]\nimap = { host = 'h', tls = 'none' }\nuser = 'me'", "plaintext to h", "imaps://"),
            ("[accounts.a]\nimap = { host = 'h', port = 70000 }", "kind that belongs there (line 2)", "65535"),
            ("[accounts.a]\nimap = 'h'", "kind that belongs there (line 2)", "{ host ="),
            ("[accounts]\na = 'imaps://me:hunter2@h'", "kind that belongs there (line 2)", "[accounts.work]"),
            ("[accounts.a]\nimap = { host = 'h:993' }\nuser = 'me'", "no name of a host", "alone"),
            ("[accounts.login]\nmbox = 'm'", "no account can be named 'login' (account login, line 1)", "another"),
        ] {
            let error = parse(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().contains(message) && !shown.contains("hunter2"), "{text}: {error}");
            assert!(error.way_out().unwrap().contains(hint), "{text}: {:?}", error.way_out());
        }
    }

    #[test]
    fn keys_that_nothing_obeys_are_unknown() {
        for key in
            ["password = 'hunter2'", "provider = 'p'", "credential = 'c'", "token_command = 't'", "mailbox = 'm'"]
        {
            let error = parse(&format!("{WORK}{key}")).unwrap_err();
            assert!(error.to_string().contains("is unknown here (line 4)"), "{key}: {error}");
            assert!(
                error.way_out().unwrap().contains("maildir, mbox, imap, user, password_command, ca_file, compress")
            );
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        for text in ["smtp = { host = 'h' }", "from = 'm'", "[credentials.c]\nclient_id = 'x'"] {
            assert!(parse(&format!("{WORK}{text}")).is_err(), "{text}");
        }
    }
}
