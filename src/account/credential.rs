//! A registration at a provider of OAuth2: what a person signs in with, for one account or for many (RFC 6749 §2).
//!
//! Plain data, and what cannot be; the conversation with the provider is in `oauth`.

use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::command;
use super::imap::is_this_computer;
use super::provider::OAuth;
use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// A client that is registered at a provider, and how it gets tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// How tokens are got.
    pub grant: Grant,
    /// Where a person agrees (RFC 6749 §3.1).
    pub authorization_endpoint: Option<String>,
    /// Where tokens come from (§3.2).
    pub token_endpoint: String,
    /// Where a code for another device comes from (RFC 8628 §3.1).
    pub device_authorization_endpoint: Option<String>,
    /// Where tokens are given back (RFC 7009).
    pub revocation_endpoint: Option<String>,
    /// Where it is told who agreed (OpenID Connect Core §5.3), for providers whose tokens do not tell.
    pub userinfo_endpoint: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The client's name at the provider.
    pub client_id: String,
    /// What proves that it is the client; a public one has none, and proves it by PKCE alone (RFC 7636).
    pub client_secret: ClientSecret,
    /// What the person is asked at each sign-in.
    pub prompt: Option<Prompt>,
    /// Where the browser is sent back to, exactly as it is registered: on this computer, by HTTP. Without one, it is
    /// `http://localhost` at the port of `redirect_port`.
    pub redirect_uri: Option<String>,
    /// The port that the browser is sent back to; any that is free when there is none.
    pub redirect_port: Option<u16>,
    /// What is sent along to the authorization endpoint.
    pub parameters: Vec<(String, String)>,
    /// Where tokens are kept.
    pub store: Option<Keep>,
    /// A file of certificates (PEM) that are trusted for the endpoints as well as the system's.
    pub ca_file: Option<PathBuf>,
}

/// How tokens are got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person agrees in a browser on this computer (RFC 6749 §4.1, RFC 8252).
    #[default]
    AuthorizationCode,
    /// A person agrees in a browser anywhere (RFC 8628).
    DeviceCode,
    /// Nobody is asked: the client is trusted as such (RFC 6749 §4.4).
    ClientCredentials,
}

/// What a person is asked at a sign-in (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Whether the client may, though it was allowed before.
    Consent,
    /// Which account it is to be.
    SelectAccount,
    /// What the provider finds necessary.
    None,
}

/// Where secrets are kept between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// In the keyring of the system.
    Keyring,
    /// In a file that only its owner can read.
    File,
}

/// Where the secret of a client comes from.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum ClientSecret {
    /// There is none: the client is public.
    #[default]
    None,
    /// It is known.
    Given(Secret),
    /// A command tells it, on the first line of what it prints.
    Command(String),
}

impl Credential {
    /// A public client of a provider, or of one's own (`None`), without endpoints then.
    pub fn new(client_id: impl Into<String>, provider: Option<&OAuth>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            grant: Grant::default(),
            authorization_endpoint: owned(provider.map(|known| known.authorization_endpoint)),
            token_endpoint: owned(provider.map(|known| known.token_endpoint)).unwrap_or_default(),
            device_authorization_endpoint: owned(provider.and_then(|known| known.device_authorization_endpoint)),
            revocation_endpoint: owned(provider.and_then(|known| known.revocation_endpoint)),
            userinfo_endpoint: owned(provider.and_then(|known| known.userinfo_endpoint)),
            scopes: provider.iter().flat_map(|known| known.scopes).map(|scope| (*scope).to_owned()).collect(),
            client_id: client_id.into(),
            client_secret: ClientSecret::None,
            prompt: provider.and_then(|known| known.prompt).and_then(Prompt::named),
            redirect_uri: None,
            redirect_port: None,
            parameters: provider
                .iter()
                .flat_map(|known| known.parameters)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            store: None,
            ca_file: None,
        }
    }

    /// Makes sure that tokens can be got, and that none goes over a network in the clear.
    ///
    /// # Errors
    /// An endpoint that is needed is missing, is no URL, or is neither `https` nor on this computer; a redirect that
    /// leads elsewhere; no client id.
    pub fn check(&self) -> Result<()> {
        if self.client_id.is_empty() {
            return wrong(
                "a credential needs a client_id".to_owned(),
                "register an application at the provider: see docs/accounts.md",
            );
        }
        let needed = [
            ("token_endpoint", Some(self.token_endpoint.as_str()).filter(|endpoint| !endpoint.is_empty()), true),
            ("authorization_endpoint", self.authorization_endpoint.as_deref(), self.grant == Grant::AuthorizationCode),
            (
                "device_authorization_endpoint",
                self.device_authorization_endpoint.as_deref(),
                self.grant == Grant::DeviceCode,
            ),
            ("revocation_endpoint", self.revocation_endpoint.as_deref(), false),
            ("userinfo_endpoint", self.userinfo_endpoint.as_deref(), false),
        ];
        for (key, endpoint, is_needed) in needed {
            match endpoint {
                None if is_needed => {
                    return wrong(
                        format!("a credential needs an {key} here"),
                        "give it one, or the account a provider",
                    );
                }
                Some(endpoint) if !is_safe(endpoint) => {
                    return wrong(
                        format!("the {key} is no https:// address"),
                        "plain http:// is possible to this computer only; secrets go there",
                    );
                }
                None | Some(_) => {}
            }
        }
        match &self.redirect_uri {
            Some(uri) if !leads_here(uri) => wrong(
                "the redirect_uri does not lead to this computer".to_owned(),
                "it is like http://localhost:3017/, as it is registered; the browser ends there, and mailql listens",
            ),
            Some(_) if self.redirect_port.is_some() => {
                wrong("redirect_uri and redirect_port are both given".to_owned(), "put the port into the redirect_uri")
            }
            _ => Ok(()),
        }
    }

    /// What tokens of that user are kept under: others for each client and what it asks for, the same wherever it is used.
    pub(super) fn key(&self, user: &str) -> String {
        let mut digest = Sha256::new();
        // A token of the client itself is not one of a person, and one with other scopes allows something else.
        let whose = if self.grant == Grant::ClientCredentials { "client" } else { "person" };
        let parts = [self.token_endpoint.as_str(), &self.client_id, whose];
        for part in parts.into_iter().chain(self.scopes.iter().map(String::as_str)) {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let digest = digest.finalize();
        let short = digest.iter().take(6).fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        format!("{user} {short:012x}")
    }
}

