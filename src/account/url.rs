//! An account as a URL: `imaps://me@mail.example.org`.
//!
//! No error repeats the URL: somebody may have written a password into it.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::imap::{ImapAccount, Tls};
use crate::error::{Error, ErrorKind, Result};

impl ImapAccount {
    /// Reads an account out of a URL; it has no password then.
    ///
    /// The scheme is `imaps` (TLS), `imap+starttls` or `imap` (plaintext, to this computer only). The last @ ends the
    /// user, so that an address may stand there as it is. `?ca_file=PATH` names certificates that are trusted,
    /// `compress=true` or `compress=false` says whether the connection is compressed; `&` stands between the two.
    ///
    /// # Errors
    /// When it is no such URL, has a password in it, or is an account that [`ImapAccount::check`] refuses.
    pub fn from_url(text: &str) -> Result<Self> {
        if text.chars().any(char::is_control) {
            return Err(wrong("the URL of an account is one line"));
        }
        let url = Url::parse(text).map_err(|error| wrong(format!("that is no URL of an account: {error}")))?;
        let tls = [Tls::Implicit, Tls::StartTls, Tls::None].into_iter().find(|tls| tls.scheme() == url.scheme());
        let tls = tls.ok_or_else(|| {
            wrong(format!("{}:// is no scheme of an account", url.scheme()))
                .hint(format!("possible are {EXAMPLES}; mail files are given by their path"))
        })?;
        if url.password().is_some() {
            return Err(Error::new(ErrorKind::Config, "a password inside a URL is refused: others could read it")
                .hint("leave it out and be asked for it, or set MAILQL_PASSWORD; a colon in the user is written %3A"));
        }
        let user = decoded(url.username())?;
        if user.is_empty() {
            return Err(wrong("the URL names no user to sign in as"));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => decoded(name)?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err(wrong("the URL names no host"));
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong(
                "nothing is expected after the host of an account, but a port, ?ca_file=PATH and ?compress=true",
            )
            .hint("folders are chosen in SQL: WHERE folder = 'INBOX'"));
        }
        let mut account = Self::new(host, user).tls(tls);
        account.port = url.port().unwrap_or(account.port);
        account.take_query(url.query().unwrap_or_default())?;
        account.check()?;
        Ok(account)
    }

    /// Takes what a query like `ca_file=a%20b.pem&compress=true` says; a plus is a plus.
    fn take_query(&mut self, query: &str) -> Result<()> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "ca_file" => {
                    if self.ca_file.replace(file(value)?).is_some() {
                        return Err(
                            wrong("the URL has ca_file more than once").hint("put the certificates into one file")
                        );
                    }
                }
                "compress" => {
                    let compress = value.parse().map_err(|_| {
                        wrong("compress in a URL is true or false").hint("leave it out to let mailql choose")
                    })?;
                    if self.compress.replace(compress).is_some() {
                        return Err(wrong("the URL has compress more than once").hint("leave one of them out"));
                    }
                }
                _ => {
                    return Err(wrong("the URL has something after ? that is unknown")
                        .hint("possible are ?ca_file=PATH, ?compress=true and ?compress=false"));
                }
            }
        }
        Ok(())
    }
}

/// The file that the value of a query names.
fn file(value: &str) -> Result<PathBuf> {
    let path = PathBuf::from(decoded(value)?);
    if path.as_os_str().is_empty() || path.starts_with(Path::new("~")) {
        return Err(wrong("ca_file in a URL names a file").hint("write its path out in full, without ~"));
    }
    Ok(path)
}

fn decoded(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| wrong("the URL has an escape (%) that is no UTF-8"))
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).hint(format!("write it like {EXAMPLES}"))
}

