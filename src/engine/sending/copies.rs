//! Copies of what was sent go among the user's own mail while the next mail is sent.
//!
//! A copy that fails is told, and nothing is sent again for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::mail::Filing;
use crate::mail::outbox::Filed;

/// Copies that are being filed, one after the other.
pub(super) struct Filer {
    copies: mpsc::Sender<(usize, Bytes, DateTime<Utc>)>,
    filed: JoinHandle<Vec<(usize, Result<Filed>)>>,
}

impl Filer {
    /// Begins; nothing is connected to before the first copy.
    pub(super) fn new(filing: &Arc<dyn Filing>, patience: Duration) -> Self {
        let (copies, mut coming) = mpsc::channel::<(usize, Bytes, DateTime<Utc>)>(WAITING);
        let mut open = filing.begin(patience);
        let filed = tokio::spawn(async move {
            let (mut filed, mut failures) = (Vec::new(), 0);
            while let Some((mail, message, at)) = coming.recv().await {
                // Nobody waits for a server again and again that has failed before, nor signs in where it is refused.
                let outcome = if failures < FAILURES {
                    let late = |_| Err(Error::new(ErrorKind::Server, "the server took too long"));
                    tokio::time::timeout(patience * LONGEST, open.file(message, at)).await.unwrap_or_else(late)
                } else {
                    Err(Error::new(ErrorKind::Server, "the copies before it failed, too"))
                };
                failures = match &outcome {
                    Ok(Filed::In(_) | Filed::ByServer) => 0,
                    Ok(Filed::Nowhere) | Err(_) => failures + 1,
                };
                filed.push((mail, outcome));
            }
            drop(tokio::time::timeout(patience, open.end()).await);
            filed
        });
        Self { copies, filed }
    }

    /// Files a copy of a mail, known by its number; waits while too many do.
    pub(super) async fn file(&self, mail: usize, message: Bytes, at: DateTime<Utc>) {
        // Whoever cannot take it any more tells so at the end.
        drop(self.copies.send((mail, message, at)).await);
    }

    /// What is to be said of the copies: by mail, in a few words, where it is not as everybody expects.
    pub(super) async fn end(self) -> Vec<(usize, String)> {
        drop(self.copies);
        let filed = self.filed.await.unwrap_or_default();
        filed.into_iter().filter_map(|(mail, filed)| Some((mail, words(filed)?))).collect()
    }
}

fn words(filed: Result<Filed>) -> Option<String> {
    match filed {
        Ok(Filed::In(_) | Filed::ByServer) => None,
        Ok(Filed::Nowhere) => Some("no copy was kept: there is no folder for sent mail".to_owned()),
        Err(error) => Some(format!("no copy was kept: {error}")),
    }
}

/// Copies in a row that fail before the others are not tried.
const FAILURES: usize = 2;
/// How often the patience with one answer fits into the time for a whole copy.
const LONGEST: u32 = 10;
/// Copies that wait to be filed.
const WAITING: usize = 4;
