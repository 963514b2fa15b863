//! Where the password of a live account comes from, and fetching it.
//!
//! Reads neither environment nor terminal itself; what is kept between runs is in `token_store`.

use std::fmt;

use super::command;
use super::credential::Keep;
use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Where a password comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Password {
    /// It is known.
    Given(Secret),
    /// A command tells it, on the first line of what it prints.
    Command(String),
    /// `mailql login` was told it, and it is kept there.
    Kept(Keep),
    /// Nobody said; the account cannot be used like that.
    Missing,
}

impl Password {
    /// Fetches the password; a command is run anew at each call, for up to 60 s, since it may ask a person something.
    ///
    /// # Errors
    /// There is none, or the command fails, takes too long, or prints nothing on its first line.
    pub async fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Command(line) => command::first_line("password_command", line).await,
            Self::Kept(_) | Self::Missing => {
                Err(Error::new(ErrorKind::Config, "no password is known for this account")
                    .hint("give it a password_command; mailql asks only for the account that it is started with"))
            }
        }
    }
}

impl fmt::Debug for Password {
    /// A command may have a secret in it, so that it is not shown either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Command(_) => "Command(…)",
            Self::Kept(_) => "Kept",
            Self::Missing => "Missing",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_without_a_password_says_what_to_do() {
        let error = Password::Missing.read().await.unwrap_err();
        assert!(error.way_out().unwrap().contains("password_command"));
        assert_eq!(Password::Given("known".into()).read().await.unwrap().expose(), "known");
        assert_eq!(format!("{:?}", Password::Command("echo hunter2".to_owned())), "Command(…)");
    }
}
