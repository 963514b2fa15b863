//! An account as the configuration writes it.
//!
//! It knows which keys belong together; what comes of them is an [`AccountConfig`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::credential::{Registration, known};
use super::wrong;
use crate::account::config::{AccountConfig, RESERVED};
use crate::account::credential::Keep;
use crate::account::imap::{ImapAccount, SmtpServer, Tls};
use crate::account::limits::Written;
use crate::account::outbox::DirectoryOutbox;
use crate::account::password::Password;
use crate::account::provider::{PROVIDERS, Place, Provider};
use crate::account::sign_in::SignIn;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like [accounts.work]")]
pub(super) struct Account {
    maildir: Option<PathBuf>,
    mbox: Option<PathBuf>,
    eml: Option<PathBuf>,
    imap: Option<Server>,
    smtp: Option<Server>,
    outbox: Option<PathBuf>,
    from: Option<String>,
    sent_copy: Option<bool>,
    provider: Option<String>,
    user: Option<String>,
    mailbox: Option<String>,
    credential: Option<String>,
    token_command: Option<String>,
    password_command: Option<String>,
    password: Option<String>,
    ca_file: Option<PathBuf>,
    compress: Option<bool>,
    limits: Option<Written>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like { host = \"mail.example.org\" }")]
struct Server {
    host: String,
    port: Option<u16>,
    tls: Option<Tls>,
}

