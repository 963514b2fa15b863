//! A credential as the configuration writes it: a registration at a provider, which accounts refer to by its name.
//!
//! What it leaves out is the provider's, which the account knows; what comes of it is a [`Credential`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::wrong;
use crate::account::credential::{ClientSecret, Credential, Grant, Keep, Prompt};
use crate::account::provider::OAuth;
use crate::account::secret::Secret;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like [credentials.work]")]
pub(super) struct Registration {
    client_id: String,
    client_secret: Option<ClientSecretText>,
    client_secret_command: Option<String>,
    grant: Option<Grant>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    scopes: Option<Vec<String>>,
    prompt: Option<Prompt>,
    redirect_uri: Option<String>,
    redirect_port: Option<u16>,
    store: Option<Keep>,
    ca_file: Option<PathBuf>,
}

/// The text of a secret, for as short a time as it is one.
#[derive(Deserialize)]
#[serde(transparent)]
struct ClientSecretText(String);

impl Registration {
    /// Makes sure of what can be told before it is known which account refers to it.
    ///
    /// # Errors
    /// It has its secret twice.
    pub(super) fn check(&self) -> Result<()> {
        match (&self.client_secret, &self.client_secret_command) {
            (Some(_), Some(_)) => {
                wrong("a credential has client_secret or client_secret_command", "leave one of them out")
            }
            _ => Ok(()),
        }
    }

    /// What it means at a provider.
    ///
    /// # Errors
    /// A path cannot be made one that holds anywhere.
    pub(super) fn meant(
        &self,
        provider: Option<&OAuth>,
        absolute: impl Fn(&Path) -> Result<PathBuf>,
    ) -> Result<Credential> {
        let usual = Credential::new(self.client_id.as_str(), provider);
        let client_secret = match (&self.client_secret, &self.client_secret_command) {
            (Some(secret), _) => ClientSecret::Given(Secret::from(secret.0.as_str())),
            (None, Some(line)) => ClientSecret::Command(line.clone()),
            (None, None) => ClientSecret::None,
        };
        Ok(Credential {
            grant: self.grant.unwrap_or_default(),
            authorization_endpoint: self.authorization_endpoint.clone().or(usual.authorization_endpoint),
            token_endpoint: self.token_endpoint.clone().unwrap_or(usual.token_endpoint),
            device_authorization_endpoint: self
                .device_authorization_endpoint
                .clone()
                .or(usual.device_authorization_endpoint),
            revocation_endpoint: self.revocation_endpoint.clone().or(usual.revocation_endpoint),
            userinfo_endpoint: self.userinfo_endpoint.clone().or(usual.userinfo_endpoint),
            scopes: self.scopes.clone().unwrap_or(usual.scopes),
            client_secret,
            prompt: self.prompt.or(usual.prompt),
            redirect_uri: self.redirect_uri.clone(),
            redirect_port: self.redirect_port,
            store: self.store,
            ca_file: self.ca_file.as_deref().map(absolute).transpose()?,
            client_id: usual.client_id,
            parameters: usual.parameters,
        })
    }
}

/// The credential of a name, in any case.
pub(super) fn known<'a>(
    credentials: &'a BTreeMap<String, Spanned<Registration>>,
    name: &str,
) -> Result<&'a Registration> {
    let found = credentials.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match found {
        Some((_, registration)) => Ok(registration.get_ref()),
        None if credentials.is_empty() => wrong(
            format!("there is no credential '{name}'"),
            &format!("add [credentials.{name}] with a client_id; mailql login leads through it"),
        ),
        None => {
            let names = credentials.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            wrong(format!("there is no credential '{name}'"), &format!("there are {names}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountConfig, Config, Credential, ImapAccount, SignIn, TokenSource};

    const ACCOUNT: &str =
        "[accounts.work]\nimap = { host = 'h' }\nuser = 'me'\ncredential = 'Corp'\n[credentials.corp]\n";

    fn parsed(keys: &str) -> Result<Credential> {
        let config = Config::parse(&format!("{ACCOUNT}{keys}"), Path::new("/etc/x"), None)?;
        match &config.accounts["work"] {
            AccountConfig::Imap(ImapAccount {
                sign_in: SignIn::Token(TokenSource::Credential(credential)), ..
            }) => Ok((**credential).clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_that_a_form_asks_for_can_be_said() {
        let credential = parsed(
            "client_id = 'x'\nclient_secret = 'hunter2'\nauthorization_endpoint = 'https://l/a'\ntoken_endpoint = 'https://l/t'\n\
             device_authorization_endpoint = 'https://l/d'\nrevocation_endpoint = 'https://l/r'\nscopes = ['a', 'b']\n\
             prompt = 'select_account'\nredirect_uri = 'http://localhost:3017/'\nstore = 'file'\nca_file = 'ca.pem'\ngrant = 'device_code'",
        )
        .unwrap();
        assert_eq!((credential.grant, credential.prompt), (Grant::DeviceCode, Some(Prompt::SelectAccount)));
        assert_eq!((credential.scopes.len(), credential.store), (2, Some(Keep::File)));
        assert_eq!(credential.ca_file, Some("/etc/x/ca.pem".into()));
        assert_eq!(credential.client_secret, ClientSecret::Given("hunter2".into()));
        assert!(!format!("{credential:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        const ENDS: &str = "client_id = 'x'\nauthorization_endpoint = 'https://l/a'\ntoken_endpoint = 'https://l/t'\n";
        assert!(parsed(ENDS).is_ok());
        for (keys, message) in [
            ("token_endpoint = 'https://l/t'".to_owned(), "client_id"),
            ("client_id = 'x'\nauthorization_endpoint = 'https://l/a'".to_owned(), "token_endpoint"),
            (format!("{ENDS}client_secret = 'hunter2'\nclient_secret_command = 'x'"), "client_secret_command"),
            (format!("{ENDS}grant = 'password'"), "not possible here"),
            (format!("{ENDS}grant = 'device_code'"), "device_authorization_endpoint"),
            (format!("{ENDS}prompt = 'always'"), "not possible here"),
            (format!("{ENDS}client_secret = 1"), "kind that belongs there"),
            (format!("{ENDS}redirect_uri = 'http://example.org/'"), "does not lead to this computer"),
            (format!("{ENDS}redirect_uri = 'http://localhost:1/'\nredirect_port = 1"), "both"),
        ] {
            let error = parsed(&keys).unwrap_err();
            assert!(error.to_string().contains(message), "{keys}: {error}");
            assert!(!format!("{error:?}").contains("hunter2") && error.way_out().is_some(), "{keys}");
        }
    }
}
