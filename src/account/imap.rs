//! A live account: which server, how it is reached, and as whom.
//!
//! Plain data, and what cannot be; connecting is the room `imap`. Written as a URL it is in `url`.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use url::Host;

use super::credential::Credential;
use super::limits::Limits;
use super::outbox::check_sender;
use super::password::Password;
use super::sasl::Identity;
use super::secret::Secret;
use super::sign_in::{SignIn, TokenSource};
use crate::error::{Error, ErrorKind, Result};

/// An account on an IMAP server.
///
/// ```
/// use mailql::{ImapAccount, Tls};
///
/// let account = ImapAccount::new("mail.example.org", "me@example.org").password_command("pass show mail");
/// assert_eq!((account.port, account.tls), (993, Tls::Implicit));
/// let account = account.tls(Tls::StartTls);
/// assert_eq!(account.describe(), "imap+starttls://me@example.org@mail.example.org");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImapAccount {
    /// The name or address of the server; an IPv6 address has no brackets.
    pub host: String,
    /// The port; 993 for implicit TLS, 143 otherwise, unless somebody says another.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// The name to sign in with.
    pub user: String,
    /// What the user signs in with, to read and to send.
    pub sign_in: SignIn,
    /// The mailbox that is opened when it is not the user's own: one that is shared, or whose owner lets the user in.
    pub mailbox: Option<String>,
    /// Where mail is handed in, if anywhere.
    pub smtp: Option<SmtpServer>,
    /// Who mail is from, when it does not say: `me@example.org`, `Me <me@example.org>`; else the user, where that is an
    /// address. It is kept as it is written.
    pub from: Option<String>,
    /// Whether a copy of what is sent is filed among the account's own mail; else it is, unless the server does so itself.
    pub sent_copy: Option<bool>,
    /// A file of certificates (PEM) that are trusted as well as the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the connection is compressed where the server can (RFC 4978); else it is when the server is not on this
    /// computer or in a private network.
    pub compress: Option<bool>,
    /// What the server may send at most.
    pub limits: Box<Limits>,
}

/// Where an account hands mail in (RFC 6409).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// The name or address of the server; an IPv6 address has no brackets.
    pub host: String,
    /// The port; 465 is usual for implicit TLS, 587 for STARTTLS.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// From the first byte on (RFC 8314 §3).
    Implicit,
    /// After the command STARTTLS, and before anything else (RFC 9051 §6.2.1).
    StartTls,
    /// Not at all; only to this computer.
    None,
}

impl Tls {
    /// The port that is usual for it.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Implicit => 993,
            Self::StartTls | Self::None => 143,
        }
    }

    /// The scheme of URLs that stands for it.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Implicit => "imaps",
            Self::StartTls => "imap+starttls",
            Self::None => "imap",
        }
    }
}

impl ImapAccount {
    /// An account with implicit TLS at port 993, and no password yet.
    pub fn new(host: impl Into<String>, user: impl Into<String>) -> Self {
        let host = host.into();
        let tls = Tls::Implicit;
        Self {
            // What is no name of a host stays, and is refused by `check`.
            host: plain_host(&host).unwrap_or(host),
            port: tls.default_port(),
            tls,
            user: user.into(),
            sign_in: SignIn::Password(Password::Missing),
            mailbox: None,
            smtp: None,
            from: None,
            sent_copy: None,
            ca_file: None,
            compress: None,
            limits: Box::default(),
        }
    }

