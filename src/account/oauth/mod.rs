//! The conversation with a provider of OAuth2 (RFC 6749): what is asked for tokens, and what its answers mean.
//!
//! [`discovery`] finds where to ask, [`authorization`] has a person agree in a browser here, [`device`] in one elsewhere;
//! [`refusal`] puts a provider's no in words. What is kept is the matter of [`super::proofs`].

mod answer;
pub mod authorization;
mod claims;
pub mod device;
pub mod discovery;
mod listener;
mod page;
pub mod refusal;
mod userinfo;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::http::header::{AUTHORIZATION, CONTENT_TYPE};
use oauth2::http::{Request, StatusCode};
use oauth2::{
    AuthType, AuthUrl, ClientId, DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, RefreshToken, RequestTokenError, RevocationUrl, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::credential::{ClientSecret, Credential, Text};
use super::mask::Mask;
use super::sasl::Proof;
use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::net::http;

pub use self::claims::Claims;
pub use self::userinfo::identified;

/// What a provider gave.
pub struct Granted {
    /// What is shown to servers.
    pub access_token: Text,
    /// What new ones are got with; without one, a person must agree again.
    pub refresh_token: Option<Text>,
    /// For how long the first is good, as far as the provider says.
    pub expires_in: Option<Duration>,
    /// What it allows, if that is not what was asked for.
    pub scopes: Option<String>,
    /// Who agreed, if the provider says so.
    pub who: Option<Claims>,
}

/// A new access token for a refresh token (RFC 6749 §6).
///
/// # Errors
/// The provider refuses, cannot be reached, or answers what cannot be understood.
pub async fn refresh(credential: &Credential, refresh_token: &str) -> Result<Granted> {
    asked(credential, &[refresh_token], |way| async move {
        let (client, refresh_token) = (
            client(credential, way).await.map_err(RequestTokenError::Request)?,
            RefreshToken::new(refresh_token.to_owned()),
        );
        client.exchange_refresh_token(&refresh_token).request_async(&asking(credential)).await
    })
    .await
}

/// An access token for the client itself (RFC 6749 §4.4).
///
/// # Errors
/// As [`refresh`].
pub async fn client_credentials(credential: &Credential) -> Result<Granted> {
    asked(credential, &[], |way| async move {
        let request = client(credential, way).await.map_err(RequestTokenError::Request)?;
        request.exchange_client_credentials().add_scopes(scopes(credential)).request_async(&asking(credential)).await
    })
    .await
}

/// Gives a refresh token back, so that nobody can use it any more (RFC 7009); tells whether the provider takes it.
///
/// # Errors
/// As [`refresh`].
pub async fn revoke(credential: &Credential, refresh_token: &str) -> Result<bool> {
    let Some(endpoint) = &credential.revocation_endpoint else { return Ok(false) };
    credential.check()?;
    let secret = credential.client_secret.read().await?;
    let ask = async |in_header: bool| {
        let request = revocation(endpoint, &credential.client_id, refresh_token, secret.as_ref(), in_header)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        understandable(&host, http::ask(request, credential.ca_file.as_deref()).await?)
    };
    let refusal = |answer: &HttpResponse| {
        let is_refusal = !answer.status().is_success();
        is_refusal.then(|| serde_json::from_slice::<BasicErrorResponse>(answer.body()).ok()).flatten()
    };
    let is_unknown = |error: &BasicErrorResponse| error.error() == &BasicErrorResponseType::InvalidClient;
    let mut answer = ask(false).await?;
    if secret.is_some() && refusal(&answer).as_ref().is_some_and(is_unknown) {
        answer = ask(true).await?;
    }
    match refusal(&answer) {
        Some(error) => {
            let error = refused(credential, RequestTokenError::ServerResponse(error));
            Err(covered(error, secret.into_iter().chain([Secret::from(refresh_token)]).collect()))
        }
        None if answer.status().is_success() => Ok(true),
        None => {
            let message = format!("the provider did not take the sign-in back ({})", answer.status());
            Err(Error::new(ErrorKind::Server, message).hint("look whether the revocation_endpoint is right"))
        }
    }
}

/// The request that gives a token back. Not by the library: it refuses a provider on this computer, which has no https.
fn revocation(
    endpoint: &str,
    client_id: &str,
    token: &str,
    secret: Option<&Secret>,
    in_header: bool,
) -> Result<HttpRequest> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", "refresh_token");
    let mut request = Request::post(endpoint).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match secret {
        Some(secret) if in_header => {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = Text::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
            request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(&*both)));
        }
        Some(secret) => {
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        None => {
            form.append_pair("client_id", client_id);
        }
    }
    let request = request.body(form.finish().into_bytes());
    request.map_err(|error| Error::new(ErrorKind::Config, format!("the revocation_endpoint is no URL: {error}")))
}

/// What else an answer has: who agreed (OpenID Connect Core §3.1.3.3).
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct More {
    id_token: Option<Text>,
}

impl ExtraTokenFields for More {}

impl std::fmt::Debug for More {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("More(…)")
    }
}

