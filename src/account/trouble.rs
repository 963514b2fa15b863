//! What servers say when they let nobody in: what it most likely is, and what to do. Data, a row each.
//!
//! Pure. The words are those that providers are known to use; where several rows fit, the first counts.

use super::sasl::Proof;

/// What a server says, and what it means.
#[derive(Debug)]
struct Trouble {
    /// Words of it in lower case; all that stand between `&` must be there.
    said: &'static [&'static str],
    /// By what it was tried.
    tried: Tried,
    /// What it most likely is, and what to do.
    hint: &'static str,
}

/// By what somebody tried to get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Password,
    Token,
    Either,
}

/// What it most likely is that a server said to who wanted in by a proof, and what to do; nothing if nobody knows.
pub fn hint(said: &str, proof: &Proof) -> Option<&'static str> {
    let said = said.to_lowercase();
    let tried = match proof {
        Proof::Password(_) => Tried::Password,
        Proof::Token(_) => Tried::Token,
    };
    let fits = |words: &&str| words.split('&').all(|words| said.contains(words));
    let known = TROUBLES.iter().filter(|trouble| trouble.tried == Tried::Either || trouble.tried == tried);
    known.filter(|trouble| trouble.said.iter().any(fits)).map(|trouble| trouble.hint).next()
}

