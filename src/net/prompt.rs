//! A TCP connection that says at once what came.
//!
//! A receiver may wait a while before it acknowledges (RFC 1122 §4.2.3.2), and a sender of small pieces waits for that before
//! it sends the next one (§4.2.3.4). Cyrus 3.6 sends so: each answer took 40 ms more, on any line.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection whose octets are acknowledged when they are read, where the system can.
#[derive(Debug)]
pub struct Prompt(TcpStream);

impl Prompt {
    /// A connection that sends and acknowledges without waiting for more.
    pub fn new(stream: TcpStream) -> Self {
        // Commands are small and answered at once.
        drop(stream.set_nodelay(true));
        Self(stream)
    }

    /// What is not acknowledged yet is; the system forgets the wish, so it is said after each reading.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn acknowledge(&self) {
        drop(self.0.set_quickack(true));
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn acknowledge(&self) {}
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        self.acknowledge();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_asks_again_and_again_still_acknowledges_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await
        };
        let ask = async {
            let mut prompt = Prompt::new(TcpStream::connect(address).await.unwrap());
            for _ in 0..20 {
                prompt.write_all(b"?").await.unwrap();
                prompt.read_exact(&mut [0]).await.unwrap();
            }
            // The system by itself takes what is answered like this for a conversation, and waits.
            assert!(prompt.0.quickack().unwrap());
        };
        tokio::select! {
            _ = echo => unreachable!("nobody closes"),
            () = ask => {}
        }
    }
}
