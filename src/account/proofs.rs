//! What accounts prove themselves with, fetched when it is needed: passwords, and tokens that are renewed in time.
//!
//! However many connections wait for a token, one asks the provider; what it gives is kept before it is used. Neither
//! environment nor terminal is read here, and nobody is asked: that is a sign-in, and begins at [`Proofs::keep`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::runtime::Builder;
use tokio::sync::OwnedMutexGuard;

use super::command;
use super::credential::{Credential, Grant, Keep, Text};
use super::imap::ImapAccount;
use super::oauth::{self, Granted};
use super::password::Password;
use super::sasl::{self, Proof};
use super::secret::Secret;
use super::sign_in::{SignIn, TokenSource};
use super::standing;
use super::token_store::{Kept, TokenStore};
use crate::error::{Error, ErrorKind, Result};

/// The proofs of all accounts.
#[derive(Debug, Default)]
pub struct Proofs {
    store: Arc<TokenStore>,
    held: Mutex<BTreeMap<String, Held>>,
}

/// What is held in memory under a key; locked while it is fetched.
type Held = Arc<tokio::sync::Mutex<Option<Memory>>>;

#[derive(Debug, Clone)]
struct Memory {
    kept: Kept,
    /// The refresh token that it replaces in the store, where it could not be written.
    instead_of: Option<Text>,
}

impl Proofs {
    /// Proofs that are kept in a store.
    pub fn kept_in(store: TokenStore) -> Self {
        Self { store: Arc::new(store), held: Mutex::default() }
    }

    /// What an account proves itself with now; another than `refused`, if there was one that was.
    ///
    /// # Errors
    /// There is none, or it cannot be fetched; for a token also what [`oauth::refresh`] says.
    pub async fn of(&self, account: &ImapAccount, refused: Option<&Proof>) -> Result<Proof> {
        match &account.sign_in {
            SignIn::Password(Password::Kept(_)) => Proof::of_password(self.kept_password(account).await?),
            SignIn::Password(password) => Proof::of_password(password.read().await?),
            SignIn::Token(TokenSource::Given(token)) => Proof::of_token(token.clone()),
            SignIn::Token(TokenSource::Command(line)) => {
                Proof::of_token(command::first_line("token_command", line).await?)
            }
            SignIn::Token(TokenSource::Credential(credential)) => {
                let refused = match refused {
                    Some(Proof::Token(token)) => Some(token),
                    _ => None,
                };
                let kept = self.token(credential, &account.user, refused).await?;
                let token = kept.access_token.as_ref().ok_or_else(|| not_signed_in(&account.user, &self.store))?;
                Proof::of_token(Secret::from(token.as_str()))
            }
        }
    }

    /// How a token of an account stands, in words without the token; nothing of a password.
    pub async fn standing(&self, account: &ImapAccount, proof: &Proof) -> Option<String> {
        let Proof::Token(token) = proof else { return None };
        let kept = match &account.sign_in {
            SignIn::Token(TokenSource::Credential(credential)) => {
                let held = self.held(&credential.key(&account.user));
                held.lock().await.as_ref().map(|memory| memory.kept.clone())
            }
            _ => None,
        };
        let is_it = |kept: &Kept| kept.access_token.as_ref().is_some_and(|kept| kept.as_str() == token.expose());
        Some(standing::told(token, kept.as_ref().filter(|kept| is_it(kept)), Utc::now()))
    }

