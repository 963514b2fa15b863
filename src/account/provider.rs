//! What is known of mail providers: servers, endpoints, scopes, and how one gets in. Data, a row each.
//!
//! Nothing here is asked over a network, and no client id is among it: everybody registers an own one.

use super::imap::Tls;

/// A mail provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name in a configuration.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Domains of addresses that are its own.
    pub domains: &'static [&'static str],
    /// Where mail is read.
    pub imap: Place,
    /// Where mail is handed in.
    pub smtp: Place,
    /// How one signs in with OAuth2, where that is possible.
    pub oauth: Option<OAuth>,
    /// How one gets an app password, where the provider takes one.
    pub app_password: Option<&'static str>,
    /// How one registers an application, step by step, where that is possible.
    pub registration: &'static [&'static str],
    /// What else is to be known before the first sign-in.
    pub note: Option<&'static str>,
}

/// A server of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub host: &'static str,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
}

/// The endpoints of a provider (RFC 6749 §3), and what it expects there.
#[derive(Debug, PartialEq, Eq)]
pub struct OAuth {
    /// Where a person agrees.
    pub authorization_endpoint: &'static str,
    /// Where tokens come from.
    pub token_endpoint: &'static str,
    /// Where a code for another device comes from (RFC 8628).
    pub device_authorization_endpoint: Option<&'static str>,
    /// Where tokens are given back (RFC 7009).
    pub revocation_endpoint: Option<&'static str>,
    /// Where it is told who agreed (OpenID Connect Core §5.3), where a token for mail is taken there.
    pub userinfo_endpoint: Option<&'static str>,
    /// What is asked for: reading, sending, both for a long time, and who it was that signed in.
    pub scopes: &'static [&'static str],
    /// What is sent along to the authorization endpoint.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What the person is asked at each sign-in, unless the configuration says otherwise.
    pub prompt: Option<&'static str>,
}

impl Provider {
    /// The provider of that name, in any case.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name.eq_ignore_ascii_case(name))
    }

    /// The provider whose own domain an address has.
    pub fn of_address(address: &str) -> Option<&'static Self> {
        let domain = address.rsplit_once('@')?.1;
        let domain = domain.to_ascii_lowercase();
        let is_its = |own: &str| domain.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        PROVIDERS.iter().find(|provider| provider.domains.iter().any(|own| is_its(own)))
    }
}