impl Prompt {
    /// As it is asked for.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Consent => Some("consent"),
            Self::SelectAccount => Some("select_account"),
            Self::None => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Consent, Self::SelectAccount].into_iter().find(|prompt| prompt.name() == Some(name))
    }
}

impl ClientSecret {
    /// Fetches the secret, if there is one.
    ///
    /// # Errors
    /// A command fails.
    pub(super) async fn read(&self) -> Result<Option<Secret>> {
        match self {
            Self::None => Ok(None),
            Self::Given(secret) => Ok(Some(secret.clone())),
            Self::Command(line) => command::first_line("client_secret_command", line).await.map(Some),
        }
    }
}

impl std::fmt::Debug for ClientSecret {
    /// A command may have a secret in it, so that it is not shown either.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Given(_) => "Given(…)",
            Self::Command(_) => "Command(…)",
        })
    }
}

/// Whether what is said there cannot be heard by others.
pub(super) fn is_safe(endpoint: &str) -> bool {
    // Who is named before an @ would be logged.
    let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none();
    Url::parse(endpoint)
        .is_ok_and(|url| is_plain(&url) && (url.scheme() == "https" && url.has_host() || is_local(&url)))
}

fn leads_here(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| is_local(&url) && url.query().is_none() && url.fragment().is_none())
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "http" && is_this_computer(host.trim_start_matches('[').trim_end_matches(']'))
}

fn wrong<T>(message: String, hint: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Config, message).hint(hint))
}

/// A text of a secret that is overwritten when it is no longer needed.
pub(super) type Text = Zeroizing<String>;

#[cfg(test)]
mod tests {
    use super::super::provider::{PROVIDERS, Provider};
    use super::*;

    fn own() -> Credential {
        Credential {
            authorization_endpoint: Some("https://login.example.org/auth".to_owned()),
            token_endpoint: "https://login.example.org/token".to_owned(),
            ..Credential::new("client", None)
        }
    }

    #[test]
    fn every_provider_with_endpoints_makes_a_credential() {
        for oauth in PROVIDERS.iter().filter_map(|provider| provider.oauth.as_ref()) {
            let credential = Credential::new("client", Some(oauth));
            credential.check().unwrap();
            assert!(!credential.scopes.is_empty());
            assert_eq!(credential.prompt.and_then(Prompt::name), oauth.prompt);
        }
        let google = Provider::named("gmail").unwrap().oauth.as_ref();
        assert!(Credential { grant: Grant::DeviceCode, ..Credential::new("client", google) }.check().is_err());
    }

    #[test]
    fn secrets_go_nowhere_in_the_clear() {
        assert!(own().check().is_ok());
        for endpoint in [
            "http://login.example.org/token",
            "ftp://localhost/token",
            "login.example.org/token",
            "https:",
            "https://me:pw@login.example.org/",
            "http://127.0.0.1.example.org/",
        ] {
            let error = Credential { token_endpoint: endpoint.to_owned(), ..own() }.check().unwrap_err();
            assert!(error.to_string().contains("https"), "{endpoint}: {error}");
        }
        for endpoint in ["http://localhost:3000/token", "http://127.0.0.1:3000/token", "http://[::1]:3000/token"] {
            assert!(Credential { token_endpoint: endpoint.to_owned(), ..own() }.check().is_ok(), "{endpoint}");
        }
    }

    #[test]
    fn the_browser_comes_back_to_this_computer() {
        for uri in ["http://localhost:3017/", "http://127.0.0.1", "http://[::1]:1/callback"] {
            assert!(Credential { redirect_uri: Some(uri.to_owned()), ..own() }.check().is_ok(), "{uri}");
        }
        for uri in ["https://localhost:3017/", "http://example.org/", "http://localhost/?a=b", "localhost:3017"] {
            assert!(Credential { redirect_uri: Some(uri.to_owned()), ..own() }.check().is_err(), "{uri}");
        }
    }

    #[test]
    fn tokens_of_another_client_or_user_have_another_key() {
        let other = Credential { client_id: "other".to_owned(), ..own() };
        assert_ne!(own().key("me"), other.key("me"));
        assert_ne!(own().key("me"), own().key("you"));
        assert_ne!(own().key("me"), Credential { scopes: vec!["more".to_owned()], ..own() }.key("me"));
        assert_ne!(own().key("me"), Credential { grant: Grant::ClientCredentials, ..own() }.key("me"));
        assert_eq!(own().key("me"), Credential { grant: Grant::DeviceCode, ..own() }.key("me"));
    }
}