    /// What is held of a credential's tokens for a user, renewed if it is time.
    ///
    /// Who asks may go away meanwhile; what was begun is brought to its end, as a refresh token that the provider replaced
    /// and nobody wrote down would end the sign-in.
    ///
    /// # Errors
    /// As [`Proofs::of`].
    pub async fn token(&self, credential: &Credential, user: &str, refused: Option<&Secret>) -> Result<Kept> {
        let held = self.held(&credential.key(user)).lock_owned().await;
        if let Some(memory) =
            held.as_ref().filter(|memory| is_good(&memory.kept, refused) && memory.instead_of.is_none())
        {
            return Ok(memory.kept.clone());
        }
        let (store, credential) = (Arc::clone(&self.store), credential.clone());
        let (user, refused) = (user.to_owned(), refused.cloned());
        // A runtime of its own ends when it is done, and not with the program's.
        let renewing = tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Error::io("cannot start", error))?;
            runtime.block_on(renewed(&store, held, &credential, &user, refused.as_ref()))
        });
        renewing.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Io, "a token could not be renewed")))
    }

    /// Keeps what a provider gave for a user; tells where.
    ///
    /// # Errors
    /// Somebody else signed in than the user, the provider gave nothing for later, or it cannot be kept.
    pub async fn keep(&self, credential: &Credential, user: &str, granted: Granted) -> Result<Keep> {
        let granted =
            if user.contains('@') { Box::pin(oauth::identified(credential, granted)).await? } else { granted };
        is_of(&granted, user)?;
        if granted.refresh_token.is_none() {
            let error = Error::new(ErrorKind::Server, "the provider gave a token for now, but none for later");
            return Err(error.hint(
                "add the scope offline_access (Google: the parameter access_type = offline, and prompt = consent)",
            ));
        }
        let key = credential.key(user);
        let held = self.held(&key);
        let mut held = held.lock().await;
        let kept = kept_of(&key, granted, None);
        let _lock = self.blocking(&key, |store, key| store.lock(key, LOCKED)).await?;
        let place = self.write(&key, &kept, credential.store).await?;
        *held = Some(Memory { kept, instead_of: None });
        Ok(place)
    }

    /// Where a secret is kept for which nobody says another place.
    ///
    /// # Errors
    /// The store failed.
    pub async fn usual_place(&self) -> Result<Keep> {
        self.blocking("", |store, _| Ok(store.usual())).await
    }

    /// Keeps the password of an account; tells where.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn keep_password(&self, account: &ImapAccount, password: &Secret, place: Keep) -> Result<Keep> {
        let key = password_key(account);
        let kept = Kept { password: Some(Text::new(password.expose().to_owned())), ..Kept::of(&key) };
        let _lock = self.blocking(&key, |store, key| store.lock(key, LOCKED)).await?;
        self.write(&key, &kept, Some(place)).await
    }

    /// Forgets what is kept for an account, and gives tokens back where the provider takes them.
    ///
    /// # Errors
    /// It cannot be deleted. A provider that cannot be reached is told in the answer, as the tokens are gone here.
    pub async fn forget(&self, account: &ImapAccount) -> Result<Forgotten> {
        let (key, credential) = match &account.sign_in {
            SignIn::Password(_) => (password_key(account), None),
            SignIn::Token(TokenSource::Credential(credential)) => (credential.key(&account.user), Some(credential)),
            SignIn::Token(_) => return Ok(Forgotten::default()),
        };
        let held = self.held(&key);
        let mut held = held.lock().await;
        let _lock = self.blocking(&key, |store, key| store.lock(key, LOCKED)).await?;
        // What cannot be read can be forgotten all the same.
        let kept = self.blocking(&key, TokenStore::read).await.ok().flatten().map(|(kept, _)| kept);
        let was_there = self.blocking(&key, TokenStore::forget).await?;
        *held = None;
        let refresh_token = kept.and_then(|kept| kept.refresh_token);
        let revoked = match (credential, refresh_token) {
            (Some(credential), Some(token)) => Some(oauth::revoke(credential, &token).await),
            _ => None,
        };
        Ok(Forgotten { was_there, revoked })
    }

    async fn kept_password(&self, account: &ImapAccount) -> Result<Secret> {
        let kept = self.blocking(&password_key(account), TokenStore::read).await?.map(|(kept, _)| kept);
        kept.and_then(|kept| kept.password).map(|password| Secret::from(password.as_str())).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("no password is kept for {}", account.whose()))
                .hint("mailql login asks for it, and keeps it")
        })
    }

    fn held(&self, key: &str) -> Held {
        Arc::clone(self.held.lock().unwrap_or_else(PoisonError::into_inner).entry(key.to_owned()).or_default())
    }

    async fn write(&self, key: &str, kept: &Kept, place: Option<Keep>) -> Result<Keep> {
        let kept = kept.clone();
        self.blocking(key, move |store, key| store.write(key, &kept, place, None)).await
    }

    /// Asks the store, where that may take its time.
    async fn blocking<T: Send + 'static>(
        &self,
        key: &str,
        ask: impl FnOnce(&TokenStore, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, key) = (Arc::clone(&self.store), key.to_owned());
        let asked = tokio::task::spawn_blocking(move || ask(&store, &key)).await;
        asked.unwrap_or_else(|_| Err(Error::new(ErrorKind::Io, "the store of secrets failed")))
    }
}

