//! A person agrees in a browser on this computer (RFC 6749 §4.1, RFC 8252), with PKCE (RFC 7636).
//!
//! The listener is there before anybody is told the address; it opens no browser and asks nobody itself.

use std::borrow::Cow;
use std::time::Duration;

use oauth2::{
    AuthType, AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
};
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use url::Url;

use super::listener::{Listener, Visit};
use super::page::Page;
use super::{Granted, asked, asking, client, refusal, scopes};
use crate::account::credential::{Credential, Prompt};
use crate::error::{Error, ErrorKind, Result};

/// A person is being asked.
pub struct Authorization {
    credential: Credential,
    listener: Listener,
    redirect: RedirectUrl,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    url: Url,
}

/// A person agreed.
pub struct Agreement {
    /// What the provider gave.
    pub granted: Granted,
    visit: Visit,
}

impl Authorization {
    /// Listens for the browser, and makes the address that the person is to open.
    ///
    /// # Errors
    /// The credential cannot be used, or its port is taken.
    pub async fn begin(credential: &Credential, user: &str) -> Result<Self> {
        let client = client(credential, AuthType::RequestBody).await?;
        let (listener, redirect) = Listener::bind(credential).await?;
        let redirect = RedirectUrl::new(redirect)
            .map_err(|error| Error::new(ErrorKind::Config, format!("the redirect_uri is no URL: {error}")))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let no_endpoint = |_| Error::new(ErrorKind::Config, "a credential needs an authorization_endpoint here");
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .map_err(no_endpoint)?
            .add_scopes(scopes(credential))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Borrowed(&redirect));
        for (name, value) in &credential.parameters {
            request = request.add_extra_param(name, value);
        }
        if let Some(prompt) = credential.prompt.and_then(Prompt::name) {
            request = request.add_extra_param("prompt", prompt);
        }
        if user.contains('@') {
            request = request.add_extra_param("login_hint", user);
        }
        let (url, state) = request.url();
        Ok(Self { credential: credential.clone(), listener, redirect, state, verifier, url })
    }

    /// The address that the person is to open, for once.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Where the browser will end.
    pub fn redirect(&self) -> &str {
        self.redirect.as_str()
    }

    /// Waits for five minutes until the browser comes back, or somebody gives the address that it ended at, and gets the
    /// tokens.
    ///
    /// # Errors
    /// The person declined, or took too long; what came back was not for this sign-in; or as [`super::refresh`]. The
    /// browser shows it, too.
    pub async fn finish(mut self, pasted: impl Future<Output = String>) -> Result<Agreement> {
        let came = async {
            tokio::pin!(pasted);
            loop {
                let (visit, is_browser) = tokio::select! {
                    visit = self.listener.visit() => (visit?, true),
                    address = &mut pasted => (Visit::pasted(&address), false),
                };
                match self.is_ours(&visit) {
                    // Any page can lead a browser here; only ours ends the waiting.
                    Err(error) if is_browser => visit.answer(&Page::failed(&error)).await,
                    Err(error) => return Err(error),
                    Ok(()) => return Ok(visit),
                }
            }
        };
        let visit = timeout(WITHIN, came).await.map_err(|_| {
            let message = format!("nobody agreed within {} minutes", WITHIN.as_secs() / 60);
            Error::new(ErrorKind::Server, message).hint("begin again with mailql login")
        })??;
        match self.exchange(&visit).await {
            Ok(granted) => Ok(Agreement { granted, visit }),
            Err(error) => {
                visit.answer(&Page::failed(&error)).await;
                Err(error)
            }
        }
    }

    async fn exchange(&self, visit: &Visit) -> Result<Granted> {
        let code = self.code(visit)?;
        let code = code.secret();
        let shown = [code.as_str(), self.verifier.secret().as_str(), self.state.secret().as_str()];
        asked(&self.credential, &shown, |way| async move {
            let client = client(&self.credential, way).await.map_err(RequestTokenError::Request)?;
            let request = client
                .exchange_code(AuthorizationCode::new(code.clone()))
                .set_redirect_uri(Cow::Borrowed(&self.redirect))
                .set_pkce_verifier(PkceCodeVerifier::new(self.verifier.secret().clone()));
            request.request_async(&asking(&self.credential)).await
        })
        .await
    }

    /// Makes sure that what came back is the answer to this sign-in (RFC 6749 §10.12).
    fn is_ours(&self, visit: &Visit) -> Result<()> {
        let given = visit.parameter("state").unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(self.state.secret().as_bytes())) {
            return Ok(());
        }
        let error =
            Error::new(ErrorKind::Refused, "what came back is not the answer to this sign-in (its state is another)");
        Err(error.hint("use the newest page of the browser, or begin again with mailql login"))
    }

    /// The code that came back (§4.1.2).
    fn code(&self, visit: &Visit) -> Result<AuthorizationCode> {
        self.is_ours(visit)?;
        if let Some(error) = visit.parameter("error") {
            return Err(refusal::explained(&self.credential, error, visit.parameter("error_description")));
        }
        match visit.parameter("code") {
            Some(code) if !code.is_empty() => Ok(AuthorizationCode::new(code.to_owned())),
            _ => Err(Error::new(ErrorKind::Server, "the provider sent the browser back without a code")
                .hint("begin again with mailql login")),
        }
    }
}

