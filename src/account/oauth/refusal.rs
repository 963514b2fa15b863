//! Why a provider gives no token, in a sentence, with what can be done about it (RFC 6749 §5.2).
//!
//! Pure. Microsoft's codes are put in plain words; what a provider itself says is kept.

use oauth2::DeviceCodeErrorResponse;
use oauth2::basic::BasicErrorResponse;

use crate::account::credential::{ClientSecret, Credential};
use crate::error::{Error, ErrorKind};

/// An error of a provider: its code, and what it says beside.
pub trait Words {
    /// The code: `invalid_grant`.
    fn error(&self) -> String;
    /// What it says beside.
    fn description(&self) -> Option<&str>;
}

impl Words for BasicErrorResponse {
    fn error(&self) -> String {
        self.error().to_string()
    }

    fn description(&self) -> Option<&str> {
        self.error_description().map(String::as_str)
    }
}

impl Words for DeviceCodeErrorResponse {
    fn error(&self) -> String {
        self.error().to_string()
    }

    fn description(&self) -> Option<&str> {
        self.error_description().map(String::as_str)
    }
}

/// The error for a provider's refusal.
pub fn explained(credential: &Credential, code: &str, description: Option<&str>) -> Error {
    let words = description.map(in_short).unwrap_or_default();
    let said = if words.is_empty() { code.to_owned() } else { format!("{words} ({code})") };
    let known = aadsts(&words).or_else(|| usual(credential, code));
    let (meaning, hint) =
        known.unwrap_or(("the provider gave no token", "see docs/accounts.md, or ask whoever runs the provider"));
    Error::new(ErrorKind::Server, format!("{meaning}: {said}")).hint(hint)
}

/// The errors of the RFCs.
fn usual(credential: &Credential, code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "invalid_grant" if credential.token_endpoint.contains("googleapis.com") => (
            "the sign-in has ended",
            "sign in again with mailql login; if that happens every seven days, the app's publishing status is Testing: publish it, or make it Internal",
        ),
        "invalid_grant" => (
            "the sign-in has ended: it was revoked, is too old, or the password was changed",
            "sign in again with mailql login",
        ),
        "invalid_client" if credential.client_secret != ClientSecret::None => (
            "the client secret is wrong or has expired, or the client id is wrong",
            "make a new secret at the provider, and put its value (not its id) into client_secret or what client_secret_command tells",
        ),
        "invalid_client" => (
            "the provider does not know this client",
            "compare client_id with the registration at the provider; if that has a secret, give it: client_secret_command",
        ),
        "unauthorized_client" => (
            "this client may not sign in like that",
            "see whether the registration allows it: public client flows for PKCE and device codes, application permissions for client_credentials",
        ),
        "access_denied" => {
            ("the sign-in was declined", "agree to all that is asked, or have an administrator allow this client")
        }
        "invalid_scope" => (
            "the provider does not know a scope, or this client may not have it",
            "compare scopes with what the registration allows",
        ),
        "redirect_uri_mismatch" => (
            "the address that the browser comes back to is not registered",
            "register http://localhost, or name the one that is registered as redirect_uri",
        ),
        "interaction_required" | "consent_required" | "login_required" => {
            ("the provider wants to ask the person again", "sign in again with mailql login")
        }
        "expired_token" => ("the code was not entered in time", "begin again, and enter it sooner"),
        "admin_policy_enforced" | "org_internal" => (
            "the administrator has not allowed this app",
            "the administrator allows the client id: Security, Access and data control, API controls, Manage third-party app access",
        ),
        "temporarily_unavailable" | "server_error" => ("the provider has trouble", "try again in a while"),
        _ => return None,
    })
}