    /// Sets another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets how the connection is encrypted; a port that was the usual one stays the usual one.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        if self.port == self.tls.default_port() {
            self.port = tls.default_port();
        }
        self.tls = tls;
        self
    }

    /// Gives the password.
    #[must_use]
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.sign_in = SignIn::Password(Password::Given(password.into()));
        self
    }

    /// Has the password told by a command of the shell, on the first line that it prints.
    #[must_use]
    pub fn password_command(mut self, command: impl Into<String>) -> Self {
        self.sign_in = SignIn::Password(Password::Command(command.into()));
        self
    }

    /// Gives an access token.
    #[must_use]
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.sign_in = SignIn::Token(TokenSource::Given(token.into()));
        self
    }

    /// Has access tokens told by a command of the shell, on the first line that it prints.
    #[must_use]
    pub fn token_command(mut self, command: impl Into<String>) -> Self {
        self.sign_in = SignIn::Token(TokenSource::Command(command.into()));
        self
    }

    /// Has access tokens got by a client of a provider.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.sign_in = SignIn::Token(TokenSource::Credential(Box::new(credential)));
        self
    }

    /// Opens another's mailbox.
    #[must_use]
    pub fn mailbox(mut self, mailbox: impl Into<String>) -> Self {
        self.mailbox = Some(mailbox.into());
        self
    }

    /// Says where mail is handed in.
    #[must_use]
    pub fn smtp(mut self, server: SmtpServer) -> Self {
        self.smtp = Some(server);
        self
    }

    /// Says who mail is from, when it does not say itself: `Me <me@example.org>`.
    #[must_use]
    pub fn sender(mut self, from: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Has a copy of what is sent filed among the account's own mail, or never.
    #[must_use]
    pub fn sent_copy(mut self, is_filed: bool) -> Self {
        self.sent_copy = Some(is_filed);
        self
    }

    /// Trusts the certificates of a file (PEM) as well as the system's.
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// Sets what the server may send at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Box::new(limits);
        self
    }

    /// Has the connection compressed where the server can, or never, wherever the server is.
    #[must_use]
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = Some(compress);
        self
    }

    /// Makes sure that it can be connected to at all, and that no password goes over a network in the clear.
    ///
    /// # Errors
    /// The host is no host, the port is 0, the user is empty, the sender is none, or plaintext would leave this computer.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: String, hint: &str| Err(Error::new(ErrorKind::Config, message).hint(hint));
        check_server(
            (&self.host, self.port, self.tls),
            "993 is usual with TLS, 143 with STARTTLS",
            "use imaps:// (tls = \"implicit\") or imap+starttls:// (tls = \"starttls\")",
        )?;
        if self.user.is_empty() || self.user.chars().any(char::is_control) {
            return wrong(
                "the user of an account is a name on one line".to_owned(),
                "give the name to sign in with, often the whole address: me@example.org",
            );
        }
        if self.mailbox.as_ref().is_some_and(|mailbox| mailbox.is_empty() || mailbox.chars().any(char::is_control)) {
            return wrong(
                "the mailbox of an account is a name on one line".to_owned(),
                "give the address of the mailbox: shared@example.org",
            );
        }
        self.from.as_deref().map_or(Ok(()), check_sender)?;
        if let SignIn::Token(TokenSource::Credential(credential)) = &self.sign_in {
            credential.check()?;
        }
        self.smtp.as_ref().map_or(Ok(()), SmtpServer::check)
    }

    /// Who signs in, and for whose mail, at the server that mail is read from.
    pub fn identity(&self) -> Identity<'_> {
        Identity { user: &self.user, mailbox: self.mailbox.as_deref(), host: &self.host, port: self.port }
    }

    /// The same at the server that takes mail.
    pub fn identity_at<'a>(&'a self, smtp: &'a SmtpServer) -> Identity<'a> {
        Identity { host: &smtp.host, port: smtp.port, ..self.identity() }
    }

    /// Who signs in where: `me@mail.example.org`.
    pub fn whose(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// The account as a URL, without password: `imaps://me@mail.example.org`; the port only when it is not the usual one.
    pub fn describe(&self) -> String {
        let scheme = self.tls.scheme();
        let user = utf8_percent_encode(&self.user, NOT_IN_A_USER);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = if self.port == self.tls.default_port() { String::new() } else { format!(":{}", self.port) };
        format!("{scheme}://{user}@{host}{port}")
    }
}

impl SmtpServer {
    /// A server at the port that is usual for its encryption: 465, or 587.
    pub fn new(host: impl Into<String>, tls: Tls) -> Self {
        let host = host.into();
        Self { host: plain_host(&host).unwrap_or(host), port: if tls == Tls::Implicit { 465 } else { 587 }, tls }
    }

    fn check(&self) -> Result<()> {
        check_server(
            (&self.host, self.port, self.tls),
            "465 is usual with TLS, 587 with STARTTLS",
            "use tls = \"implicit\" or \"starttls\"",
        )
    }
}

/// Makes sure that a server can be connected to, and that nothing goes to it over a network in the clear; with what is
/// usual, and how encryption is asked for, there.
fn check_server((host, port, tls): (&str, u16, Tls), usual: &str, encrypted: &str) -> Result<()> {
    let wrong = |message: String, hint: &str| Err(Error::new(ErrorKind::Config, message).hint(hint));
    if plain_host(host).is_none() {
        return wrong(
            format!("'{host}' is no name of a host"),
            "give the name or address of the server alone, as mail.example.org; the port is a thing of its own",
        );
    }
    if port == 0 {
        return wrong("0 is no port to connect to".to_owned(), usual);
    }
    if tls == Tls::None && !is_this_computer(host) {
        return wrong(
            format!("plaintext to {host} is refused: anybody on the way could read the password and the mail"),
            encrypted,
        );
    }
    Ok(())
}

