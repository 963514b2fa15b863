//! What is said to prove who asks (SASL, RFC 4422), for every protocol that asks for it.
//!
//! Pure: the octets of a response before base64, and what a server's challenge means. `imap` and `smtp` say them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::mask::Mask;
use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// What an account proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A password.
    Password(Secret),
    /// An access token of OAuth2 (RFC 6749 §1.4).
    Token(Secret),
}

impl Proof {
    /// An access token that is shown to servers.
    ///
    /// # Errors
    /// It is none: see [`fault`].
    pub fn of_token(token: Secret) -> Result<Self> {
        match fault(token.expose()) {
            None => Ok(Self::Token(token)),
            Some(fault) => Err(Error::new(ErrorKind::Config, format!("the access token cannot be used: {fault}"))
                .hint("see what tells it: MAILQL_TOKEN, the token_command, or the program that this is part of")),
        }
    }

    /// A password that is shown to servers.
    ///
    /// # Errors
    /// There is an octet of zero in it, which would end it before its end (RFC 4616 §2).
    pub fn of_password(password: Secret) -> Result<Self> {
        if password.expose().contains('\0') {
            return Err(Error::new(ErrorKind::Config, "the password cannot be used: there is an octet of zero in it")
                .hint("see what tells it"));
        }
        Ok(Self::Password(password))
    }
}

/// Why a token cannot be shown to a server, if it cannot: it is text without blanks (RFC 6750 §2.1), and what ends a line or a
/// field would say more than a token.
pub fn fault(token: &str) -> Option<&'static str> {
    match token {
        "" => Some("it is empty"),
        token if !token.bytes().all(|octet| octet.is_ascii_graphic()) => {
            Some("there are blanks, line ends or other characters in it that no token has")
        }
        _ => None,
    }
}

/// A way to prove who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// An access token (RFC 7628).
    OAuthBearer,
    /// The same, as Google and Microsoft had it before there was an RFC.
    XOAuth2,
    /// A password (RFC 4616).
    Plain,
    /// A password, as it was done before there was an RFC.
    Login,
}

/// Who asks, and for whose mail.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Who proves it: whose password or token it is.
    pub user: &'a str,
    /// Whose mailbox is opened, if it is another's.
    pub mailbox: Option<&'a str>,
    /// The server.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
}

/// Why a server let nobody in.
#[derive(Debug)]
pub enum Unopened {
    /// It does not take the proof; another may do.
    Unproved(Error),
    /// Something else, and no proof would help.
    Failed(Error),
}

impl Unopened {
    /// The same, without the secret in its words.
    #[must_use]
    pub fn covered(self, mask: &Mask) -> Self {
        let covered = |error: Error| error.reworded(|words| mask.cover(words));
        match self {
            Self::Unproved(error) => Self::Unproved(covered(error)),
            Self::Failed(error) => Self::Failed(covered(error)),
        }
    }
}

