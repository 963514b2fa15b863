//! What a provider publishes of itself (OpenID Connect Discovery §4, RFC 8414): its endpoints.
//!
//! It is asked when an account is made, and what comes of it is written down; and at a sign-in, if nobody wrote down where to ask who
//! it was.

use std::path::Path;

use oauth2::http::Request;
use serde::Deserialize;

use super::understandable;
use crate::account::credential::is_safe;
use crate::error::{Error, ErrorKind, Result};
use crate::net::http;

/// The endpoints of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoints {
    issuer: String,
    /// Where a person agrees.
    pub authorization_endpoint: String,
    /// Where tokens come from.
    pub token_endpoint: String,
    /// Where a code for another device comes from.
    pub device_authorization_endpoint: Option<String>,
    /// Where tokens are given back.
    pub revocation_endpoint: Option<String>,
    /// Where it is told who agreed.
    pub userinfo_endpoint: Option<String>,
}

/// Asks a provider for its endpoints; the certificates of a file are trusted as well as the system's.
///
/// # Errors
/// It cannot be reached, publishes nothing, speaks for another, or names an endpoint that others could listen to.
pub async fn endpoints(issuer: &str, ca_file: Option<&Path>) -> Result<Endpoints> {
    let issuer = issuer.trim_end_matches('/');
    let wrong = |message: String| Error::new(ErrorKind::Server, message).hint(ONE_BY_ONE);
    if !is_safe(issuer) {
        return Err(wrong(format!("{issuer} is no https:// address")));
    }
    let request = Request::get(format!("{issuer}/.well-known/openid-configuration")).body(Vec::new());
    let request = request.map_err(|error| wrong(format!("that is no address: {error}")))?;
    let host = request.uri().host().unwrap_or_default().to_owned();
    let answer = http::ask(request, ca_file).await.and_then(|answer| understandable(&host, answer));
    let answer = answer.map_err(|error| error.hint(ONE_BY_ONE))?;
    let found: Endpoints = serde_json::from_slice(answer.body())
        .map_err(|_| wrong(format!("{host} does not tell its endpoints ({})", answer.status())))?;
    if found.issuer.trim_end_matches('/') != issuer {
        return Err(wrong(format!("{host} speaks for {}, not for {issuer}", found.issuer)));
    }
    let all = [
        Some(&found.authorization_endpoint),
        Some(&found.token_endpoint),
        found.device_authorization_endpoint.as_ref(),
        found.revocation_endpoint.as_ref(),
        found.userinfo_endpoint.as_ref(),
    ];
    let open = all.into_iter().flatten().find(|endpoint| !is_safe(endpoint)).cloned();
    match open {
        Some(endpoint) => Err(wrong(format!("{host} names an endpoint that is no https:// address: {endpoint}"))),
        None => Ok(found),
    }
}

const ONE_BY_ONE: &str = "see whether the address is right, or give the endpoints one by one";
