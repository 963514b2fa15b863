//! Token answers of providers, brought into the form of RFC 6749 §5.1, and whether their tokens can be used.
//!
//! Pure. Providers write numbers as texts or with a fraction, leave the type of a token out, and send empty texts for what they
//! do not give; the parser behind takes none of that. What was sent is in no error.

use serde_json::{Map, Value};

use crate::account::sasl;
use crate::error::{Error, ErrorKind, Result};

/// The answer with numbers as numbers, lists of scopes as texts, and without what is empty or of the wrong kind.
///
/// A body that is no JSON object is returned unchanged.
pub(super) fn normalised(body: Vec<u8>) -> Vec<u8> {
    let Ok(Value::Object(mut answer)) = serde_json::from_slice::<Value>(&body) else { return body };
    for name in ["expires_in", "interval"] {
        replace(&mut answer, name, |value| whole_seconds(value).map(Value::from));
    }
    replace(&mut answer, "scope", |value| Some(Value::from(scopes(value)?)));
    for name in ["refresh_token", "id_token", "error_description", "error_uri"] {
        replace(&mut answer, name, |value| value.as_str().filter(|text| !text.is_empty()).map(Value::from));
    }
    if answer.contains_key("access_token") {
        let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or_default().trim();
        let kind = if kind.is_empty() { "bearer" } else { kind };
        answer.insert("token_type".to_owned(), kind.to_lowercase().into());
    }
    serde_json::to_vec(&answer).unwrap_or(body)
}

/// Makes sure that a token can be shown to a server; `what` is what the provider calls it.
pub(super) fn usable(what: &str, token: &str) -> Result<()> {
    match sasl::fault(token) {
        None => Ok(()),
        Some(fault) => Err(Error::new(ErrorKind::Server, format!("the provider's {what} cannot be used: {fault}"))
            .hint("look whether the token_endpoint is right, and whether something in between changes its answers")),
    }
}

/// The error for a token that is shown in another way than a mail server takes it (RFC 6749 §7.1).
pub(super) fn of_another_type(kind: &str) -> Error {
    Error::new(ErrorKind::Server, format!("the provider gives tokens of the type {kind}, and mail servers take Bearer"))
        .hint("see whether the registration at the provider says how tokens are to be shown")
}

fn replace(answer: &mut Map<String, Value>, name: &str, by: impl Fn(&Value) -> Option<Value>) {
    if let Some(value) = answer.remove(name)
        && let Some(value) = by(&value)
    {
        answer.insert(name.to_owned(), value);
    }
}

/// A number of seconds, however it is written; what is over already is none, and a fraction is left out.
pub(super) fn whole_seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| seconds(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| seconds(text.trim().parse().ok()?)),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates, which is as good as any end"
)]
fn seconds(number: f64) -> Option<u64> {
    (!number.is_nan()).then_some(number as u64)
}

/// Scopes with blanks between them.
fn scopes(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(scopes) => Some(scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(answer: &Value) -> Value {
        serde_json::from_slice(&normalised(answer.to_string().into_bytes())).unwrap()
    }

    #[test]
    fn a_lifetime_is_a_number_however_it_is_written() {
        for (written, seconds) in [
            (json!(3600), json!(3600)),
            (json!("3600"), json!(3600)),
            (json!(" 3600 "), json!(3600)),
            (json!(3599.0), json!(3599)),
            (json!("3599.9"), json!(3599)),
            (json!(3.6e3), json!(3600)),
            (json!(0), json!(0)),
            (json!(-5), json!(0)),
            (json!(1e300), json!(u64::MAX)),
            (json!(""), Value::Null),
            (json!("never"), Value::Null),
            (json!(null), Value::Null),
            (json!({}), Value::Null),
        ] {
            for name in ["expires_in", "interval"] {
                assert_eq!(given(&json!({name: written}))[name], seconds, "{name} {written}");
            }
        }
    }

    #[test]
    fn what_is_left_out_or_empty_is_as_if_it_were_not_there() {
        let answer = json!({"access_token": "t", "refresh_token": "", "id_token": null, "scope": null});
        assert_eq!(given(&answer), json!({"access_token": "t", "token_type": "bearer"}));
        for kind in ["Bearer", "BEARER", " bearer ", ""] {
            assert_eq!(given(&json!({"access_token": "t", "token_type": kind}))["token_type"], "bearer");
        }
        assert_eq!(given(&json!({"access_token": "t", "token_type": "MAC"}))["token_type"], "mac");
        assert_eq!(given(&json!({"access_token": "t", "scope": ["a", "b"]}))["scope"], "a b");
        assert_eq!(given(&json!({"error": "x", "error_description": ["y"]})), json!({"error": "x"}));
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        for body in ["", "[1]", "<html>", "\"a\"", "{"] {
            assert_eq!(normalised(body.as_bytes().to_vec()), body.as_bytes());
        }
    }

    #[test]
    fn a_token_that_cannot_be_used_is_named_and_not_shown() {
        assert!(usable("access_token", "ya29.a0-_~+/=").is_ok());
        for token in [
            "",
            " ",
            "s3cr3t\r\nX: y",
            "s3cr3t\n",
            "s3cr3t\u{1}auth=",
            "s3cr3t s3cr3t",
            "s3cr3té",
            "s3cr3t\0",
            "\u{7f}",
        ] {
            let error = usable("access_token", token).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(
                shown.contains("the provider's access_token cannot be used") && !shown.contains("s3cr3t"),
                "{shown}"
            );
        }
    }
}