/// All of them, in the order in which they are offered.
pub const PROVIDERS: [Provider; 9] = [
    Provider {
        name: "gmail",
        title: "Gmail",
        domains: &["gmail.com", "googlemail.com"],
        imap: implicit("imap.gmail.com"),
        smtp: Place { host: "smtp.gmail.com", port: 465, tls: Tls::Implicit },
        oauth: Some(GOOGLE),
        app_password: Some(
            "In the Google account, under Security, switch on 2-Step Verification; then make an app password.",
        ),
        registration: REGISTER_AT_GOOGLE,
        note: Some("An app whose publishing status is Testing has to sign in again every seven days."),
    },
    Provider {
        name: "google-workspace",
        title: "Google Workspace (Gmail at a company's own domain)",
        domains: &[],
        imap: implicit("imap.gmail.com"),
        smtp: Place { host: "smtp.gmail.com", port: 465, tls: Tls::Implicit },
        oauth: Some(GOOGLE),
        app_password: Some(
            "If the administrator allows it: in the Google account, under Security, switch on 2-Step Verification; then make an app password.",
        ),
        registration: REGISTER_AT_GOOGLE,
        note: Some(
            "The administrator may have to trust the client id first: Security, Access and data control, API controls, Manage third-party app access.",
        ),
    },
    Provider {
        name: "outlook",
        title: "Outlook.com, Hotmail, Live (a person's own account)",
        domains: &["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de", "hotmail.co.uk"],
        imap: implicit("outlook.office365.com"),
        smtp: Place { host: "smtp-mail.outlook.com", port: 587, tls: Tls::StartTls },
        oauth: Some(OAuth {
            authorization_endpoint: "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize",
            token_endpoint: "https://login.microsoftonline.com/consumers/oauth2/v2.0/token",
            device_authorization_endpoint: Some("https://login.microsoftonline.com/consumers/oauth2/v2.0/devicecode"),
            ..MICROSOFT
        }),
        app_password: None,
        registration: REGISTER_AT_MICROSOFT,
        note: Some("IMAP is off until it is allowed in the settings of Outlook on the web: Mail, Forwarding and IMAP."),
    },
    Provider {
        name: "microsoft365",
        title: "Microsoft 365 (an account of a company or school)",
        domains: &["onmicrosoft.com"],
        imap: implicit("outlook.office365.com"),
        smtp: Place { host: "smtp.office365.com", port: 587, tls: Tls::StartTls },
        oauth: Some(MICROSOFT),
        app_password: None,
        registration: REGISTER_AT_MICROSOFT,
        note: Some(
            "An administrator may have to consent, and to allow IMAP (and Authenticated SMTP, for sending) for the mailbox: Microsoft 365 admin center, Active users, the user, Mail, Manage email apps.",
        ),
    },
    Provider {
        name: "fastmail",
        title: "Fastmail",
        domains: &["fastmail.com", "fastmail.fm"],
        imap: implicit("imap.fastmail.com"),
        smtp: Place { host: "smtp.fastmail.com", port: 465, tls: Tls::Implicit },
        oauth: Some(OAuth {
            authorization_endpoint: "https://api.fastmail.com/oauth/authorize",
            token_endpoint: "https://api.fastmail.com/oauth/refresh",
            device_authorization_endpoint: None,
            revocation_endpoint: Some("https://api.fastmail.com/oauth/revoke"),
            userinfo_endpoint: None,
            scopes: &[
                "https://www.fastmail.com/dev/protocol-imap",
                "https://www.fastmail.com/dev/protocol-smtp",
                "offline_access",
            ],
            parameters: &[],
            prompt: None,
        }),
        app_password: Some(
            "In the settings, under Privacy & Security, Manage app passwords: a new one with access to Mail (IMAP/SMTP).",
        ),
        registration: &["Fastmail gives out client ids on request; an app password needs no request."],
        note: None,
    },
    Provider {
        name: "icloud",
        title: "iCloud Mail",
        domains: &["icloud.com", "me.com", "mac.com"],
        imap: implicit("imap.mail.me.com"),
        smtp: Place { host: "smtp.mail.me.com", port: 587, tls: Tls::StartTls },
        oauth: None,
        app_password: Some(
            "In the Apple account, under Sign-In and Security, App-Specific Passwords: make one (two-factor authentication must be on).",
        ),
        registration: &[],
        note: None,
    },
    Provider {
        name: "yahoo",
        title: "Yahoo Mail",
        domains: &["yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "ymail.com", "rocketmail.com"],
        imap: implicit("imap.mail.yahoo.com"),
        smtp: Place { host: "smtp.mail.yahoo.com", port: 465, tls: Tls::Implicit },
        oauth: Some(OAuth {
            authorization_endpoint: "https://api.login.yahoo.com/oauth2/request_auth",
            token_endpoint: "https://api.login.yahoo.com/oauth2/get_token",
            device_authorization_endpoint: None,
            revocation_endpoint: None,
            userinfo_endpoint: None,
            scopes: &["mail-w"],
            parameters: &[],
            prompt: None,
        }),
        app_password: Some("In the account security page, Generate and manage app passwords."),
        registration: &["Yahoo registers no new mail applications at present; use an app password."],
        note: Some(
            "AOL is of the same house, at other hosts: imap = { host = \"imap.aol.com\" }, smtp = { host = \"smtp.aol.com\" }.",
        ),
    },
    Provider {
        name: "zoho",
        title: "Zoho Mail",
        domains: &["zoho.com", "zohomail.com"],
        imap: implicit("imap.zoho.com"),
        smtp: Place { host: "smtp.zoho.com", port: 465, tls: Tls::Implicit },
        oauth: None,
        app_password: Some(
            "In the Zoho account, under Security, App Passwords; in the settings of Mail, IMAP Access must be on.",
        ),
        registration: &[],
        note: Some(
            "Accounts of the data centre in Europe are at imap.zoho.eu and smtp.zoho.eu, paid ones at imappro.zoho.com and smtppro.zoho.com: name both hosts, as imap = { host = \"…\" } and smtp = { host = \"…\" }.",
        ),
    },
    Provider {
        name: "gmx",
        title: "GMX",
        domains: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch"],
        imap: implicit("imap.gmx.net"),
        smtp: Place { host: "mail.gmx.net", port: 465, tls: Tls::Implicit },
        oauth: None,
        app_password: Some(
            "With two-factor authentication on, make an application-specific password in the security settings; else the account's password is the one.",
        ),
        registration: &[],
        note: Some(
            "IMAP is off until it is allowed in the settings of the account: POP3/IMAP. Addresses at gmx.com have other hosts: imap = { host = \"imap.gmx.com\" }, smtp = { host = \"mail.gmx.com\" }.",
        ),
    },
];

const fn implicit(host: &'static str) -> Place {
    Place { host, port: 993, tls: Tls::Implicit }
}

const GOOGLE: OAuth = OAuth {
    authorization_endpoint: "https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint: "https://oauth2.googleapis.com/token",
    // There is one, but it does not give out the scope for mail.
    device_authorization_endpoint: None,
    revocation_endpoint: Some("https://oauth2.googleapis.com/revoke"),
    userinfo_endpoint: Some("https://openidconnect.googleapis.com/v1/userinfo"),
    scopes: &["https://mail.google.com/", "openid", "email"],
    parameters: &[("access_type", "offline")],
    // Without it, a second sign-in gets no refresh token.
    prompt: Some("consent"),
};

const MICROSOFT: OAuth = OAuth {
    authorization_endpoint: "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize",
    token_endpoint: "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
    device_authorization_endpoint: Some("https://login.microsoftonline.com/organizations/oauth2/v2.0/devicecode"),
    revocation_endpoint: None,
    // It takes tokens for another service only; the ID token tells.
    userinfo_endpoint: None,
    scopes: &[
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
        "openid",
        "email",
        "profile",
    ],
    parameters: &[],
    prompt: Some("select_account"),
};

const REGISTER_AT_GOOGLE: &[&str] = &[
    "In the Google Cloud console, make a project and enable the Gmail API.",
    "Under Google Auth Platform, set up the consent screen: Internal for a Workspace of your own, else External; add the scope https://mail.google.com/, and yourself as a test user.",
    "Under Clients, create a client of the type Desktop app.",
    "Copy the client id and the client secret (Google wants the secret, though it cannot be kept in a desktop app).",
];

const REGISTER_AT_MICROSOFT: &[&str] = &[
    "In the Microsoft Entra admin center, under App registrations, make a New registration; choose which accounts may use it.",
    "Under Authentication, add the platform Mobile and desktop applications with the redirect URI http://localhost, and allow public client flows.",
    "Under API permissions, add the delegated permissions IMAP.AccessAsUser.All, SMTP.Send and offline_access of Office 365 Exchange Online; an administrator may have to grant them.",
    "Copy the Application (client) ID. No secret is needed; a registration for one company only needs its own endpoints, too.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_its_provider() {
        let of = |address: &str| Provider::of_address(address).map(|provider| provider.name);
        assert_eq!(of("me@gmail.com"), Some("gmail"));
        assert_eq!(of("me@GoogleMail.com"), Some("gmail"));
        assert_eq!(of("me@contoso.onmicrosoft.com"), Some("microsoft365"));
        assert_eq!(of("\"a@b\"@hotmail.com"), Some("outlook"));
        assert_eq!((of("me@example.org"), of("gmail.com"), of("me@notgmail.com")), (None, None, None));
    }

    #[test]
    fn every_provider_has_a_way_in_and_a_name_of_its_own() {
        for provider in &PROVIDERS {
            assert!(provider.oauth.is_some() || provider.app_password.is_some(), "{}", provider.name);
            assert!(provider.oauth.is_none() || !provider.registration.is_empty(), "{}", provider.name);
            assert_eq!(Provider::named(&provider.name.to_uppercase()), Some(provider));
            assert!(provider.imap.tls != Tls::None && provider.smtp.tls != Tls::None);
        }
    }
}