/// A host as it is looked up: in lower case, in ASCII, without brackets; `None` when it is none.
fn plain_host(host: &str) -> Option<String> {
    let address = host.parse::<IpAddr>().ok().map(|address| address.to_string());
    address.or_else(|| {
        Some(match Host::parse(host).ok()? {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        })
    })
}

/// Whether it is a name or an address of this computer.
pub(super) fn is_this_computer(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What would end the user in a URL, or be taken for an escape; an @ may stand, for the last one counts.
const NOT_IN_A_USER: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b':').add(b'<').add(b'>').add(b'?').add(b'\\');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_follows_the_encryption_unless_it_was_set() {
        let account = ImapAccount::new("mail.example.org", "me");
        assert_eq!(account.port, 993);
        assert_eq!(account.clone().tls(Tls::StartTls).port, 143);
        assert_eq!(account.port(1993).tls(Tls::StartTls).port, 1993);
    }

    #[test]
    fn plaintext_stays_on_this_computer() {
        let checked = |host: &str| ImapAccount::new(host, "me").tls(Tls::None).check();
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(checked(host).is_ok(), "{host}");
        }
        for host in
            ["mail.example.org", "192.168.1.1", "128.0.0.1", "::2", "localhost.example.org", "127.0.0.1.example.org"]
        {
            let error = checked(host).unwrap_err();
            assert!(error.to_string().contains("plaintext") && error.kind() == ErrorKind::Config, "{host}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused() {
        for host in ["", "mail.example.org:993", "imaps://mail.example.org", "a b", "me@mail.example.org"] {
            assert!(
                ImapAccount::new(host, "me").check().unwrap_err().to_string().contains("no name of a host"),
                "{host}"
            );
        }
        assert!(ImapAccount::new("h", "").check().is_err());
        assert!(ImapAccount::new("h", "me\r\nA1 LOGOUT").check().is_err());
        assert!(ImapAccount::new("h", "me").port(0).check().is_err());
        assert!(ImapAccount::new("h", "me").check().is_ok());
    }

    #[test]
    fn a_server_that_takes_mail_is_held_to_the_same() {
        let checked = |server| ImapAccount::new("h", "me").smtp(server).check();
        assert!(checked(SmtpServer::new("localhost", Tls::None)).is_ok());
        assert!(checked(SmtpServer { port: 0, ..SmtpServer::new("h", Tls::Implicit) }).is_err());
        assert!(checked(SmtpServer::new("h:465", Tls::Implicit)).is_err());
        let error = checked(SmtpServer::new("mail.example.org", Tls::None)).unwrap_err();
        assert!(error.to_string().contains("plaintext to mail.example.org"), "{error}");
        assert_eq!(error.way_out(), Some("use tls = \"implicit\" or \"starttls\""));
    }

    #[test]
    fn a_sender_is_an_address_on_one_line() {
        let checked = |from: &str| ImapAccount::new("h", "me").sender(from).check();
        for from in ["me@example.org", "Me <me@example.org>", "\"Doe, Jane\" <j@example.org>", "山田 <y@example.org>"]
        {
            assert!(checked(from).is_ok(), "{from}");
        }
        for from in ["", "Me", "me@example.org\r\nBcc: all@example.org", "Me\t<me@example.org>", "me@example.org\0"] {
            let error = checked(from).unwrap_err();
            assert!(error.way_out().is_some() && !error.to_string().contains('\n'), "{from:?}: {error}");
        }
    }

    #[test]
    fn hosts_are_kept_as_they_are_looked_up() {
        for (host, kept) in
            [("Mail.Example.ORG", "mail.example.org"), ("[::1]", "::1"), ("münchen.example", "xn--mnchen-3ya.example")]
        {
            assert_eq!(ImapAccount::new(host, "me").host, kept);
        }
    }

    #[test]
    fn debug_output_has_no_password() {
        let account = ImapAccount::new("h", "me").password("hunter2");
        assert!(!format!("{account:?}").contains("hunter2"));
    }
}