/// A good token: one that another program got meanwhile, or a new one. It may wait for the store.
async fn renewed(
    store: &TokenStore,
    mut held: OwnedMutexGuard<Option<Memory>>,
    credential: &Credential,
    user: &str,
    refused: Option<&Secret>,
) -> Result<Kept> {
    let _under_way = Renewal::begin();
    let key = credential.key(user);
    let _lock = store.lock(&key, LOCKED)?;
    let stored = store.read(&key)?;
    let (mut known, place) = match stored {
        Some((kept, place)) => (Some(kept), Some(place)),
        None => (None, credential.store),
    };
    // What could not be written goes where it belongs, unless somebody signed in anew, or out, meanwhile.
    if let Some(Memory { kept, instead_of: Some(replaced) }) = held.take()
        && known.as_ref().is_some_and(|known| known.refresh_token.as_ref() == Some(&replaced))
    {
        store.write(&key, &kept, place, None)?;
        known = Some(kept);
    }
    if let Some(kept) = known.as_ref().filter(|kept| is_good(kept, refused)) {
        *held = Some(Memory { kept: kept.clone(), instead_of: None });
        return Ok(kept.clone());
    }
    let refresh_token = known.and_then(|kept| kept.refresh_token);
    let room = store.reserve(&key, place)?;
    let granted = match (credential.grant, &refresh_token) {
        (Grant::ClientCredentials, _) => oauth::client_credentials(credential).await?,
        (_, Some(refresh_token)) => oauth::refresh(credential, refresh_token).await?,
        (_, None) => return Err(not_signed_in(user, store)),
    };
    tracing::debug!("a new access token for {user}");
    let kept = kept_of(&key, granted, refresh_token.as_ref());
    let written = store.write(&key, &kept, place, room);
    // Where the refresh token is still the old one, nothing is lost: the access token can be had anew.
    let is_lost = written.is_err() && kept.refresh_token != refresh_token;
    *held = Some(Memory { kept: kept.clone(), instead_of: refresh_token.filter(|_| is_lost) });
    match written {
        Err(error) if is_lost => Err(error),
        _ => Ok(kept),
    }
}

/// A renewal that is under way: a program that ends in the middle of one may lose the sign-in.
struct Renewal;

impl Renewal {
    fn begin() -> Self {
        RENEWALS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        RENEWALS.fetch_sub(1, Ordering::SeqCst);
    }
}

static RENEWALS: AtomicUsize = AtomicUsize::new(0);

/// Waits, for a time, until no token is being renewed; for whoever is about to end the program.
pub fn settle(within: Duration) {
    let start = Instant::now();
    while RENEWALS.load(Ordering::SeqCst) > 0 && start.elapsed() < within {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What became of a sign-in that was to be forgotten.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// Whether anything was kept here.
    pub was_there: bool,
    /// Whether the provider took the tokens back, if it was asked.
    pub revoked: Option<Result<bool>>,
}

fn kept_of(key: &str, granted: Granted, refresh_token: Option<&Text>) -> Kept {
    let now = Utc::now().timestamp();
    // However long a provider says, it is not longer than ten years.
    let lifetime = granted.expires_in.map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(LONGEST).min(LONGEST));
    Kept {
        // Some give a new one each time, and some only once.
        refresh_token: granted.refresh_token.or_else(|| refresh_token.cloned()),
        access_token: Some(granted.access_token),
        // Sooner than it expires, for the way to the server takes time; of a short life, it is a fifth.
        fresh_until: lifetime.map(|lifetime| now + lifetime - (lifetime / 5).min(SOONER)),
        expires_at: lifetime.map(|lifetime| now + lifetime),
        scopes: granted.scopes,
        ..Kept::of(key)
    }
}

/// Whether it can be used, and is not the one that was refused.
fn is_good(kept: &Kept, refused: Option<&Secret>) -> bool {
    is_fresh(kept) && kept.access_token.as_ref().map(|token| token.as_str()) != refused.map(Secret::expose)
}

fn is_fresh(kept: &Kept) -> bool {
    let is_usable = |token: &Text| sasl::fault(token).is_none();
    kept.access_token.as_ref().is_some_and(is_usable)
        && kept.fresh_until.is_none_or(|until| Utc::now().timestamp() < until)
}