const EXAMPLES: &str = "imaps://me@mail.example.org, imap+starttls://me@mail.example.org or imap://me@127.0.0.1:1143";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_host_port_encryption_and_user() {
        for (url, tls, host, port, user) in [
            ("imaps://me@mail.example.org", Tls::Implicit, "mail.example.org", 993, "me"),
            ("imap+starttls://me@mail.example.org/", Tls::StartTls, "mail.example.org", 143, "me"),
            ("IMAP://me@127.0.0.1:1143", Tls::None, "127.0.0.1", 1143, "me"),
            ("imaps://me%40example.org@Mail.example.org", Tls::Implicit, "mail.example.org", 993, "me@example.org"),
            ("imaps://me@example.org@mail.example.org", Tls::Implicit, "mail.example.org", 993, "me@example.org"),
            ("imap://a%20b@[::1]:7", Tls::None, "::1", 7, "a b"),
            ("imaps://j%C3%BCrgen@münchen.example", Tls::Implicit, "xn--mnchen-3ya.example", 993, "jürgen"),
        ] {
            let account = ImapAccount::from_url(url).unwrap();
            assert_eq!((account.tls, account.host.as_str(), account.port), (tls, host, port), "{url}");
            assert_eq!(account.user, user, "{url}");
        }
    }

    #[test]
    fn what_an_account_is_described_as_leads_to_it() {
        for url in [
            "imaps://me@mail.example.org",
            "imaps://me@mail.example.org:1993",
            "imap+starttls://me@example.org@mail.example.org",
            "imap://me@127.0.0.1:1143",
            "imap://a%20b%3Ac%2Fd%25@[::1]",
        ] {
            let account = ImapAccount::from_url(url).unwrap();
            assert_eq!(account.describe(), url);
            assert_eq!(ImapAccount::from_url(&account.describe()).unwrap(), account);
        }
    }

    #[test]
    fn a_file_of_certificates_is_a_path_as_it_stands() {
        let file = |url: &str| ImapAccount::from_url(url).map(|account| account.ca_file);
        assert_eq!(file("imaps://me@h?ca_file=/etc/a+b%20c.pem").unwrap(), Some("/etc/a+b c.pem".into()));
        for wrong in ["?ca_file=", "?ca_file", "?ca_file=~/a.pem", "?ca_fiel=a", "?ca_file=a&ca_file=b"] {
            assert!(file(&format!("imaps://me@h{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_says_whether_to_compress_or_leaves_that_open() {
        let account = |query: &str| ImapAccount::from_url(&format!("imaps://me@h{query}"));
        for (query, compress) in [
            ("", None),
            ("?", None),
            ("?compress=true", Some(true)),
            ("?compress=false", Some(false)),
            ("?compress=true&ca_file=/a", Some(true)),
            ("?ca_file=/a&compress=false", Some(false)),
        ] {
            let account = account(query).unwrap();
            assert_eq!((account.compress, account.ca_file.is_some()), (compress, query.contains("ca_file")), "{query}");
        }
        for wrong in ["?compress", "?compress=", "?compress=yes", "?compress=1", "?compress=TRUE", "?compres=true"] {
            assert!(account(wrong).unwrap_err().way_out().is_some(), "{wrong}");
        }
        let twice = account("?compress=true&compress=true").unwrap_err();
        assert!(twice.to_string().contains("more than once"), "{twice}");
    }

    #[test]
    fn no_error_repeats_a_password() {
        for url in [
            "imaps://me:hunter2@mail.example.org",
            "imaps://:hunter2@mail.example.org",
            "imaps://me@example.org:hunter2@mail.example.org",
            "imaps://me:1/hunter2@mail.example.org",
            "imaps://me:1#hunter2@mail.example.org",
            "imaps://me:1?hunter2@mail.example.org",
            "imaps://me:hunter2/@mail.example.org",
            "imaps://me@h?password=hunter2",
            "imaps://me@h?compress=hunter2",
            "imaps://me@h/hunter2",
            "https://me:hunter2@mail.example.org",
            "imaps://me:hunter2@",
            "imaps://me:hunter2",
            "imaps://hunter2@exa mple",
        ] {
            let error = ImapAccount::from_url(url).unwrap_err();
            let shown = format!("{error} {error:?} {}", error.way_out().unwrap());
            assert!(!shown.contains("hunter2"), "{url}: {shown}");
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn what_is_missing_or_too_much_is_said() {
        for (url, said) in [
            ("imaps://mail.example.org", "no user"),
            ("imaps://me@", "host"),
            ("pop3://me@mail.example.org", "pop3://"),
            ("imaps://me@mail.example.org/INBOX", "after the host"),
            ("imap://me@mail.example.org", "plaintext"),
            ("imaps://me@h:99999", "port"),
            ("imaps://me@h:0", "port"),
            ("imaps://%FF@h", "UTF-8"),
        ] {
            let error = ImapAccount::from_url(url).unwrap_err().to_string();
            assert!(error.contains(said), "{url}: {error}");
        }
    }
}