impl Agreement {
    /// Takes what was given, and shows in the browser what came of it.
    ///
    /// # Errors
    /// What `take` says.
    pub async fn settle<T>(self, user: &str, take: impl AsyncFnOnce(Granted) -> Result<T>) -> Result<T> {
        let taken = take(self.granted).await;
        let page = match &taken {
            Ok(_) => Page::succeeded(user),
            Err(error) => Page::failed(error),
        };
        self.visit.answer(&page).await;
        taken
    }
}

/// How long a person has.
const WITHIN: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        Credential {
            authorization_endpoint: Some("http://127.0.0.1:1/auth".to_owned()),
            token_endpoint: "http://127.0.0.1:1/token".to_owned(),
            scopes: vec!["imap".to_owned(), "offline_access".to_owned()],
            prompt: Some(Prompt::SelectAccount),
            ..Credential::new("client", None)
        }
    }

    async fn begun() -> Authorization {
        Authorization::begin(&credential(), "me@example.org").await.unwrap()
    }

    #[tokio::test]
    async fn the_address_asks_for_all_that_is_wanted() {
        let begun = begun().await;
        let url = Url::parse(begun.url()).unwrap();
        let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(of("response_type").as_deref(), Some("code"));
        assert_eq!(of("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(of("scope").as_deref(), Some("imap offline_access"));
        assert_eq!(of("prompt").as_deref(), Some("select_account"));
        assert_eq!(of("login_hint").as_deref(), Some("me@example.org"));
        assert_eq!(of("redirect_uri").as_deref(), Some(begun.redirect()));
        assert!(!url.as_str().contains(begun.verifier.secret()), "the verifier stays here");
    }

    #[tokio::test]
    async fn only_the_answer_to_this_sign_in_is_taken() {
        let authorization = begun().await;
        let state = authorization.state.secret().clone();
        let code = |address: &str| authorization.code(&Visit::pasted(address));
        assert_eq!(code(&format!("http://localhost:1/?code=abc&state={state}")).unwrap().secret(), "abc");
        assert_eq!(code(&format!("  ?state={state}&code=abc ")).unwrap().secret(), "abc");
        for (address, said) in [
            ("http://localhost:1/?code=abc&state=other".to_owned(), "state"),
            ("http://localhost:1/?code=abc".to_owned(), "state"),
            (String::new(), "state"),
            (format!("?state={state}"), "without a code"),
            (format!("?state={state}&error=access_denied&error_description=No"), "declined"),
        ] {
            let error = code(&address).unwrap_err();
            assert!(error.to_string().contains(said) && !error.to_string().contains(&state), "{address}: {error}");
        }
    }
}
