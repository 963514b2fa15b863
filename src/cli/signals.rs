//! Signals that stop a query or the program.
//!
//! Here they are only awaited; who awaits decides what stops and cleans up by dropping it.

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

/// Waits for either signal.
pub(crate) async fn came() -> Signal {
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => match interrupted {
            Ok(()) => Signal::Interrupt,
            // No handler could be set: then the system's own ends the program.
            Err(_) => std::future::pending().await,
        },
        () = terminated() => Signal::Terminate,
    }
}

/// Waits for the wish that the program ends.
#[cfg(unix)]
pub(crate) async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Waits for the wish that the program ends.
#[cfg(not(unix))]
pub(crate) async fn terminated() {
    std::future::pending().await
}