impl Account {
    /// What it means, and where its mail is written into if it is not sent; `credentials` are those of the file, and
    /// `absolute` makes a path one that holds anywhere.
    ///
    /// # Errors
    /// It says too little, too much, or what cannot be.
    pub(super) fn meant(
        self,
        name: &str,
        credentials: &BTreeMap<String, Spanned<Registration>>,
        absolute: impl Fn(&Path) -> Result<PathBuf>,
    ) -> Result<(AccountConfig, Option<DirectoryOutbox>)> {
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return wrong(format!("no account can be named '{name}'"), "choose another name");
        }
        let outbox = match &self.outbox {
            Some(directory) => {
                let outbox = DirectoryOutbox { directory: directory.clone(), from: self.from.clone() };
                outbox.check()?;
                Some(DirectoryOutbox { directory: absolute(directory)?, ..outbox })
            }
            None => None,
        };
        let is_live = self.imap.is_some() || self.provider.is_some();
        let of_files = |path: PathBuf| self.of_files().and_then(|()| absolute(&path));
        let account = match (self.maildir.clone(), self.mbox.clone(), self.eml.clone(), is_live) {
            (Some(path), None, None, false) => of_files(path).map(AccountConfig::Maildir),
            (None, Some(path), None, false) => of_files(path).map(AccountConfig::Mbox),
            (None, None, Some(path), false) => of_files(path).map(AccountConfig::Eml),
            (None, None, None, true) => self.live(credentials, absolute).map(AccountConfig::Imap),
            (None, None, None, false) => wrong(
                format!("account '{name}' does not say where its mail is"),
                "give it maildir = \"…\", mbox = \"…\", eml = \"…\", imap = { host = \"…\" } or provider = \"…\"",
            ),
            _ => wrong(
                format!("account '{name}' has more than one of maildir, mbox, eml and imap (or provider)"),
                "make them accounts of their own; the schema accounts reads all of them at once",
            ),
        };
        Ok((account?, outbox))
    }

    /// Mail files are not signed in to.
    fn of_files(&self) -> Result<()> {
        let stray = [
            ("user", self.user.is_some()),
            ("smtp", self.smtp.is_some()),
            ("sent_copy", self.sent_copy.is_some()),
            ("mailbox", self.mailbox.is_some()),
            ("credential", self.credential.is_some()),
            ("token_command", self.token_command.is_some()),
            ("password_command", self.password_command.is_some()),
            ("password", self.password.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("compress", self.compress.is_some()),
            ("limits", self.limits.is_some()),
        ];
        match stray.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => wrong(format!("mail files have no {key}"), "that key belongs to an account with imap"),
            None if self.from.is_some() && self.outbox.is_none() => wrong(
                "mail files have no from, as no mail is sent from them",
                "give the account an outbox, too, or make an account with imap",
            ),
            None => Ok(()),
        }
    }

    fn live(
        self,
        credentials: &BTreeMap<String, Spanned<Registration>>,
        absolute: impl Fn(&Path) -> Result<PathBuf>,
    ) -> Result<ImapAccount> {
        let provider = self.provider.as_deref().map(provider).transpose()?.flatten();
        let Some(user) = self.user.clone() else {
            return wrong(
                "an account with imap needs a user",
                "give it user = \"…\": the name to sign in with, often the whole address",
            );
        };
        let sign_in = self.sign_in(provider, credentials, &absolute)?;
        let Some(server) = self.imap.or_else(|| provider.map(|provider| Server::from(provider.imap))) else {
            return wrong("the provider custom has no servers of its own", "add imap = { host = \"…\" }");
        };
        let usual = if server.port == Some(Tls::StartTls.default_port()) { Tls::StartTls } else { Tls::Implicit };
        let mut account = ImapAccount::new(server.host, user).tls(server.tls.unwrap_or(usual));
        account.port = server.port.unwrap_or(account.port);
        if self.smtp.is_some() && self.outbox.is_some() {
            return wrong(
                "mail is sent by smtp or written into an outbox, and this account has both",
                "leave one of them out",
            );
        }
        let hands_in = self.outbox.is_none();
        let of_provider = || provider.filter(|_| hands_in).map(|provider| Server::from(provider.smtp));
        account.smtp = self.smtp.or_else(of_provider).map(|server| {
            let usual = if server.port == Some(587) { Tls::StartTls } else { Tls::Implicit };
            let smtp = SmtpServer::new(server.host, server.tls.unwrap_or(usual));
            SmtpServer { port: server.port.unwrap_or(smtp.port), ..smtp }
        });
        account.ca_file = self.ca_file.as_deref().map(absolute).transpose()?;
        account.compress = self.compress;
        account.limits = Box::new(self.limits.map(Written::meant).transpose()?.unwrap_or_default());
        account.mailbox = self.mailbox;
        account.from = self.from;
        account.sent_copy = self.sent_copy;
        account.sign_in = sign_in;
        account.check()?;
        Ok(account)
    }

    fn sign_in(
        &self,
        provider: Option<&Provider>,
        credentials: &BTreeMap<String, Spanned<Registration>>,
        absolute: impl Fn(&Path) -> Result<PathBuf>,
    ) -> Result<SignIn> {
        let given = [
            ("credential", self.credential.as_ref()),
            ("token_command", self.token_command.as_ref()),
            ("password_command", self.password_command.as_ref()),
            ("password", self.password.as_ref()),
        ];
        let given: Vec<_> = given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let nobody = ImapAccount::new("", "");
        Ok(match given.as_slice() {
            [] => nobody.sign_in,
            [("credential", name)] => {
                let oauth = provider.and_then(|provider| provider.oauth.as_ref());
                nobody.credential(known(credentials, name)?.meant(oauth, absolute)?).sign_in
            }
            [("token_command", line)] => nobody.token_command(line.as_str()).sign_in,
            [("password_command", line)] => nobody.password_command(line.as_str()).sign_in,
            // Whatever else is there may be the password itself, and is not repeated.
            [(_, place)] => SignIn::Password(Password::Kept(match place.as_str() {
                "keyring" => Keep::Keyring,
                "file" => Keep::File,
                _ => {
                    return wrong(
                        "password says where the password is kept, not what it is",
                        "password = \"keyring\" or \"file\", and mailql login asks for it; or use password_command",
                    );
                }
            })),
            [(first, _), (second, _), ..] => {
                return wrong(
                    format!("an account signs in one way, and this one has {first} and {second}"),
                    "leave one of them out",
                );
            }
        })
    }
}

impl From<Place> for Server {
    fn from(place: Place) -> Self {
        Self { host: place.host.to_owned(), port: Some(place.port), tls: Some(place.tls) }
    }
}