/// Asks for tokens with the client's secret in the form, and once again with it in a header (RFC 6749 §2.3.1): providers
/// that take one way only say no more than that they do not know the client.
///
/// Careless providers repeat what they refuse: `shown` is covered in what is said of it.
async fn asked<F, A>(credential: &Credential, shown: &[&str], ask: F) -> Result<Granted>
where
    F: Fn(AuthType) -> A,
    A: Future<Output = Asked<Answer>>,
{
    let mut answer = ask(AuthType::RequestBody).await;
    if is_unknown(credential, &answer) {
        answer = ask(AuthType::BasicAuth).await;
    }
    let answer = answer.map_err(|error| refused(credential, error)).and_then(|answer| granted(&answer));
    let mut secrets: Vec<Secret> = shown.iter().map(|secret| Secret::from(*secret)).collect();
    if answer.is_err() {
        secrets.extend(credential.client_secret.read().await.ok().flatten());
    }
    answer.map_err(|error| covered(error, secrets))
}

/// Whether the provider does not know the client by the secret in the form.
fn is_unknown<T>(credential: &Credential, answer: &Asked<T>) -> bool {
    let is_it = |response: &BasicErrorResponse| response.error() == &BasicErrorResponseType::InvalidClient;
    let is_unknown = matches!(answer, Err(RequestTokenError::ServerResponse(response)) if is_it(response));
    is_unknown && credential.client_secret != ClientSecret::None
}

/// The error without secrets in it.
fn covered(error: Error, secrets: Vec<Secret>) -> Error {
    let masks: Vec<Mask> = secrets.into_iter().map(|secret| Mask::of(&Proof::Token(secret))).collect();
    error.reworded(|words| masks.iter().fold(words.to_owned(), |words, mask| mask.cover(&words)))
}

type Asked<T> = Result<T, RequestTokenError<Error, BasicErrorResponse>>;

type Answer = StandardTokenResponse<More, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointMaybeSet,
    EndpointMaybeSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointSet,
>;

/// The client as the library has it, with its secret fetched.
async fn client(credential: &Credential, way: AuthType) -> Result<Client> {
    credential.check()?;
    let no_url = |error| Error::new(ErrorKind::Config, format!("an endpoint is no URL: {error}"));
    let secret = credential.client_secret.read().await?;
    let client = oauth2::Client::new(ClientId::new(credential.client_id.clone()))
        .set_auth_type(way)
        .set_auth_uri_option(credential.authorization_endpoint.clone().map(AuthUrl::new).transpose().map_err(no_url)?)
        .set_device_authorization_url_option(
            credential
                .device_authorization_endpoint
                .clone()
                .map(DeviceAuthorizationUrl::new)
                .transpose()
                .map_err(no_url)?,
        )
        .set_revocation_url_option(
            credential.revocation_endpoint.clone().map(RevocationUrl::new).transpose().map_err(no_url)?,
        )
        .set_token_uri(TokenUrl::new(credential.token_endpoint.clone()).map_err(no_url)?);
    Ok(match secret {
        Some(secret) => client.set_client_secret(oauth2::ClientSecret::new(secret.expose().to_owned())),
        None => client,
    })
}

fn scopes(credential: &Credential) -> impl Iterator<Item = Scope> + '_ {
    credential.scopes.iter().cloned().map(Scope::new)
}

/// The function by which the library asks.
fn asking(credential: &Credential) -> impl Fn(HttpRequest) -> Asking {
    let ca_file = credential.ca_file.clone();
    move |request| {
        let ca_file = ca_file.clone();
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let answer = understandable(&host, http::ask(request, ca_file.as_deref()).await?)?;
            Ok(answer.map(answer::normalised))
        })
    }
}

type Asking = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send>>;

/// An answer that may be one to a question for tokens: JSON, or nothing at all.
fn understandable(host: &str, answer: HttpResponse) -> Result<HttpResponse> {
    let status = answer.status();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(answer.body()).is_ok();
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("nothing said of it");
    let strange =
        |what: String| Error::new(ErrorKind::Server, format!("{host} answered {what}, where it should give a token"));
    if status.is_redirection() {
        return Err(strange(format!("that it is elsewhere ({status})"))
            .hint("look for the right endpoint at the provider; a login page of the network may be in between, too"));
    }
    if is_json || (status.is_success() && answer.body().is_empty()) {
        return Ok(answer);
    }
    let error = strange(format!("{status} with {kind}"));
    Err(if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        error.hint("the provider has trouble; try again in a while")
    } else {
        error.hint("look whether the endpoint is right; a login page of the network may be in between, too")
    })
}

/// The tokens of an answer, if they can be used.
fn granted(answer: &Answer) -> Result<Granted> {
    match answer.token_type() {
        BasicTokenType::Bearer => {}
        BasicTokenType::Mac => return Err(answer::of_another_type("mac")),
        BasicTokenType::Extension(kind) => return Err(answer::of_another_type(kind)),
    }
    answer::usable("access_token", answer.access_token().secret())?;
    answer.refresh_token().map_or(Ok(()), |token| answer::usable("refresh_token", token.secret()))?;
    let scopes = answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "));
    Ok(Granted {
        access_token: Text::new(answer.access_token().secret().clone()),
        refresh_token: answer.refresh_token().map(|token| Text::new(token.secret().clone())),
        expires_in: answer.expires_in(),
        scopes,
        who: answer.extra_fields().id_token.as_ref().and_then(|token| Claims::of(token)),
    })
}

/// The error for an answer that is no token; what the answer was is never in it, as a token might be.
fn refused<T>(credential: &Credential, error: RequestTokenError<Error, T>) -> Error
where
    T: oauth2::ErrorResponse + refusal::Words,
{
    match error {
        RequestTokenError::ServerResponse(response) => {
            refusal::explained(credential, &response.error(), response.description())
        }
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::new(ErrorKind::Server, "the provider's answer about a token cannot be understood")
                .hint("look whether the token_endpoint is right")
        }
    }
}