/// Makes sure that it was the user who agreed, and nobody else who is signed in in the same browser.
fn is_of(granted: &Granted, user: &str) -> Result<()> {
    let Some(who) = granted.who.as_ref().filter(|who| user.contains('@') && who.addresses().next().is_some()) else {
        return Ok(());
    };
    if who.addresses().any(|address| address.eq_ignore_ascii_case(user)) {
        return Ok(());
    }
    let others = who.addresses().collect::<Vec<_>>().join(", ");
    Err(Error::new(ErrorKind::Refused, format!("{others} signed in, but the account is {user}'s"))
        .hint("sign in as that user; for another's mailbox, user is who signs in, and mailbox is what is opened"))
}

fn not_signed_in(user: &str, store: &TokenStore) -> Error {
    Error::new(ErrorKind::Config, format!("{user} is not signed in")).hint(match store.usual() {
        Keep::Keyring => "mailql login signs in, once: mailql login ACCOUNT",
        Keep::File => {
            "mailql login signs in, once: mailql login ACCOUNT (no keyring answers here: what one keeps cannot be read)"
        }
    })
}

fn password_key(account: &ImapAccount) -> String {
    format!("{}:{} password", account.whose(), account.port)
}

/// How much sooner than it expires a token is renewed, in seconds.
const SOONER: i64 = 60;
/// How long a token is taken to be good at most, in seconds.
const LONGEST: i64 = 10 * 365 * 24 * 60 * 60;
/// How long another program may take to renew a token.
const LOCKED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(id_token: Option<&str>) -> Granted {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let who = id_token.map(|json| format!("e30.{}.s", URL_SAFE_NO_PAD.encode(json)));
        Granted {
            access_token: Text::new("a".to_owned()),
            refresh_token: Some(Text::new("r".to_owned())),
            expires_in: Some(Duration::from_hours(1)),
            scopes: None,
            who: who.and_then(|token| oauth::Claims::of(&token)),
        }
    }

    #[test]
    fn who_signed_in_must_be_the_user() {
        let of = |json: Option<&str>, user: &str| is_of(&granted(json), user);
        assert!(of(Some(r#"{"email":"Me@example.org"}"#), "me@example.org").is_ok());
        assert!(of(Some(r#"{"email":"x@example.org","upn":"me@example.org"}"#), "me@example.org").is_ok());
        // Not everybody tells, and not every user is an address.
        assert!(
            of(None, "me@example.org").is_ok() && of(Some(r#"{"preferred_username":"me"}"#), "me@example.org").is_ok()
        );
        assert!(of(Some(r#"{"email":"me@example.org"}"#), "me").is_ok());
        let error = of(Some(r#"{"email":"you@example.org"}"#), "me@example.org").unwrap_err();
        assert!(error.to_string().contains("you@example.org"), "{error}");
    }

    #[test]
    fn a_token_is_renewed_before_it_expires() {
        let lived = |seconds| {
            let granted = Granted { expires_in: Some(Duration::from_secs(seconds)), ..granted(None) };
            let kept = kept_of("me", granted, None);
            (kept.fresh_until.unwrap() - Utc::now().timestamp(), kept.expires_at.unwrap() - Utc::now().timestamp())
        };
        assert!(matches!(lived(3600), (3539..=3540, 3599..=3600)));
        assert!(matches!(lived(5), (3..=4, 4..=5)));
        assert!(lived(u64::MAX).1 > 1_000_000, "it does not overflow");
        assert!(is_fresh(&kept_of("me", granted(None), None)));
        assert!(!is_fresh(&Kept { fresh_until: Some(0), ..kept_of("me", granted(None), None) }));
    }

    #[test]
    fn a_refresh_token_is_kept_when_no_new_one_comes() {
        let old = Text::new("old".to_owned());
        let none = Granted { refresh_token: None, ..granted(None) };
        assert_eq!(kept_of("me", none, Some(&old)).refresh_token, Some(old.clone()));
        assert_eq!(kept_of("me", granted(None), Some(&old)).refresh_token, Some(Text::new("r".to_owned())));
    }

    #[tokio::test]
    async fn an_account_that_nobody_signed_in_to_says_so() {
        let credential =
            Credential { token_endpoint: "https://login.example.org/token".to_owned(), ..Credential::new("c", None) };
        let account = ImapAccount::new("mail.example.org", "me").credential(credential);
        let error = Proofs::default().of(&account, None).await.unwrap_err();
        assert!(error.to_string().contains("not signed in") && error.way_out().unwrap().contains("mailql login"));
    }
}
