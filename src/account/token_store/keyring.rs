//! Secrets in the keyring of the system: the Secret Service, the Keychain, the Credential Manager.
//!
//! A system without one, or with one that nobody can unlock here, has nothing in it and takes nothing.

use std::fmt;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error as Refusal};

use super::super::credential::Text;
use crate::error::{Error, ErrorKind, Result};

/// A keyring.
#[derive(Default)]
pub(super) enum Keyring {
    /// The system's.
    #[default]
    System,
    /// One that is known.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests have their own"))]
    Given(Arc<CredentialStore>, usize),
    /// None at all.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests have none"))]
    None,
}

impl Keyring {
    /// Whether there is one at all.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::System => keyring::v1::Entry::store_status().is_ok(),
            Self::Given(..) => true,
            Self::None => false,
        }
    }

    pub(super) fn read(&self, key: &str) -> Result<Option<Text>> {
        let Ok(entry) = self.entry(key) else { return Ok(None) };
        match entry.get_password() {
            Ok(text) => Ok(Some(Text::new(text))),
            Err(Refusal::NoEntry | Refusal::NoDefaultStore) => Ok(None),
            Err(error) => Err(refused("does not tell", key, &error)),
        }
    }

    pub(super) fn write(&self, key: &str, text: &str) -> Result<()> {
        let kept = match self {
            Self::Given(_, room) if text.len() > *room => Err(Refusal::TooLong("secret".to_owned(), 0)),
            _ => self.entry(key).and_then(|entry| entry.set_password(text)),
        };
        kept.map_err(|error| refused("does not keep", key, &error))
    }

    pub(super) fn forget(&self, key: &str) -> Result<bool> {
        let Ok(entry) = self.entry(key) else { return Ok(false) };
        match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Refusal::NoEntry | Refusal::NoDefaultStore) => Ok(false),
            Err(error) => Err(refused("does not forget", key, &error)),
        }
    }

    fn entry(&self, key: &str) -> keyring_core::Result<Entry> {
        match self {
            Self::System => keyring::v1::Entry::new(SERVICE, key).map(|entry| entry.inner),
            Self::Given(store, _) => store.build(SERVICE, key, None),
            Self::None => Err(Refusal::NoDefaultStore),
        }
    }

    #[cfg(test)]
    pub(super) fn mock() -> Self {
        Self::mock_with_room_for(usize::MAX)
    }

    #[cfg(test)]
    pub(super) fn mock_with_room_for(octets: usize) -> Self {
        Self::Given(keyring_core::mock::Store::new().unwrap(), octets)
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self::None
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Given(..) => "Given",
            Self::None => "None",
        })
    }
}

/// In our words, for some of the keyring's errors have the secret in them.
fn refused(what: &str, key: &str, error: &Refusal) -> Error {
    let why = match error {
        Refusal::NoStorageAccess(_) => "it is locked",
        Refusal::NoDefaultStore | Refusal::PlatformFailure(_) => "there is none, or it does not answer",
        Refusal::TooLong(..) => "the secret is too long for it",
        Refusal::Ambiguous(_) => "there are several",
        _ => "it cannot be understood",
    };
    Error::new(ErrorKind::Config, format!("the keyring {what} the secret of {key}: {why}"))
        .hint("unlock the keyring, or keep secrets in a file: store = \"file\" for a credential, password = \"file\" for an account")
}

/// Under which everything of ours is.
const SERVICE: &str = "mailql";
