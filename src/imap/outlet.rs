//! Between a reading, which runs by itself, and its reader, who may stop polling at any time.
//!
//! The reading learns when more is wanted, and may wait for that; dropped by its reader, it ends.

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::error::Result;
use crate::mail::Message;

/// Where a reading puts its messages.
#[derive(Debug)]
pub struct Outlet {
    chunks: mpsc::Sender<Result<Vec<Message>>>,
    asked: watch::Receiver<usize>,
    sent: usize,
}

/// Runs a reading when it is first polled; gives what it sends.
pub fn stream<F>(reading: impl FnOnce(Outlet) -> F + Send + 'static) -> BoxStream<'static, Result<Vec<Message>>>
where
    F: Future<Output = ()> + Send + 'static,
{
    stream::once(async move {
        let (chunks, received) = mpsc::channel(AHEAD);
        let (asking, asked) = watch::channel(0);
        let mut task = JoinSet::new();
        task.spawn(reading(Outlet { chunks, asked, sent: 0 }));
        stream::unfold((received, asking, task, 0), |(mut received, asking, mut task, taken)| async move {
            asking.send_replace(taken + 1);
            let chunk = received.recv().await;
            if chunk.is_none()
                && let Some(Err(error)) = task.join_next().await
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
            chunk.map(|chunk| (chunk, (received, asking, task, taken + 1)))
        })
    })
    .flatten()
    .boxed()
}

impl Outlet {
    /// Whether the reader waits for what was not sent yet.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow() > self.sent
    }

    /// Waits until the reader waits for what was not sent yet.
    pub async fn asked(&mut self) {
        let sent = self.sent;
        drop(self.asked.wait_for(|asked| *asked > sent).await);
    }

    /// Waits until there is room for a chunk.
    pub async fn has_room(&self) {
        drop(self.chunks.reserve().await);
    }

    /// Hands a chunk over; waits until there is room.
    pub async fn send(&mut self, chunk: Result<Vec<Message>>) {
        self.sent += 1;
        // A reader who is gone ends this task soon.
        drop(self.chunks.send(chunk).await);
    }
}

/// Chunks that wait for the reader.
const AHEAD: usize = 2;
