//! The sessions of an account: opened when they are needed, shared, and never more than there may be.
//!
//! Who comes first is served first. A session that is given back in the middle of an answer is closed. A password is
//! fetched once, and again after it did not let anybody in; a token that did not is renewed, once. Nothing here says what a session is used for.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::command::WireName;
use super::session::Session;
use super::sign_in;
use crate::account::sasl::Unopened;
use crate::account::{ImapAccount, Proof, Proofs, SignIn, TokenSource};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{Budget, Statement};
use crate::net::steps::{ANEW, Step, Steps};

/// The sessions of an account.
#[derive(Debug)]
pub struct Pool {
    account: ImapAccount,
    state: Mutex<State>,
    proofs: Arc<Proofs>,
    /// The proof, once it was fetched; locked while it is, as its command may ask a person something.
    proof: tokio::sync::Mutex<Option<Proof>>,
    /// How many wait for a session.
    waiting: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Session>,
    in_use: usize,
    /// Who waits, and how many sessions may be in use for them to get one.
    queue: VecDeque<(usize, oneshot::Sender<Place>)>,
    /// How many sessions the server stands; known once it has answered.
    most: Option<usize>,
}

/// A session in somebody's hands; dropped, it goes back.
#[derive(Debug)]
pub struct Lease {
    session: Option<Session>,
    place: Place,
}

/// The right to use one session.
#[derive(Debug)]
struct Place(Arc<Pool>);

impl Pool {
    /// A pool without sessions.
    pub fn new(account: ImapAccount, proofs: Arc<Proofs>) -> Arc<Self> {
        let (state, proof, waiting) = (Mutex::default(), tokio::sync::Mutex::default(), watch::Sender::new(0));
        Arc::new(Self { account, state, proofs, proof, waiting })
    }

    /// The account.
    pub fn account(&self) -> &ImapAccount {
        &self.account
    }

    /// The server, by its name and port.
    pub fn server(&self) -> String {
        format!("{}:{}", self.account.host, self.account.port)
    }

    /// A session, if possible one with that folder open; waits until there may be one more.
    ///
    /// # Errors
    /// When a session must be opened and cannot be.
    pub async fn lease(self: &Arc<Self>, statement: &Statement, folder: Option<&WireName>) -> Result<Lease> {
        let terms = statement.terms();
        let place = self.place(terms.connections).await?;
        while let Some(mut session) = self.idle(folder) {
            session.set_patience(terms.patience);
            session.set_budget(statement.budget());
            if session.used.elapsed() < KEPT && session.is_alive().await {
                return Ok(Lease { session: Some(session), place });
            }
        }
        self.open(place, terms.patience, statement.budget(), &mut Steps::untold()).await
    }

    /// A new session, step by step.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn new_lease(self: &Arc<Self>, patience: Duration, steps: &mut Steps<'_>) -> Result<Lease> {
        let place = self.place(usize::MAX).await?;
        self.open(place, patience, &Arc::default(), steps).await
    }

    /// Waits until somebody waits for a session.
    pub async fn is_wanted(&self) {
        // The sender lives as long as the pool.
        drop(self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await);
    }

    async fn open(
        &self,
        place: Place,
        patience: Duration,
        budget: &Arc<Budget>,
        steps: &mut Steps<'_>,
    ) -> Result<Lease> {
        let proof = self.proof(None, steps).await?;
        let opened = match sign_in::open(&self.account, &proof, patience, budget, steps).await {
            Ok(opened) => opened,
            Err(Unopened::Unproved(error)) => {
                self.forget(&proof).await;
                match &proof {
                    // It may have been revoked, or the clocks differ. Once only: a lock is not tried with every key.
                    Proof::Token(_) => match self.proof(Some(&proof), &mut Steps::untold()).await? {
                        renewed if renewed != proof => {
                            steps.end(ANEW);
                            sign_in::open(&self.account, &renewed, patience, budget, steps).await?
                        }
                        _ => return Err(error),
                    },
                    Proof::Password(_) => return Err(error),
                }
            }
            Err(Unopened::Failed(error)) => {
                if steps.at() == Some(Step::SignIn) {
                    self.forget(&proof).await;
                }
                return Err(error);
            }
        };
        self.lock().most = Some(opened.family.connections());
        Ok(Lease { session: Some(opened), place })
    }

    /// The proof, another than `refused`; whoever asks first fetches it for all.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn proof(&self, refused: Option<&Proof>, steps: &mut Steps<'_>) -> Result<Proof> {
        let is_token = matches!(&self.account.sign_in, SignIn::Token(_));
        if is_token {
            steps.begin(Step::Token);
        }
        let proof = self.fetched(refused).await?;
        if is_token {
            steps.end(self.proofs.standing(&self.account, &proof).await.unwrap_or_default());
        }
        Ok(proof)
    }

    async fn fetched(&self, refused: Option<&Proof>) -> Result<Proof> {
        if let SignIn::Token(TokenSource::Credential(_)) = &self.account.sign_in {
            // Whether it is still good, they know.
            return self.proofs.of(&self.account, refused).await;
        }
        let mut kept = self.proof.lock().await;
        if let Some(proof) = &*kept {
            return Ok(proof.clone());
        }
        let proof = self.proofs.of(&self.account, refused).await?;
        Ok(kept.insert(proof).clone())
    }

    /// Forgets a proof that let nobody in: it may be another one by now.
    async fn forget(&self, proof: &Proof) {
        self.proof.lock().await.take_if(|kept| kept == proof);
    }

    async fn place(self: &Arc<Self>, limit: usize) -> Result<Place> {
        let turn = {
            let mut state = self.lock();
            if state.queue.is_empty() && state.in_use < state.limit(limit) {
                state.in_use += 1;
                return Ok(Place(Arc::clone(self)));
            }
            let (sender, turn) = oneshot::channel();
            state.queue.push_back((limit, sender));
            self.waiting.send_replace(state.queue.len());
            turn
        };
        turn.await.map_err(|_| Error::new(ErrorKind::Server, "the account was closed"))
    }

    fn idle(&self, folder: Option<&WireName>) -> Option<Session> {
        let mut state = self.lock();
        let is_open = |session: &Session| session.open.as_ref().map(|(open, _)| open) == folder;
        let at = state.idle.iter().position(is_open).or(state.idle.len().checked_sub(1))?;
        Some(state.idle.swap_remove(at))
    }

    /// Lets those in who may come.
    fn serve(self: &Arc<Self>) {
        let mut state = self.lock();
        state.queue.retain(|(_, waiter)| !waiter.is_closed());
        let mut served = Vec::new();
        while let Some((limit, _)) = state.queue.front()
            && state.in_use < state.limit(*limit)
            && let Some((_, waiter)) = state.queue.pop_front()
        {
            state.in_use += 1;
            served.push(waiter);
        }
        self.waiting.send_replace(state.queue.len());
        // A place that nobody takes comes back at once, and then the state must be free.
        drop(state);
        for waiter in served {
            drop(waiter.send(Place(Arc::clone(self))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn limit(&self, asked: usize) -> usize {
        asked.min(self.most.unwrap_or(asked)).max(1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().in_use -= 1;
        self.0.serve();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(Session::is_idle) {
            self.place.0.lock().idle.push(session);
        }
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        // It is there until the lease is dropped.
        self.session.as_ref().unwrap_or_else(|| unreachable!("a lease has a session"))
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().unwrap_or_else(|| unreachable!("a lease has a session"))
    }
}

/// A session that nobody used for so long is not used again: the server, or something on the way, may have forgotten it.
const KEPT: Duration = Duration::from_mins(4);
