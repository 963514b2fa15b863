//! `mailql login` and `mailql logout`: a person signs in to an account, once, and out of it again.
//!
//! It shows where to go and opens the browser, and says that it works when it was tried; the conversation with the provider is the
//! account's matter.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use super::ask::{Answer, Person, Unanswered, say as ask_say};
use super::check::{self, Walked};
use super::output::neutral;
use super::say;
use super::setup;
use super::signals::Signals;
use super::source::Source;
use crate::account::oauth::authorization::Authorization;
use crate::account::oauth::device::DeviceSignIn;
use crate::account::{
    AccountConfig, Config, Credential, Grant, ImapAccount, Keep, Password, Proofs, SignIn, TokenSource,
};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

/// How a person wants to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Way {
    /// In a browser on another device, by a code.
    pub(crate) device: bool,
    /// In a browser that the person opens.
    pub(crate) no_browser: bool,
}

/// Signs in to an account: the one that is named, else one that the person describes.
///
/// # Errors
/// There is no such account, nothing to sign in to, or it fails.
pub(crate) async fn login(
    target: Option<&str>,
    config: Option<&Path>,
    way: Way,
    signals: &Signals,
) -> Result<ExitCode> {
    match Box::pin(signing_in(target, config, way, signals)).await {
        Ok(status) => Ok(status),
        Err(Unanswered::Stopped(signal)) => Ok(ExitCode::from(signal.status())),
        Err(Unanswered::Failed(error)) => Err(error),
    }
}

async fn signing_in(target: Option<&str>, file: Option<&Path>, way: Way, signals: &Signals) -> Answer<ExitCode> {
    let person = Person::new(signals);
    let known = Source::configuration(file)?;
    let name = match target {
        Some(name) if known.accounts.keys().any(|known| known.eq_ignore_ascii_case(name)) => name.to_owned(),
        Some(name) if !name.contains('@') || name.contains("://") => return Err(no_such_account(name, &known).into()),
        address => setup::described(&person, file, &known, address).await?,
    };
    let config = Source::configuration(file)?;
    let (name, account) = live(&config, &name)?;
    match &account.sign_in {
        SignIn::Password(Password::Kept(wanted)) => {
            with_password(&person, &config, name, account, *wanted, signals).await
        }
        SignIn::Token(TokenSource::Credential(credential)) => {
            let kept = Box::pin(agreed(&person, credential, &account.user, &config.proofs(), way)).await?;
            let walked = check::walk(&Engine::open(config.clone())?, name, signals).await?;
            Ok(told(name, kept, walked))
        }
        SignIn::Password(_) | SignIn::Token(_) => Err(nothing_kept(name, account).into()),
    }
}

/// Says what came of a sign-in, and of trying it; gives the exit status.
fn told(name: &str, kept: Option<Keep>, walked: Walked) -> ExitCode {
    let is_kept = kept.map_or("nobody has to sign in there".to_owned(), |kept| format!("it is kept {}", place(kept)));
    match walked {
        Walked::Through => {
            say::note(&format!("Signed in to {name}; {is_kept}."));
            say::hint(&format!("see what it has: mailql {name} -c \"SELECT name, messages FROM Folder\""));
            ExitCode::SUCCESS
        }
        Walked::Ended { .. } => {
            let what = kept.map(|kept| format!("; what the provider gave is kept {}", place(kept))).unwrap_or_default();
            say::note(&format!("{name} does not work{what}."));
            say::hint(&format!("mailql test {name} tries again, mailql logout {name} forgets the sign-in"));
            ExitCode::FAILURE
        }
        Walked::Stopped(signal) => {
            say::note(&format!("{name} was not tried to its end; {is_kept}."));
            ExitCode::from(signal.status())
        }
    }
}