impl From<Error> for Unopened {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Unopened> for Error {
    fn from(unopened: Unopened) -> Self {
        let (Unopened::Unproved(error) | Unopened::Failed(error)) = unopened;
        error
    }
}

impl Mechanism {
    /// The best that a proof can be given by, of those that a server offers.
    pub fn best(proof: &Proof, offered: impl Fn(&str) -> bool) -> Option<Self> {
        let able: &[Self] = match proof {
            Proof::Token(_) => &[Self::OAuthBearer, Self::XOAuth2],
            Proof::Password(_) => &[Self::Plain, Self::Login],
        };
        able.iter().copied().find(|mechanism| offered(mechanism.name()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// What the client says, step by step, in base64; all mechanisms but LOGIN have one step.
    pub fn responses(self, who: Identity<'_>, proof: &Proof) -> Vec<Secret> {
        let (Proof::Password(secret) | Proof::Token(secret)) = proof;
        let (secret, mailbox) = (secret.expose(), who.mailbox.unwrap_or(who.user));
        let steps = match self {
            Self::OAuthBearer => {
                let (name, host, port) = (escaped(mailbox), who.host, who.port);
                vec![format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {secret}\x01\x01")]
            }
            Self::XOAuth2 => vec![format!("user={mailbox}\x01auth=Bearer {secret}\x01\x01")],
            Self::Plain => vec![format!("{}\0{}\0{secret}", who.mailbox.unwrap_or_default(), who.user)],
            Self::Login => vec![who.user.to_owned(), secret.to_owned()],
        };
        // Not a guarantee, but nothing is left lying about for longer than needed.
        steps.into_iter().map(|step| Secret::from(STANDARD.encode(&*Zeroizing::new(step)))).collect()
    }

    /// What is answered to a challenge after the last response: it tells why the server refuses (RFC 7628 §3.2.3).
    pub fn acknowledgement(self) -> Option<&'static str> {
        match self {
            // One octet of 1, in base64.
            Self::OAuthBearer => Some("AQ=="),
            Self::XOAuth2 => Some(""),
            Self::Plain | Self::Login => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a server refuses a token, for a person, out of the challenge that it sends (RFC 7628 §3.2.2).
pub fn refusal(challenge: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        status: Option<String>,
        scope: Option<String>,
    }
    let text = STANDARD.decode(challenge.trim()).ok()?;
    let refusal: Refusal = serde_json::from_slice(&text).ok()?;
    let why = match refusal.status.as_deref().unwrap_or_default() {
        "invalid_token" | "400" | "401" => {
            "the token is not valid here: it is too old, was revoked, or is of another user"
        }
        "insufficient_scope" | "403" => "the token does not allow this",
        "invalid_request" => "the server did not understand how the token was given",
        _ => "the token is refused",
    };
    // Some servers write scopes as a list in brackets; whatever it is, it is shown as it stands.
    let scope = refusal.scope.filter(|scope| !scope.trim().is_empty());
    Some(match scope {
        Some(scope) => format!("{why} (the server wants the scope {})", scope.trim()),
        None => why.to_owned(),
    })
}

/// A name where `,` and `=` mean something (RFC 5801 §4).
fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Identity<'_> = Identity { user: "me@example.org", mailbox: None, host: "mail.example.org", port: 993 };

    fn said(mechanism: Mechanism, who: Identity<'_>) -> Vec<String> {
        let proof = Proof::Token("t0k3n".into());
        let decoded = |step: &Secret| String::from_utf8(STANDARD.decode(step.expose()).unwrap()).unwrap();
        mechanism.responses(who, &proof).iter().map(decoded).collect()
    }

    #[test]
    fn each_mechanism_says_what_its_paper_says() {
        let bearer = "n,a=me@example.org,\x01host=mail.example.org\x01port=993\x01auth=Bearer t0k3n\x01\x01";
        assert_eq!(said(Mechanism::OAuthBearer, ME), [bearer]);
        assert_eq!(said(Mechanism::XOAuth2, ME), ["user=me@example.org\x01auth=Bearer t0k3n\x01\x01"]);
        assert_eq!(said(Mechanism::Plain, ME), ["\0me@example.org\0t0k3n"]);
        assert_eq!(said(Mechanism::Login, ME), ["me@example.org", "t0k3n"]);
    }

    #[test]
    fn the_mailbox_of_another_is_named_beside_who_opens_it() {
        let shared = Identity { mailbox: Some("a,b=c@example.org"), ..ME };
        assert!(said(Mechanism::OAuthBearer, shared)[0].starts_with("n,a=a=2Cb=3Dc@example.org,\x01"));
        assert!(said(Mechanism::XOAuth2, shared)[0].starts_with("user=a,b=c@example.org\x01"));
        assert_eq!(said(Mechanism::Plain, shared), ["a,b=c@example.org\0me@example.org\0t0k3n"]);
    }

    #[test]
    fn a_token_goes_by_the_rfc_where_that_is_offered_and_never_as_a_password() {
        let (token, password) = (Proof::Token("t".into()), Proof::Password("p".into()));
        let of = |proof: &Proof, offered: &[&str]| Mechanism::best(proof, |name| offered.contains(&name));
        assert_eq!(of(&token, &["PLAIN", "XOAUTH2", "OAUTHBEARER"]), Some(Mechanism::OAuthBearer));
        assert_eq!(of(&token, &["PLAIN", "XOAUTH2"]), Some(Mechanism::XOAuth2));
        assert_eq!(of(&token, &["PLAIN", "LOGIN"]), None);
        assert_eq!(of(&password, &["XOAUTH2", "LOGIN", "PLAIN"]), Some(Mechanism::Plain));
        assert_eq!(of(&password, &["XOAUTH2"]), None);
    }

    #[test]
    fn a_refusal_is_told_in_words() {
        let told = |json: &str| refusal(&STANDARD.encode(json));
        let google = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
        let told_by_google = told(google).unwrap();
        assert!(told_by_google.contains("not valid") && told_by_google.contains("https://mail.google.com/"));
        assert!(told(r#"{"status":"insufficient_scope"}"#).unwrap().contains("does not allow"));
        assert_eq!(told("{}").as_deref(), Some("the token is refused"));
        assert_eq!((told("no json"), refusal("no base64")), (None, None));
    }

    #[test]
    fn what_would_say_more_than_a_proof_is_none() {
        assert!(Proof::of_token("ya29.a0-_~+/=".into()).is_ok() && Proof::of_password("p w é\n".into()).is_ok());
        for token in ["", " ", "t0k3n\r\n", "t0k3n\u{1}auth=Bearer x", "t0k3n\0", "t0k3n x", "t0k3né"] {
            let error = Proof::of_token(token.into()).unwrap_err();
            assert!(
                error.to_string().contains("cannot be used") && !format!("{error:?}").contains("t0k3n"),
                "{error:?}"
            );
        }
        let error = Proof::of_password("hunter2\0me".into()).unwrap_err();
        assert!(error.to_string().contains("zero") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn a_proof_is_not_shown() {
        assert!(!format!("{:?}", Proof::Token("hunter2".into())).contains("hunter2"));
    }
}
