//! Where secrets are kept between runs: the keyring of the system, or files that only their owner can read.
//!
//! It knows no provider and no server. Calls may wait for a disk, a lock or a person who unlocks a keyring: they are for
//! threads that may wait.

mod files;
#[cfg(feature = "keyring")]
mod keyring;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::files::Files;
#[cfg(feature = "keyring")]
use self::keyring::Keyring;
use super::credential::{Keep, Text};
use crate::error::{Error, ErrorKind, Result};

pub use self::files::{Lock, Room};

/// The place for secrets.
#[derive(Debug, Default)]
pub struct TokenStore {
    files: Option<Files>,
    #[cfg(feature = "keyring")]
    keyring: Keyring,
}

/// What is kept under a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose it is, so that a file that was copied or renamed is not taken for another's.
    pub of: String,
    /// A password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Text>,
    /// What new access tokens are got with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Text>,
    /// The last access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Text>,
    /// When that one should not be used any more, in seconds since 1970; never, as far as anybody said, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_until: Option<i64>,
    /// When that one expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// What it allows, as the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
}

impl Kept {
    /// Nothing yet, of somebody.
    pub fn of(key: &str) -> Self {
        Self {
            of: key.to_owned(),
            password: None,
            refresh_token: None,
            access_token: None,
            fresh_until: None,
            expires_at: None,
            scopes: None,
        }
    }

    fn text(&self) -> Result<Text> {
        let text = serde_json::to_string(self);
        text.map(Text::new).map_err(|_| Error::new(ErrorKind::Io, "a secret cannot be written"))
    }

    /// The error never has the text in it.
    fn parse(text: &str, key: &str) -> Result<Self> {
        let kept: Self = serde_json::from_str(text).map_err(|_| {
            Error::new(ErrorKind::Config, format!("what is kept for {key} cannot be read")).hint(SIGN_IN_AGAIN)
        })?;
        if kept.of != key {
            let error = Error::new(ErrorKind::Config, format!("what is kept for {key} belongs to {}", kept.of));
            return Err(error.hint(SIGN_IN_AGAIN));
        }
        Ok(kept)
    }
}

/// Without secrets.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("of", &self.of).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl TokenStore {
    /// A store whose files are in a directory, which is made when it is first needed.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            files: Some(Files::at(directory.into())),
            #[cfg(feature = "keyring")]
            keyring: Keyring::default(),
        }
    }

    /// The same, with another keyring than the system's.
    #[cfg(all(test, feature = "keyring"))]
    fn with_keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = keyring;
        self
    }

    /// What is kept under a key, in its file, else in the keyring; and where.
    ///
    /// # Errors
    /// It cannot be read, others could read it, or it is of another.
    pub fn read(&self, key: &str) -> Result<Option<(Kept, Keep)>> {
        if let Some(text) = self.files.as_ref().map(|files| files.read(key)).transpose()?.flatten() {
            return Ok(Some((Kept::parse(&text, key)?, Keep::File)));
        }
        match self.in_keyring(key)? {
            Some(text) => Ok(Some((Kept::parse(&text, key)?, Keep::Keyring))),
            None => Ok(None),
        }
    }

    /// Where a secret is kept for which nobody says another place.
    pub fn usual(&self) -> Keep {
        if self.has_keyring() { Keep::Keyring } else { Keep::File }
    }

    /// Makes sure that there is room for what is to be kept under a key, where that will be in a file.
    ///
    /// # Errors
    /// There is none.
    pub fn reserve(&self, key: &str, wanted: Option<Keep>) -> Result<Option<Room>> {
        match &self.files {
            Some(files) if self.place(key, wanted) == Some(Keep::File) => files.reserve(key).map(Some),
            _ => Ok(None),
        }
    }

    /// Keeps it where it is wanted, else where it is kept already, else in the keyring if there is one, else in a file;
    /// tells where.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn write(&self, key: &str, kept: &Kept, wanted: Option<Keep>, room: Option<Room>) -> Result<Keep> {
        let (place, text) = (self.place(key, wanted), kept.text()?);
        if place != Some(Keep::File) {
            match (self.to_keyring(key, kept, &text), place, &self.files) {
                (Ok(()), _, Some(files)) => {
                    // An older one would be found first.
                    files.forget(key)?;
                    return Ok(Keep::Keyring);
                }
                (Ok(()), _, None) => return Ok(Keep::Keyring),
                (Err(error), Some(_), _) | (Err(error), None, None) => return Err(error),
                (Err(_), None, Some(_)) => {}
            }
        }
        match &self.files {
            Some(files) => {
                let room = room.map_or_else(|| files.reserve(key), Ok)?;
                files.write(key, &text, room).map(|()| Keep::File)
            }
            None => Err(Error::new(ErrorKind::Config, "there is no place to keep a secret in")
                .hint("give the configuration a state directory")),
        }
    }

    /// Where it is to be, as far as that is known before it is tried.
    fn place(&self, key: &str, wanted: Option<Keep>) -> Option<Keep> {
        let has_file = self.files.as_ref().is_some_and(|files| files.has(key));
        wanted.or(has_file.then_some(Keep::File))
    }

    /// Forgets what is kept under a key; tells whether there was anything.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub fn forget(&self, key: &str) -> Result<bool> {
        let of_files = self.files.as_ref().map_or(Ok(false), |files| files.forget(key))?;
        match self.forget_in_keyring(key) {
            // It was in the file; a keyring that does not answer had nothing of it.
            Err(_) if of_files => Ok(true),
            of_keyring => Ok(of_keyring? || of_files),
        }
    }

    /// Keeps others, in this process and in others, from renewing what is kept under a key meanwhile.
    ///
    /// # Errors
    /// Somebody else does not let go of it, or there can be no file.
    pub fn lock(&self, key: &str, within: Duration) -> Result<Option<Lock>> {
        self.files.as_ref().map(|files| files.lock(key, within)).transpose()
    }

    #[cfg(feature = "keyring")]
    fn has_keyring(&self) -> bool {
        self.keyring.is_there()
    }

    #[cfg(feature = "keyring")]
    fn in_keyring(&self, key: &str) -> Result<Option<Text>> {
        self.keyring.read(key)
    }

    #[cfg(feature = "keyring")]
    fn to_keyring(&self, key: &str, kept: &Kept, text: &str) -> Result<()> {
        self.keyring.write(key, text).or_else(|error| {
            // Some keyrings take short texts only. An access token is long, and can be had anew.
            let short = Kept { access_token: None, ..kept.clone() };
            if short == *kept { Err(error) } else { self.keyring.write(key, &short.text()?) }
        })
    }

    #[cfg(feature = "keyring")]
    fn forget_in_keyring(&self, key: &str) -> Result<bool> {
        self.keyring.forget(key)
    }

    #[cfg(not(feature = "keyring"))]
    #[expect(clippy::unused_self, reason = "as with a keyring")]
    fn has_keyring(&self) -> bool {
        false
    }

    #[cfg(not(feature = "keyring"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with a keyring")]
    fn in_keyring(&self, _: &str) -> Result<Option<Text>> {
        Ok(None)
    }

    #[cfg(not(feature = "keyring"))]
    #[expect(clippy::unused_self, reason = "as with a keyring")]
    fn to_keyring(&self, _: &str, _: &Kept, _: &str) -> Result<()> {
        Err(Error::new(ErrorKind::Config, "this program was built without keyrings")
            .hint("keep it in a file: store = \"file\""))
    }

    #[cfg(not(feature = "keyring"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with a keyring")]
    fn forget_in_keyring(&self, _: &str) -> Result<bool> {
        Ok(false)
    }
}

