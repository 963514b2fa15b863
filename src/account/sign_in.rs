//! How an account signs in: with a password or with a token, and where that comes from.
//!
//! Plain data; [`super::proofs`] fetches what it names.

use std::fmt;

use super::credential::Credential;
use super::password::Password;
use super::secret::Secret;

/// What an account signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// A password, or an app password.
    Password(Password),
    /// An access token.
    Token(TokenSource),
}

/// Where access tokens come from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// It is known, and used for as long as it is good.
    Given(Secret),
    /// A command tells it, on the first line of what it prints; it is run again when a token is refused.
    Command(String),
    /// A client of a provider gets them; `mailql login` lets a person agree, once.
    Credential(Box<Credential>),
}

impl fmt::Debug for TokenSource {
    /// A command may have a secret in it, so that it is not shown either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(…)"),
            Self::Command(_) => f.write_str("Command(…)"),
            Self::Credential(credential) => credential.fmt(f),
        }
    }
}
