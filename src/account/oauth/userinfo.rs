//! Asks the provider's userinfo endpoint who signed in, where the answer with the tokens does not tell (OpenID Connect Core §5.3).
//!
//! The answer is compared with the account's user and kept nowhere. A provider that does not tell is no failure: the server
//! that mail is read from compares, too.

use oauth2::http::header::{ACCEPT, AUTHORIZATION};
use oauth2::http::{Request, StatusCode};
use url::Url;

use super::{Claims, Granted, discovery};
use crate::account::credential::{Credential, Text};
use crate::error::{Error, ErrorKind, Result};
use crate::net::http;

/// Completes granted tokens with the person who signed in, as far as the provider tells.
///
/// # Errors
/// The provider contradicts itself: who it tells of is not whom its ID token is of.
pub async fn identified(credential: &Credential, granted: Granted) -> Result<Granted> {
    if granted.who.as_ref().is_some_and(|who| who.addresses().next().is_some()) {
        return Ok(granted);
    }
    let Some(endpoint) = endpoint(credential, granted.who.as_ref()).await else { return Ok(granted) };
    match asked(&endpoint, credential, &granted.access_token).await {
        Ok(told) if granted.who.as_ref().is_some_and(|who| !who.may_be(&told)) => {
            let message = "the provider's ID token is of another user than its userinfo_endpoint tells";
            Err(Error::new(ErrorKind::Server, message).hint("see whether the endpoints are all of one provider"))
        }
        Ok(told) => Ok(Granted { who: Some(told), ..granted }),
        Err(error) => {
            tracing::debug!("the provider does not tell who signed in: {error}");
            Ok(granted)
        }
    }
}

/// Where to ask: as the credential says, else as the provider publishes it, if what it publishes is about this token endpoint.
async fn endpoint(credential: &Credential, who: Option<&Claims>) -> Option<String> {
    if credential.userinfo_endpoint.is_some() {
        return credential.userinfo_endpoint.clone();
    }
    let origin = Url::parse(&credential.token_endpoint).ok().map(|url| url.origin().ascii_serialization());
    let issuers = who.and_then(Claims::issuer).map(str::to_owned).into_iter().chain(origin);
    for issuer in issuers {
        match discovery::endpoints(&issuer, credential.ca_file.as_deref()).await {
            Ok(found) if found.token_endpoint == credential.token_endpoint => return found.userinfo_endpoint,
            Ok(_) => tracing::debug!("{issuer} publishes another token endpoint"),
            Err(error) => tracing::debug!("{issuer} does not publish where to ask who signed in: {error}"),
        }
    }
    None
}

async fn asked(endpoint: &str, credential: &Credential, token: &Text) -> Result<Claims> {
    let bearer = Text::new(format!("Bearer {}", token.as_str()));
    let request = Request::get(endpoint).header(ACCEPT, "application/json").header(AUTHORIZATION, bearer.as_str());
    let request = request.body(Vec::new());
    let request =
        request.map_err(|error| Error::new(ErrorKind::Config, format!("the userinfo_endpoint is no URL: {error}")))?;
    let answer = http::ask(request, credential.ca_file.as_deref()).await?;
    let strange = |what: String| Error::new(ErrorKind::Server, what);
    if answer.status() != StatusCode::OK {
        return Err(strange(format!("the userinfo_endpoint answers {}", answer.status())));
    }
    let text = String::from_utf8_lossy(answer.body());
    // Some sign it (§5.3.2).
    let told = serde_json::from_str(&text).ok().or_else(|| Claims::of(text.trim()));
    told.ok_or_else(|| strange("the userinfo_endpoint tells nothing that can be understood".to_owned()))
}