const SIGN_IN_AGAIN: &str = "forget it with mailql logout, and sign in again with mailql login";

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    fn kept(token: &str) -> Kept {
        Kept { refresh_token: Some(Text::new(token.to_owned())), ..Kept::of("me") }
    }

    #[test]
    fn a_keyring_is_taken_where_there_is_one_and_a_file_where_there_is_none() {
        let place = tempfile::tempdir().unwrap();
        let store = TokenStore::at(place.path().join("a")).with_keyring(Keyring::mock());
        assert_eq!(store.usual(), Keep::Keyring);
        assert_eq!(store.write("me", &kept("1"), None, None).unwrap(), Keep::Keyring);
        assert_eq!(store.read("me").unwrap(), Some((kept("1"), Keep::Keyring)));
        assert!(!place.path().join("a").exists(), "nothing is on the disk");
        assert!(store.forget("me").unwrap() && !store.forget("me").unwrap());
        assert_eq!(store.read("me").unwrap(), None);
        let store = TokenStore::at(place.path().join("b")).with_keyring(Keyring::none());
        assert_eq!(store.usual(), Keep::File);
        assert_eq!(store.write("me", &kept("1"), None, None).unwrap(), Keep::File);
        assert_eq!(store.read("me").unwrap(), Some((kept("1"), Keep::File)));
        let error = store.write("me", &kept("1"), Some(Keep::Keyring), None).unwrap_err();
        assert!(error.way_out().unwrap().contains("file"), "{error}");
    }

    #[test]
    fn what_is_in_a_file_stays_there_until_another_place_is_wanted() {
        let place = tempfile::tempdir().unwrap();
        let store = TokenStore::at(place.path().join("tokens")).with_keyring(Keyring::mock());
        assert_eq!(store.write("me", &kept("1"), Some(Keep::File), None).unwrap(), Keep::File);
        assert_eq!(store.write("me", &kept("2"), None, None).unwrap(), Keep::File);
        assert_eq!(store.write("me", &kept("3"), Some(Keep::Keyring), None).unwrap(), Keep::Keyring);
        assert_eq!(store.read("me").unwrap(), Some((kept("3"), Keep::Keyring)), "the file is gone");
    }

    #[test]
    fn a_keyring_that_takes_no_long_text_keeps_what_cannot_be_had_anew() {
        let store = TokenStore::default().with_keyring(Keyring::mock_with_room_for(100));
        let long = Kept { access_token: Some(Text::new("x".repeat(200))), ..kept("r") };
        assert_eq!(store.write("me", &long, None, None).unwrap(), Keep::Keyring);
        assert_eq!(store.read("me").unwrap(), Some((kept("r"), Keep::Keyring)));
    }

    #[test]
    fn what_belongs_to_another_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let store = TokenStore::at(place.path().join("tokens")).with_keyring(Keyring::none());
        store.write("you", &kept("s3cr3t"), Some(Keep::File), None).unwrap();
        let error = store.read("you").unwrap_err();
        let shown = format!("{error} {error:?} {:?}", kept("s3cr3t"));
        assert!(shown.contains("belongs to me") && !shown.contains("s3cr3t"), "{shown}");
    }
}
