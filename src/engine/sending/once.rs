//! Once: a written call that runs in a statement has one outcome, however often its node is copied, planned or polled.
//!
//! A statement is told by when it began, a call by its number. The work runs in a task of its own: whoever waits for it may
//! leave, and it goes on.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use datafusion::error::{DataFusionError, Result};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::watch;

use crate::error::{Error, ErrorKind};
use crate::table::receipt::Receipt;

/// What came of a call.
pub(super) type Ended = Result<Arc<[Receipt]>, Arc<DataFusionError>>;

/// A call in a statement: not run yet, running, or over.
#[derive(Default)]
pub(super) struct Once {
    state: Mutex<State>,
    /// Counts how often it was told to stop.
    stop: watch::Sender<u64>,
}

#[derive(Default)]
enum State {
    #[default]
    Planned,
    Run(Shared<BoxFuture<'static, Ended>>),
    /// It ran, and what came of it is not kept any more.
    Forgotten,
}

impl Once {
    /// What came of it; `work` is begun when nobody has begun it before.
    pub(super) fn ended(&self, work: impl FnOnce() -> BoxFuture<'static, Ended>) -> Shared<BoxFuture<'static, Ended>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Run(ended) => ended.clone(),
            State::Planned => {
                let task = tokio::spawn(work());
                let ended = async move {
                    task.await.unwrap_or_else(|_| {
                        let error = Error::new(ErrorKind::Query, "sending was broken off")
                            .hint("SELECT * FROM SentEmail tells what was sent");
                        Err(Arc::new(error.into()))
                    })
                };
                let ended = ended.boxed().shared();
                *state = State::Run(ended.clone());
                ended
            }
            State::Forgotten => async {
                let error = Error::new(ErrorKind::Query, "this statement has sent its mail before, and does not again")
                    .hint("SELECT * FROM SentEmail tells what came of it");
                Err(Arc::new(error.into()))
            }
            .boxed()
            .shared(),
        }
    }

    /// Stops it after the mail that is on its way.
    pub(super) fn stop(&self) {
        self.stop.send_modify(|times| *times += 1);
    }

    /// What tells it to stop, when others do not.
    pub(super) fn stopped(&self) -> &watch::Sender<u64> {
        &self.stop
    }

    /// Whether somebody has begun it.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Planned)
    }

    /// Keeps only that it ran, if it is over.
    fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*state, State::Run(ended) if ended.peek().is_some()) {
            *state = State::Forgotten;
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("has_begun", &self.has_begun()).finish()
    }
}

/// A call in a statement.
type Key = (u64, Option<DateTime<Utc>>);

/// The calls of a session that were planned to run. None is ever forgotten altogether, or it could run again.
#[derive(Default)]
pub(super) struct Begun(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    all: HashMap<Key, Arc<Once>>,
    /// Those whose outcome is kept, the oldest first.
    kept: VecDeque<Key>,
}

impl Begun {
    /// A call in the statement that began then.
    pub(super) fn of(&self, call: u64, began: Option<DateTime<Utc>>) -> Arc<Once> {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Calls { all, kept } = &mut *begun;
        if let Some(known) = all.get(&(call, began)) {
            return Arc::clone(known);
        }
        if kept.len() >= KEPT
            && let Some(oldest) = kept.pop_front().and_then(|oldest| all.get(&oldest))
        {
            oldest.forget();
        }
        let once = Arc::new(Once::default());
        all.insert((call, began), Arc::clone(&once));
        kept.push_back((call, began));
        once
    }
}

/// Statements whose outcome is kept.
const KEPT: usize = 256;