const TROUBLES: [Trouble; 18] = [
    Trouble {
        said: &["smtpclientauthentication is disabled", "5.7.139&smtp&disabled", "smtp auth is disabled"],
        tried: Tried::Either,
        hint: "handing in mail (SMTP AUTH) is switched off there: an administrator switches Authenticated SMTP on for the mailbox (Microsoft 365 admin center, Users, Active users, Mail, Manage email apps), or for the organisation",
    },
    Trouble {
        said: &[
            "5.7.30 ",
            "basic authentication is not supported",
            "basic authentication is disabled",
            "basicauthblocked",
            "basic auth is disabled",
        ],
        tried: Tried::Either,
        hint: "the provider takes no passwords any more: give the account a credential, and sign in with mailql login",
    },
    Trouble {
        said: &[
            "too many simultaneous connections",
            "maximum number of connections",
            "too many connections",
            "too many concurrent",
            "connections limit",
        ],
        tried: Tried::Either,
        hint: "other programs hold all the connections that the account may have: close some, or wait until the server does, and SET mailql.connections = 1",
    },
    Trouble {
        said: &[
            "too many login",
            "too many failed",
            "too many bad",
            "too many auth",
            "4.7.0 too many",
            "rate limit",
            "ratelimit",
            "throttl",
            "exceeded&limit",
            "bandwidth limits",
            "temporarily blocked",
            "request limit",
        ],
        tried: Tried::Either,
        hint: "too much was asked or tried within a short time: wait (some minutes, or a day where a quota is used up), then try once",
    },
    Trouble {
        said: &[
            "account is locked",
            "account locked",
            "account has been locked",
            "account is blocked",
            "account has been blocked",
            "account blocked",
            "account suspended",
            "account is disabled",
            "account has been disabled",
            "account disabled",
            "5.7.0&locked",
        ],
        tried: Tried::Either,
        hint: "the account is locked: sign in on the provider's web page, which says why and unlocks it, or ask the administrator",
    },
    Trouble {
        said: &[
            "temporary authentication failure",
            "temporary",
            "try again later",
            "internal error",
            "server error",
            "system problem",
        ],
        tried: Tried::Either,
        hint: "the server has trouble of its own: try again in some minutes",
    },
    Trouble {
        said: &[
            "application-specific password",
            "app-specific password",
            "app specific password",
            "app password",
            "application password",
            "invalidsecondfactor",
            "5.7.9&google",
            "two-factor",
            "2-step",
            "two-step",
            "second factor",
        ],
        tried: Tried::Password,
        hint: "the account is protected by two steps, so that its password alone is not enough: make an app password in the security settings of the account and use that one, or sign in with mailql login",
    },
    Trouble {
        said: &[
            "web login required",
            "web browser",
            "weblogin",
            "webalert",
            "5.7.14",
            "via the web",
            "log in to the web",
            "continue&signin",
        ],
        tried: Tried::Either,
        hint: "the provider finds this sign-in strange: sign in on its web page with a browser on the same network, confirm that it was you, and try again within minutes; an app password or mailql login avoids it",
    },
    Trouble {
        said: &["less secure"],
        tried: Tried::Password,
        hint: "the provider takes no ordinary password from mail programs any more: use an app password, or sign in with mailql login",
    },
    Trouble {
        said: &[
            "not enabled for imap",
            "imap access is disabled",
            "imap is disabled",
            "imap disabled",
            "imap access&not",
            "imap access is not",
            "enable imap",
            "imap_disabled",
            "imap4 is disabled",
            "imap service is not",
            "not allowed to use imap",
            "yet to enable imap",
            "protocol is not enabled",
            "unavailable for this account",
        ],
        tried: Tried::Either,
        hint: "IMAP is switched off for the account: switch it on in its settings on the web (Gmail: Forwarding and POP/IMAP; GMX, web.de and Zoho: POP3 and IMAP); in Microsoft 365 an administrator does, at Users, Active users, Mail, Manage email apps",
    },
    Trouble {
        said: &["user is authenticated but not connected"],
        tried: Tried::Either,
        hint: "the sign-in is good, and the mailbox is not there for it: see whether user is the address of a mailbox with a licence and IMAP switched on, whether mailbox names one that is shared with the user, and whether an app has FullAccess to it",
    },
    Trouble {
        said: &["5.7.60", "send as this", "sender address rejected", "not owned by user"],
        tried: Tried::Either,
        hint: "the user may not send as that address: use the user's own, or have an administrator allow Send As",
    },
    Trouble {
        said: &["insufficient_scope", "does not allow this", "accesstokenscope"],
        tried: Tried::Token,
        hint: "the token is for something else: compare the scopes with those in docs/accounts.md, then sign in again with mailql login, and accept all that is asked",
    },
    Trouble {
        said: &["5.7.3", "authenticate failed", "authentication unsuccessful", "5.7.139"],
        tried: Tried::Token,
        hint: "Microsoft refuses the token: see whether it is of this user and for outlook.office.com (the step token of mailql test), whether the app has the permissions IMAP.AccessAsUser.All and SMTP.Send, and whether the mailbox allows IMAP and Authenticated SMTP",
    },
    Trouble {
        said: &["login failed.", "login failed", "authenticate failed", "5.7.139", "5.7.3", "5.7.57"],
        tried: Tried::Password,
        hint: "check user and password. Microsoft says the same to everybody who comes with a password: it wants a credential, and mailql login; elsewhere, an app password may be wanted",
    },
    Trouble {
        said: &["password expired", "password has expired", "expired password", "password is expired"],
        tried: Tried::Password,
        hint: "the password is too old for the server; set a new one there",
    },
    Trouble {
        said: &[
            "invalid credentials",
            "5.7.8",
            "authenticationfailed",
            "badcredentials",
            "username and password not accepted",
            "incorrect username",
            "authentication failed",
            "authentication failure",
            "authentication credentials invalid",
        ],
        tried: Tried::Password,
        hint: "check user and password; many providers want an app password, made in the account's security settings",
    },
    Trouble {
        said: &[
            "invalid credentials",
            "5.7.8",
            "authenticationfailed",
            "badcredentials",
            "sasl authentication failed",
            "invalid_token",
            "token&expired",
        ],
        tried: Tried::Token,
        hint: "the token is not taken: sign in again (mailql login), as the user of the account; see whether its settings allow IMAP",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn password(said: &str) -> &'static str {
        hint(said, &Proof::Password("p".into())).unwrap_or("nothing")
    }

    fn token(said: &str) -> &'static str {
        hint(said, &Proof::Token("t".into())).unwrap_or("nothing")
    }

    #[test]
    fn what_providers_say_to_a_password_is_understood() {
        for (said, word) in [
            (
                "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)",
                "app password",
            ),
            (
                "534 5.7.9 Application-specific password required. For more information, go to https://support.google.com/mail/?p=InvalidSecondFactor",
                "app password",
            ),
            ("[WEBALERT https://accounts.google.com/signin/continue?x=y] Web login required.", "browser"),
            (
                "[ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)",
                "browser",
            ),
            ("534 5.7.14 Please log in via your web browser and then try again.", "browser"),
            (
                "[ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)",
                "IMAP is switched off",
            ),
            ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "check user and password"),
            (
                "535-5.7.8 Username and Password not accepted. For more information, go to 535 5.7.8 https://support.google.com/mail/?p=BadCredentials",
                "check user and password",
            ),
            ("454 4.7.0 Too many login attempts, please try again later.", "wait"),
            ("[ALERT] Too many simultaneous connections. (Failure)", "connections"),
            ("[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", "wait"),
            ("[ALERT] Account has been temporarily blocked", "wait"),
            (
                "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
                "trouble of its own",
            ),
            ("432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", "connections"),
            ("553 5.7.1 <a@example.org>: Sender address rejected: not owned by user b@example.org", "may not send as"),
            ("[AUTHENTICATIONFAILED] Incorrect username, password or access token", "check user and password"),
            ("LOGIN failed.", "credential"),
            ("AUTHENTICATE failed.", "credential"),
            ("User is authenticated but not connected.", "the sign-in is good"),
            (
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [X.PROD.OUTLOOK.COM]",
                "SMTP AUTH",
            ),
            (
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
                "SMTP AUTH",
            ),
            (
                "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [X.PROD.OUTLOOK.COM]",
                "no passwords any more",
            ),
            (
                "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
                "check user and password",
            ),
            ("550 5.7.30 Basic authentication is not supported for Client Submission.", "no passwords any more"),
            ("535 5.7.3 Authentication unsuccessful", "check user and password"),
            ("530 5.7.57 Client not authenticated to send mail.", "check user and password"),
            ("[AUTHENTICATIONFAILED] LOGIN Invalid credentials", "check user and password"),
            ("[AUTHENTICATIONFAILED] Authentication Failed", "check user and password"),
            (
                "[AUTHENTICATIONFAILED] Incorrect username or password. (Are you using your app password?)",
                "app password",
            ),
            ("535 5.7.8 Error: authentication failed: application-specific password required", "app password"),
            ("535 5.7.0 (#AUTH005) Too many bad auth attempts.", "wait"),
            ("535 Authentication credentials invalid", "check user and password"),
            (
                "[AUTHENTICATIONFAILED] IMAP access is disabled. Please enable it in your settings",
                "IMAP is switched off",
            ),
            (
                "[ALERT] You are yet to enable IMAP for your account. Please contact your administrator",
                "IMAP is switched off",
            ),
            ("[ALERT] Your account is locked", "locked"),
            ("[ALERT] Please use an app specific password: less secure apps are not allowed", "app password"),
            ("Access for less secure apps has been turned off", "app password"),
        ] {
            assert!(password(said).contains(word), "{said}: {}", password(said));
        }
    }

    #[test]
    fn what_providers_say_to_a_token_is_understood() {
        for (said, word) in [
            ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "mailql login"),
            ("AUTHENTICATE failed.", "Microsoft refuses the token"),
            ("535 5.7.3 Authentication unsuccessful [X.PROD.OUTLOOK.COM]", "SMTP.Send"),
            (
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
                "SMTP AUTH",
            ),
            ("User is authenticated but not connected.", "FullAccess"),
            ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "Send As"),
            ("the token does not allow this (the server wants the scope https://mail.google.com/)", "scopes"),
            ("Your account is not enabled for IMAP use", "IMAP is switched off"),
        ] {
            assert!(token(said).contains(word), "{said}: {}", token(said));
        }
    }

    #[test]
    fn what_nobody_knows_has_no_hint() {
        assert_eq!((password("computer says no"), token("")), ("nothing", "nothing"));
    }

    #[test]
    fn words_are_in_lower_case_and_every_hint_is_reached() {
        for trouble in &TROUBLES {
            assert!(trouble.said.iter().all(|words| *words == words.to_lowercase()), "{trouble:?}");
            let said = trouble.said[0].replace('&', " ");
            let of = if trouble.tried == Tried::Token { token(&said) } else { password(&said) };
            assert_eq!(of, trouble.hint, "{said}");
        }
    }
}