/// Forgets what an account signed in with, and gives it back where the provider takes it.
///
/// # Errors
/// There is no such account, or it cannot be forgotten.
pub(crate) async fn logout(target: Option<&str>, config: Option<&Path>) -> Result<ExitCode> {
    let config = Source::configuration(config)?;
    let default = config.default.clone().or_else(|| config.accounts.keys().next().cloned());
    let Some(target) = target.map(str::to_owned).or(default) else {
        return Err(Error::new(ErrorKind::Config, "no account is configured"));
    };
    let (name, account) = live(&config, &target)?;
    if let SignIn::Token(TokenSource::Given(_) | TokenSource::Command(_))
    | SignIn::Password(Password::Given(_) | Password::Command(_) | Password::Missing) = &account.sign_in
    {
        return Err(nothing_kept(name, account));
    }
    let forgotten = config.proofs().forget(account).await?;
    let what = if forgotten.was_there { "is signed out" } else { "was not signed in" };
    say::note(&format!("{name} {what}."));
    match forgotten.revoked {
        Some(Ok(true)) => say::note("The provider took the sign-in back: it is of no use to anybody now."),
        Some(Ok(false)) => say::hint(
            "the provider has no way to take a sign-in back; remove this app in the settings of the account to be sure",
        ),
        Some(Err(error)) => {
            say::error(&error);
            say::hint(
                "the sign-in is forgotten here, but the provider still knows it: remove this app in the settings of the account",
            );
            return Ok(ExitCode::FAILURE);
        }
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for a password, tries it, and keeps it unless the server refuses it.
async fn with_password(
    person: &Person<'_>,
    config: &Config,
    name: &str,
    account: &ImapAccount,
    wanted: Keep,
    signals: &Signals,
) -> Answer<ExitCode> {
    let secret = person.secret(&format!("Password of {}", neutral(&account.whose()))).await?;
    let Some(secret) = secret else {
        return Err(Error::new(ErrorKind::Config, "no password was typed").into());
    };
    let mut tried = config.clone();
    let given = ImapAccount { sign_in: SignIn::Password(Password::Given(secret.clone())), ..account.clone() };
    tried.accounts.insert(name.to_owned(), AccountConfig::Imap(given));
    let walked = check::walk(&Engine::open(tried)?, name, signals).await?;
    match walked {
        // One that was kept before may be the right one.
        Walked::Ended { refused: true } => {
            say::note("The password is not kept.");
            return Ok(ExitCode::FAILURE);
        }
        Walked::Stopped(signal) => return Ok(ExitCode::from(signal.status())),
        Walked::Through | Walked::Ended { .. } => {}
    }
    let kept = config.proofs().keep_password(account, &secret, wanted).await?;
    if walked == Walked::Through {
        return Ok(told(name, Some(kept), walked));
    }
    say::note(&format!(
        "{name} does not work; whether the password is right is not known, and it is kept {}.",
        place(kept)
    ));
    say::hint(&format!("mailql test {name} tries again, mailql login {name} asks for another"));
    Ok(ExitCode::FAILURE)
}

/// Has a person agree, or nobody, and keeps what the provider gives; tells where, if it is anywhere.
async fn agreed(
    person: &Person<'_>,
    credential: &Credential,
    user: &str,
    proofs: &Proofs,
    way: Way,
) -> Answer<Option<Keep>> {
    let mut credential = credential.clone();
    if way.device {
        credential.grant = Grant::DeviceCode;
    }
    let signing_in = async {
        match credential.grant {
            Grant::AuthorizationCode => in_browser(&credential, user, proofs, way).await,
            Grant::DeviceCode => elsewhere(&credential, user, proofs).await,
            Grant::ClientCredentials => proofs.token(&credential, user, None).await.map(|_| None),
        }
    };
    Ok(Box::pin(person.waits(signing_in)).await??)
}

async fn in_browser(credential: &Credential, user: &str, proofs: &Proofs, way: Way) -> Result<Option<Keep>> {
    let begun = Authorization::begin(credential, user).await?;
    let opened = !way.no_browser && open::that_detached(begun.url()).is_ok();
    let first = if opened {
        format!("The browser opens, to sign in as {user}. If it does not, open this address:")
    } else {
        format!("Open this address in a browser, and sign in as {user}:")
    };
    say::note(&first);
    ask_say(&format!("\n  {}\n\n", begun.url()))?;
    let at_terminal = std::io::stdin().is_terminal();
    if at_terminal {
        say::note(&format!(
            "In a browser on another computer, the last page cannot be shown: its address begins with {}.",
            begun.redirect()
        ));
        ask_say("Paste that address here then, else just wait: ")?;
    }
    let agreed = begun.finish(pasted(at_terminal)).await;
    if at_terminal {
        ask_say("\n")?;
    }
    let kept = agreed?.settle(user, async |granted| proofs.keep(credential, user, granted).await).await?;
    Ok(Some(kept))
}

async fn elsewhere(credential: &Credential, user: &str, proofs: &Proofs) -> Result<Option<Keep>> {
    let begun = DeviceSignIn::begin(credential).await?;
    let (address, minutes) = (begun.address(), begun.minutes());
    say::note(&format!(
        "Open {address} in any browser, sign in as {user}, and enter this code within {minutes} minutes:"
    ));
    ask_say(&format!("\n  {}\n\n", neutral(begun.code())))?;
    let granted = begun.finish().await?;
    proofs.keep(credential, user, granted).await.map(Some)
}

/// The address that somebody pastes; without a terminal, nobody does.
async fn pasted(at_terminal: bool) -> String {
    if !at_terminal {
        return std::future::pending().await;
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // A thread of its own: it may wait for ever, and nobody must wait for it.
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|octets| octets > 0) {
            if !line.trim().is_empty() {
                let _ = sender.send(line);
                return;
            }
        }
    });
    match receiver.await {
        Ok(line) => line,
        // Nobody will paste anything any more, but the browser may come.
        Err(_) => std::future::pending().await,
    }
}

fn live<'a>(config: &'a Config, target: &str) -> Result<(&'a str, &'a ImapAccount)> {
    match config.accounts.iter().find(|(name, _)| name.eq_ignore_ascii_case(target)) {
        Some((name, AccountConfig::Imap(account))) => Ok((name, account)),
        Some((name, _)) => {
            Err(Error::new(ErrorKind::Config, format!("'{name}' are mail files: nobody signs in there")))
        }
        None => Err(no_such_account(target, config)),
    }
}

fn no_such_account(target: &str, config: &Config) -> Error {
    let target = target.split_once("://").map_or_else(|| target.to_owned(), |(scheme, _)| format!("{scheme}://…"));
    let error = Error::new(ErrorKind::NotFound, format!("there is no account '{target}' in the configuration"));
    let names = config.accounts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    error.hint(match names.as_str() {
        "" => "mailql login without a name makes one".to_owned(),
        names => format!("there are {names}; mailql login without a name makes another"),
    })
}

fn nothing_kept(name: &str, account: &ImapAccount) -> Error {
    let (how, hint) = match &account.sign_in {
        SignIn::Password(Password::Missing) => {
            ("has no password that is kept", "give it password = \"keyring\" (or \"file\"), or a credential")
        }
        SignIn::Password(_) => ("has its password from elsewhere", "mailql test shows whether that works"),
        SignIn::Token(_) => ("has its token from elsewhere", "mailql test shows whether that works"),
    };
    Error::new(ErrorKind::Config, format!("'{name}' {how}: there is nothing to sign in to or out of")).hint(hint)
}

fn place(kept: Keep) -> &'static str {
    match kept {
        Keep::Keyring => "in the keyring of this system",
        Keep::File => "in a file that only you can read",
    }
}