/// Microsoft's codes: what they mean.
fn aadsts(words: &str) -> Option<(&'static str, &'static str)> {
    let at = words.find("AADSTS")? + "AADSTS".len();
    let digits = words[at..].chars().take_while(char::is_ascii_digit).count();
    let code = words[at..at + digits].parse::<u32>().ok()?;
    Some(match code {
        50_034 => (
            "Microsoft knows no such user in this organisation",
            "see whether the address is right, and the endpoints are those of its organisation",
        ),
        50_053 => ("the account is locked after too many attempts", "wait, or have the administrator unlock it"),
        50_055 | 50_133 | 50_144 => (
            "the password has expired or was changed",
            "set a new one at Microsoft, then sign in again with mailql login",
        ),
        50_057 => ("the account is disabled", "the administrator can enable it"),
        50_058 | 16_000 | 50_196 | 65_004 => {
            ("the sign-in was not finished", "sign in again with mailql login, and accept what is asked")
        }
        50_072 | 50_074 | 50_076 | 50_079 | 50_097 | 50_158 => (
            "Microsoft wants a second factor, or an administrator changed what it wants",
            "sign in again with mailql login, and confirm with the second factor",
        ),
        50_011 => (
            "the address that the browser comes back to is not registered",
            "register http://localhost under Mobile and desktop applications, or name the one that is registered as redirect_uri",
        ),
        50_020 | 50_194 | 90_072 => (
            "the account is not of the organisation that the app is registered for",
            "sign in with an account of it, or use the endpoints of the organisation (or consumers) instead",
        ),
        53_000 | 53_001 | 53_002 | 53_003 | 53_004 | 530_003 | 530_032 => (
            "the organisation's rules (conditional access) do not allow this sign-in",
            "the administrator can say what they ask for: a managed device, a place, or an approved app",
        ),
        65_001 | 90_094 | 90_093 => (
            "nobody has consented to this app yet, or only an administrator may",
            "sign in with mailql login and accept, or have an administrator grant consent: App registrations, API permissions",
        ),
        70_000 | 70_008 | 70_043 | 700_082 | 700_084 | 50_173 | 50_089 => {
            ("the sign-in has ended: it was revoked, or was not used for too long", "sign in again with mailql login")
        }
        70_011 | 650_053 | 70_003 => (
            "a scope is not one that Microsoft knows here",
            "scopes are like https://outlook.office.com/IMAP.AccessAsUser.All, and for client_credentials https://outlook.office365.com/.default",
        ),
        70_016 | 70_020 => ("the code was not entered in time", "begin again, and enter it sooner"),
        90_002 | 900_023 | 900_021 => (
            "the organisation in the endpoints is none",
            "put its domain or its Directory (tenant) ID there, or organizations",
        ),
        700_016 | 700_038 => (
            "Microsoft knows no app of this client id there",
            "compare client_id with the Application (client) ID, and the endpoints with the organisation that it is registered in",
        ),
        7_000_215 => (
            "the client secret is wrong",
            "use the secret's value, not its id: Certificates & secrets; it is shown only once",
        ),
        7_000_222 => ("the client secret has expired", "make a new one: App registrations, Certificates & secrets"),
        7_000_218 => (
            "Microsoft wants a client secret, for the app is not registered as a public client",
            "under Authentication, allow public client flows and register http://localhost as Mobile and desktop application; or give a client_secret",
        ),
        700_025 => ("the app is a public client, and has no secret", "leave client_secret out"),
        9_002_313 | 900_144 => (
            "Microsoft does not understand what was asked",
            "compare the endpoints of the credential with those of the registration",
        ),
        _ => return None,
    })
}

/// A provider's words on one line, as far as anybody reads them; Microsoft's have trace ids after the sentence.
pub(super) fn in_short(words: &str) -> String {
    let words = words.split("Trace ID:").next().unwrap_or(words);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(READ) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Characters of a provider's own words.
const READ: usize = 300;

#[cfg(test)]
mod tests {
    use super::super::super::provider::Provider;
    use super::*;

    fn said(code: &str, words: &str) -> (String, String) {
        let error = explained(&Credential::new("client", None), code, Some(words));
        (error.to_string(), error.way_out().unwrap().to_owned())
    }

    #[test]
    fn microsofts_codes_are_put_in_words() {
        for (words, meaning, way_out) in [
            ("AADSTS50079: Due to a configuration change", "second factor", "mailql login"),
            ("AADSTS7000215: Invalid client secret provided.", "secret is wrong", "not its id"),
            ("AADSTS65001: The user or administrator has not consented", "consented", "administrator"),
            ("AADSTS700016: Application was not found", "no app", "client_id"),
            ("AADSTS700082: The refresh token has expired due to inactivity.", "has ended", "mailql login"),
            ("AADSTS7000218: The request body must contain client_secret", "public client", "public client flows"),
            ("AADSTS53003: Access has been blocked by Conditional Access", "rules", "administrator"),
        ] {
            let (message, hint) = said("invalid_grant", words);
            assert!(message.contains(meaning) && message.contains("AADSTS"), "{message}");
            assert!(hint.contains(way_out), "{hint}");
        }
        assert!(said("invalid_grant", "AADSTS1: unknown").0.contains("has ended"));
        assert!(said("invalid_grant", "AADSTS").0.contains("has ended"));
        assert!(said("invalid_grant", "AADSTS99999999999999999999: x").0.contains("has ended"));
    }

    #[test]
    fn what_is_said_beside_is_kept_on_one_line() {
        let (message, _) = said("invalid_grant", "AADSTS50079: No.\r\nTrace ID: 1-2-3\r\nTimestamp: x");
        assert!(message.ends_with("AADSTS50079: No (invalid_grant)"), "{message}");
        assert!(said("x", &"long ".repeat(1000)).0.len() < 500);
    }

    #[test]
    fn google_ends_sign_ins_of_apps_in_testing() {
        let google = Credential::new("client", Provider::named("gmail").unwrap().oauth.as_ref());
        let error = explained(&google, "invalid_grant", Some("Token has been expired or revoked."));
        assert!(error.way_out().unwrap().contains("seven days"));
    }

    #[test]
    fn what_is_unknown_is_told_as_it_is() {
        let (message, hint) = said("strange", "what?");
        assert!(message.contains("what? (strange)") && !hint.is_empty());
    }
}
