//! What a token says of itself, where it is one that can be read (RFC 7519).
//!
//! It is shown, and compared with what was wanted; nobody is let in because of it, so no signature is checked. An
//! id token comes from the provider itself, over TLS (OpenID Connect Core §3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// What a token says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    email: Option<String>,
    preferred_username: Option<String>,
    upn: Option<String>,
    aud: Option<Value>,
    scp: Option<Value>,
    scope: Option<Value>,
    roles: Option<Value>,
    exp: Option<Value>,
}

impl Claims {
    /// Those of a token; `None` when it is not one that can be read.
    pub fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// The addresses of who agreed.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let names = [&self.email, &self.preferred_username, &self.upn];
        names.into_iter().flatten().map(String::as_str).filter(|name| name.contains('@'))
    }

    /// The address of the provider.
    pub fn issuer(&self) -> Option<&str> {
        self.iss.as_deref()
    }

    /// Whether what is told elsewhere may be of the same user: of another it is where both name one and they differ.
    pub fn may_be(&self, other: &Self) -> bool {
        self.sub.is_none() || other.sub.is_none() || self.sub == other.sub
    }

    /// Whom the token is for.
    pub fn audience(&self) -> Option<String> {
        self.aud.as_ref().map(listed)
    }

    /// When it expires, in seconds since 1970.
    pub fn expires_at(&self) -> Option<i64> {
        let exp = self.exp.as_ref()?;
        exp.as_i64().or_else(|| i64::try_from(super::answer::whole_seconds(exp)?).ok())
    }

    /// What it allows.
    pub fn scopes(&self) -> Option<String> {
        [&self.scp, &self.scope, &self.roles].into_iter().flatten().map(listed).next()
    }
}

/// One text or several.
fn listed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(json: &str) -> String {
        format!("{}.{}.signature", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(json))
    }

    #[test]
    fn a_token_that_can_be_read_says_whose_it_is_and_what_for() {
        let json = r#"{"email":"me@example.org","preferred_username":"Me","aud":["a","b"],"scp":"IMAP.AccessAsUser.All","exp":1}"#;
        let claims = Claims::of(&token(json)).unwrap();
        assert_eq!(claims.addresses().collect::<Vec<_>>(), ["me@example.org"]);
        assert_eq!(claims.audience().as_deref(), Some("a b"));
        assert_eq!(claims.scopes().as_deref(), Some("IMAP.AccessAsUser.All"));
        assert_eq!(claims.expires_at(), Some(1));
    }

    #[test]
    fn one_that_cannot_says_nothing() {
        for token in ["", "opaque", "a.b.c", "ya29.a0AfH6SMC", &token("no json")] {
            assert_eq!(Claims::of(token), None, "{token}");
        }
    }
}
