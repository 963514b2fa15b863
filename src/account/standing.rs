//! How a token stands: until when it is valid, for whom, and for what. It is told without showing the token.
//!
//! Pure. A token is a matter between the provider and the server (RFC 6749 §1.4): what one says of itself is a help to
//! people, and nobody is let in or refused because of it here.

use chrono::{DateTime, Utc};

use super::oauth::Claims;
use super::secret::Secret;
use super::token_store::Kept;

/// What is known of an access token, in words; `kept` is what the provider said of it, if it was asked from here.
pub fn told(token: &Secret, kept: Option<&Kept>, now: DateTime<Utc>) -> String {
    let claims = Claims::of(token.expose()).unwrap_or_default();
    let until = kept.and_then(|kept| kept.expires_at).or(claims.expires_at());
    let scopes = claims.scopes().or_else(|| kept.and_then(|kept| kept.scopes.clone()));
    let told = [
        until.and_then(|until| DateTime::from_timestamp(until, 0)).map(|until| valid(until, now)),
        claims.audience().filter(|audience| !audience.is_empty()).map(|audience| format!("for {audience}")),
        scopes.filter(|scopes| !scopes.is_empty()).map(|scopes| format!("scopes: {scopes}")),
    ];
    let told = told.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if told.is_empty() { "there is one, and it says nothing of itself".to_owned() } else { told }
}

fn valid(until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (at, left) = (until.format("%Y-%m-%d %H:%M UTC"), until - now);
    match left.num_minutes() {
        ..0 => format!("EXPIRED at {at}"),
        minutes @ 0..120 => format!("valid until {at} ({minutes} min)"),
        _ => format!("valid until {at}"),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::credential::Text;
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn readable(json: &str) -> Secret {
        Secret::from(format!("e30.{}.s3cr3t", URL_SAFE_NO_PAD.encode(json)))
    }

    #[test]
    fn a_token_that_can_be_read_tells_its_end_audience_and_scopes_and_not_itself() {
        let token = readable(r#"{"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","exp":1800003600}"#);
        let told = told(&token, None, now());
        assert_eq!(
            told,
            "valid until 2027-01-15 09:00 UTC (60 min), for https://outlook.office.com, scopes: IMAP.AccessAsUser.All"
        );
        assert!(!told.contains("s3cr3t"));
        let old = readable(r#"{"exp":1700000000}"#);
        assert!(super::told(&old, None, now()).starts_with("EXPIRED at 2023-11-14"));
    }

    #[test]
    fn of_one_that_cannot_it_is_what_the_provider_said() {
        let token = Secret::from("ya29.opaque");
        let kept = Kept {
            access_token: Some(Text::new("ya29.opaque".to_owned())),
            expires_at: Some(1_800_090_000),
            scopes: Some("https://mail.google.com/".to_owned()),
            ..Kept::of("me")
        };
        assert_eq!(
            told(&token, Some(&kept), now()),
            "valid until 2027-01-16 09:00 UTC, scopes: https://mail.google.com/"
        );
        assert_eq!(told(&token, None, now()), "there is one, and it says nothing of itself");
        // Whatever it claims.
        for json in [r#"{"exp":"soon"}"#, r#"{"exp":9223372036854775807,"aud":7}"#, r#"{"exp":-1e300}"#] {
            drop(told(&readable(json), None, now()));
        }
    }
}
