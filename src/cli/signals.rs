//! Signals that stop a query or the program.
//!
//! They are only heard here; who waits for them decides what stops, and cleans up by dropping it.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C: stop what runs.
    Interrupt,
    /// The system or the terminal wants the program to end.
    Terminate,
}

impl Signal {
    /// The exit status that shells expect of a program stopped so.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// An ear for signals; what came is kept until it is heard.
#[derive(Debug, Clone)]
pub(crate) struct Signals(Arc<watch::Sender<Option<Signal>>>);

impl Signals {
    /// Begins to listen; from here on no signal ends the program by itself.
    pub(crate) fn listen(runtime: &Runtime) -> Self {
        let signals = Self(Arc::new(watch::Sender::new(None)));
        let _inside = runtime.enter();
        hear(&signals);
        signals
    }

    /// Waits for any signal, or takes the one that came.
    pub(crate) async fn came(&self) -> Signal {
        self.wait_for(|_| true).await
    }

    /// Waits for the wish that the program ends.
    pub(crate) async fn terminated(&self) {
        self.wait_for(|signal| signal == Signal::Terminate).await;
    }

    /// Forgets a Ctrl-C that was meant for something else.
    pub(crate) fn forget_interrupt(&self) {
        self.0.send_if_modified(|last| last.take_if(|last| *last == Signal::Interrupt).is_some());
    }

    async fn wait_for(&self, is_meant: impl Fn(Signal) -> bool) -> Signal {
        let mut heard = self.0.subscribe();
        let came = heard.wait_for(|signal| signal.is_some_and(&is_meant)).await.map(|signal| *signal);
        match came {
            Ok(Some(signal)) => signal,
            // The sender is ours and lives as long as this; then there is nothing to wait for.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// The wish to end is not forgotten for a Ctrl-C that comes after it.
    fn tell(&self, signal: Signal) {
        self.0.send_if_modified(|last| {
            let is_new = *last != Some(Signal::Terminate);
            if is_new {
                *last = Some(signal);
            }
            is_new
        });
    }
}

/// Sets the handlers at once and tells what they hear; where one cannot be set, the system's own stays.
#[cfg(unix)]
fn hear(signals: &Signals) {
    use tokio::signal::unix::{SignalKind, signal};
    let meanings = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::Terminate),
    ];
    for (kind, meaning) in meanings {
        let Ok(mut stream) = signal(kind) else { continue };
        let signals = signals.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                signals.tell(meaning);
            }
        });
    }
}

/// Sets the handlers at once and tells what they hear; where one cannot be set, the system's own stays.
#[cfg(windows)]
fn hear(signals: &Signals) {
    use tokio::signal::windows::{ctrl_c, ctrl_close};
    if let Ok(mut stream) = ctrl_c() {
        let signals = signals.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                signals.tell(Signal::Interrupt);
            }
        });
    }
    if let Ok(mut stream) = ctrl_close() {
        let signals = signals.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                signals.tell(Signal::Terminate);
            }
        });
    }
}

/// Nothing is heard on other systems.
#[cfg(not(any(unix, windows)))]
fn hear(_: &Signals) {}
