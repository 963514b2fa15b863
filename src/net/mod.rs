//! The way to a server: its address, a connection, TLS over it; each step timed and told.
//!
//! Speaks no protocol of mail: `imap` and `smtp` go on from a [`Line`], and `account` asks by [`http`].

pub mod certificate;
pub mod connect;
pub mod http;
pub mod prompt;
pub mod steps;

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of octets in both directions: TCP, TLS over it, or either compressed.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}