/// The provider of a name; `custom` is none.
fn provider(name: &str) -> Result<Option<&'static Provider>> {
    if name.eq_ignore_ascii_case("custom") {
        return Ok(None);
    }
    match Provider::named(name) {
        Some(provider) => Ok(Some(provider)),
        None => {
            let names = PROVIDERS.iter().map(|provider| provider.name).collect::<Vec<_>>().join(", ");
            wrong(
                format!("the provider '{name}' is not known"),
                &format!("known are {names} and custom; for others, give imap = {{ host = \"…\" }}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Config, TokenSource};

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("/etc/x"), Some(Path::new("/home/me")))
    }

    fn live(text: &str) -> ImapAccount {
        match parse(text).unwrap().accounts.remove("work") {
            Some(AccountConfig::Imap(account)) => account,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_provider_says_all_that_is_usual_there() {
        let account = live(
            "[credentials.c]\nclient_id = 'x'\n[accounts.work]\nprovider = 'microsoft365'\nuser = 'me@example.org'\ncredential = 'c'",
        );
        assert_eq!((account.host.as_str(), account.port, account.tls), ("outlook.office365.com", 993, Tls::Implicit));
        assert_eq!(account.smtp, Some(SmtpServer::new("smtp.office365.com", Tls::StartTls)));
        let SignIn::Token(TokenSource::Credential(credential)) = &account.sign_in else { panic!("{account:?}") };
        assert!(credential.token_endpoint.starts_with("https://login.microsoftonline.com/organizations/"));
        let own = "[credentials.c]\nclient_id = 'x'\ntoken_endpoint = 'https://login.example.org/t'\n[accounts.work]\nprovider = 'gmail'\nimap = { host = 'h' }\nuser = 'me'\ncredential = 'c'";
        let account = live(own);
        let SignIn::Token(TokenSource::Credential(credential)) = &account.sign_in else { panic!("{account:?}") };
        assert_eq!((account.host.as_str(), credential.token_endpoint.as_str()), ("h", "https://login.example.org/t"));
    }

    #[test]
    fn an_account_signs_in_one_way() {
        let signed_in = |keys: &str| live(&format!("{WORK}{keys}")).sign_in;
        assert_eq!(signed_in("password = 'keyring'"), SignIn::Password(Password::Kept(Keep::Keyring)));
        assert_eq!(signed_in("token_command = 't'"), SignIn::Token(TokenSource::Command("t".to_owned())));
        assert_eq!(signed_in(""), SignIn::Password(Password::Missing));
        for (keys, message) in [
            ("password = 'hunter2'", "not what it is"),
            ("password = 'file'\ntoken_command = 'hunter2'", "token_command and password"),
            ("credential = 'corp'", "no credential 'corp'"),
            ("provider = 'gmial'", "'gmial' is not known"),
        ] {
            let error = parse(&format!("{WORK}{keys}")).unwrap_err();
            assert!(error.to_string().contains(message) && error.way_out().is_some(), "{keys}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_server_that_takes_mail_has_the_usual_port_unless_it_says_another() {
        for (server, port, tls) in [
            ("host = 'h'", 465, Tls::Implicit),
            ("host = 'h', port = 587", 587, Tls::StartTls),
            ("host = 'h', tls = 'starttls'", 587, Tls::StartTls),
            ("host = 'h', port = 25, tls = 'starttls'", 25, Tls::StartTls),
        ] {
            let smtp = live(&format!("{WORK}smtp = {{ {server} }}")).smtp.unwrap();
            assert_eq!((smtp.port, smtp.tls), (port, tls), "{server}");
        }
        assert!(parse(&format!("{WORK}smtp = {{ host = 'h', tls = 'none' }}")).is_err());
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
    fn an_account_says_who_its_mail_is_from_and_whether_a_copy_is_filed() {
        let account = live(&format!("{WORK}from = 'Me <me@example.org>'\nsent_copy = false"));
        assert_eq!((account.from.as_deref(), account.sent_copy), (Some("Me <me@example.org>"), Some(false)));
        assert_eq!((live(WORK).from, live(WORK).sent_copy), (None, None));
    }

    #[test]
    fn mail_may_be_written_into_a_directory_wherever_mail_is_read() {
        let outbox = |text: &str| parse(text).unwrap().outboxes.remove("work");
        let at = |path: &str| Some(DirectoryOutbox::at(path));
        assert_eq!(outbox("[accounts.work]\nmaildir = 'm'\noutbox = '~/out'"), at("/home/me/out"));
        assert_eq!(outbox("[accounts.work]\nmbox = 'm'\noutbox = 'out'"), at("/etc/x/out"));
        assert_eq!(outbox(&format!("{WORK}outbox = '/srv/out'")), at("/srv/out"));
        assert_eq!((outbox(WORK), outbox("[accounts.work]\nmbox = 'm'")), (None, None));
        assert_eq!(outbox("[accounts.work]\neml = 'm'\noutbox = 'out'"), at("/etc/x/out"));
        let text = "[accounts.work]\nmbox = 'm'\noutbox = 'out'\nfrom = 'me@example.org'";
        assert_eq!(parse(text).unwrap().sender("Work"), Some("me@example.org"));
        assert_eq!(parse(&format!("{WORK}from = 'me@example.org'")).unwrap().sender("work"), Some("me@example.org"));
    }

    #[test]
    fn an_outbox_takes_the_place_of_the_server_of_a_provider() {
        let gmail = "[accounts.work]\nprovider = 'gmail'\nuser = 'me@gmail.com'\n";
        assert!(live(gmail).smtp.is_some() && live(&format!("{gmail}outbox = 'out'")).smtp.is_none());
    }

    #[test]
    fn a_wrong_account_is_told_with_its_line_and_a_way_out() {
        for (text, message, hint) in [
            ("\n[accounts.a]\nimap = { host = 'h' }", "needs a user (account a, line 2)", "user = "),
            ("[accounts.a]\nimap = { port = 993 }\nuser = 'me'", "`host` is missing (line 2)", "add it"),
            ("[accounts.a]\nimap = { host = 'h' }\nuser = 'me'\nmaildir = 'm'", "more than one of", "of their own"),
            ("[accounts.a]\neml = 'm'\nmbox = 'm'", "more than one of", "of their own"),
            ("[accounts.a]\neml = 'm'\nuser = 'me'", "mail files have no user (account a, line 1)", "imap"),
            ("[accounts.a]\neml = 1", "kind that belongs there (line 2)", ""),
            ("[accounts.a]\nmaildir = 'm'\nuser = 'me'", "mail files have no user (account a, line 1)", "imap"),
            ("[accounts.a]\nmbox = 'm'\nfrom = 'me@h'", "no from, as no mail is sent from them (account a", "outbox"),
            ("[accounts.a]\nmbox = 'm'\nsent_copy = true", "no sent_copy (account a, line 1)", "imap"),
            ("[accounts.a]\nmbox = 'm'\noutbox = 'o'\nfrom = 'me'", "address on one line (account a, line 1)", "me@"),
            ("[accounts.a]\nmbox = 'm'\noutbox = ''", "this one has no name (account a", "outbox ="),
            ("[accounts.a]\nimap = { host = 'h' }\nuser = 'me'\nfrom = 'Me'", "address on one line", "me@"),
            ("[accounts.a]\nimap = { host = 'h' }\nuser = 'me'\nfrom = \"me@h\\nX: y\"", "address on one line", "me@"),
            (
                "[accounts.a]\nimap = { host = 'h' }\nsmtp = { host = 'h' }\nuser = 'me'\noutbox = 'o'",
                "has both (account a, line 1)",
                "leave one",
            ),
            (
                "[accounts.a]\nprovider = 'gmail'\nsmtp = { host = 'h' }\nuser = 'me'\noutbox = 'o'",
                "has both",
                "leave one",
            ),
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
}
