//! The password or token of the account that is asked, when the configuration does not say who tells it.
//!
//! It comes from the environment, else a person types it, unseen. Other accounts are not asked about.

use std::io::{self, IsTerminal};

use tokio::runtime::Runtime;

use super::output::neutral;
use super::signals::{Signal, Signals};
use super::source::Source;
use crate::account::{Password, Secret, SignIn, TokenSource};
use crate::error::{Error, ErrorKind, Result};

/// Completes the account that is asked; gives the signal, if one came instead of a password.
///
/// A token of the environment takes the place of whatever is kept, so that a job can run where nobody signed in.
///
/// # Errors
/// There is no password in the environment, and nobody to ask, or nothing was typed.
pub(crate) fn complete(runtime: &Runtime, source: &mut Source, signals: &Signals) -> Result<Option<Signal>> {
    let Some(account) = source.live_account() else { return Ok(None) };
    let is_missing = account.sign_in == SignIn::Password(Password::Missing);
    let is_kept =
        matches!(account.sign_in, SignIn::Password(Password::Kept(_)) | SignIn::Token(TokenSource::Credential(_)));
    if (is_missing || is_kept)
        && let Some(token) = variable(TOKEN)?
    {
        account.sign_in = SignIn::Token(TokenSource::Given(token));
        return Ok(None);
    }
    if !is_missing {
        return Ok(None);
    }
    let whose = neutral(&account.whose());
    let password = match variable(PASSWORD)? {
        Some(password) => password,
        // With all of its streams elsewhere the program is part of a script, whatever terminal that runs in.
        None if !io::stdin().is_terminal() && !io::stderr().is_terminal() => return Err(nobody_says(&whose)),
        None => match runtime.block_on(typed(&whose, signals))? {
            Typed::Password(password) => password,
            Typed::Stopped(signal) => return Ok(Some(signal)),
        },
    };
    account.sign_in = SignIn::Password(Password::Given(password));
    Ok(None)
}

/// A secret out of the environment, if it is there.
fn variable(name: &str) -> Result<Option<Secret>> {
    match std::env::var(name) {
        Ok(secret) if !secret.is_empty() => Ok(Some(Secret::from(secret))),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::new(ErrorKind::Config, format!("{name} is no UTF-8"))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
    }
}

enum Typed {
    Password(Secret),
    Stopped(Signal),
}

async fn typed(whose: &str, signals: &Signals) -> Result<Typed> {
    let before = Terminal::now();
    let text = format!("password of {whose}: ");
    let typing = tokio::task::spawn_blocking(|| rpassword::prompt_password(text));
    let typed = tokio::select! {
        typed = typing => typed.unwrap_or_else(|error| Err(io::Error::other(error))),
        signal = signals.came() => {
            before.restore();
            return Ok(Typed::Stopped(signal));
        }
    };
    match typed {
        Ok(password) if !password.is_empty() => Ok(Typed::Password(password.into())),
        // While it reads, Ctrl-C is a key; it may be told before the signal that it makes is heard.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Typed::Stopped(Signal::Interrupt)),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(nobody_says(whose).because(error)),
        Ok(_) | Err(_) => Err(Error::new(ErrorKind::Config, format!("no password of {whose} was typed")).hint(HINT)),
    }
}

/// The terminal as it was: a signal that comes while somebody types leaves nobody else to put it back.
#[cfg(unix)]
pub(crate) struct Terminal(Option<(std::fs::File, rustix::termios::Termios)>);

#[cfg(unix)]
impl Terminal {
    pub(crate) fn now() -> Self {
        let open = || {
            let terminal = std::fs::File::open("/dev/tty").ok()?;
            let attributes = rustix::termios::tcgetattr(&terminal).ok()?;
            Some((terminal, attributes))
        };
        Self(open())
    }

    pub(crate) fn restore(self) {
        if let Some((terminal, attributes)) = self.0
            && let Err(error) = rustix::termios::tcsetattr(terminal, rustix::termios::OptionalActions::Now, &attributes)
        {
            tracing::debug!("the terminal stays as it is: {error}");
        }
    }
}

/// Consoles of other systems forget the program's mode by themselves.
#[cfg(not(unix))]
pub(crate) struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    pub(crate) fn now() -> Self {
        Self
    }

    pub(crate) fn restore(self) {}
}

fn nobody_says(whose: &str) -> Error {
    Error::new(ErrorKind::Config, format!("there is no password of {whose}, and no terminal to ask at")).hint(HINT)
}

const PASSWORD: &str = "MAILQL_PASSWORD";
const TOKEN: &str = "MAILQL_TOKEN";
const HINT: &str = "set MAILQL_PASSWORD, or give the account a password_command in the configuration";
