//! The line to a server: frames, their limits, and what is compressed.

use std::cell::OnceCell;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use mailql::account::Limits;
use mailql::imap::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

pub fn check(data: &[u8]) {
    let Some((&piece, octets)) = data.split_first() else { return };
    let piece = usize::from(piece) + 1;
    let whole = frames(octets, octets.len().max(1), false);
    let pieces = frames(octets, piece, false);
    assert!(whole.frames.iter().map(|(octets, _)| octets.len()).sum::<usize>() <= octets.len() + 3 * whole.oversized());
    if whole.is_closed && pieces.is_closed {
        assert_eq!(whole.frames, pieces.frames, "it does not matter how it comes");
        if whole.oversized() == 0 {
            assert!(
                octets.starts_with(&whole.frames.iter().flat_map(|(octets, _)| octets.clone()).collect::<Vec<_>>())
            );
        }
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).unwrap();
    let deflated = frames(&encoder.finish().unwrap(), piece, true);
    if deflated.is_closed && pieces.is_closed {
        assert_eq!(deflated.frames, pieces.frames, "nor whether it is compressed");
    }
    // What was never compressed is a small answer or an error, and ends.
    frames(octets, piece, true);
}

struct Received {
    frames: Vec<(Vec<u8>, bool)>,
    is_closed: bool,
}

impl Received {
    fn oversized(&self) -> usize {
        self.frames.iter().filter(|(_, oversized)| *oversized).map(|(octets, _)| octets.len()).sum()
    }
}

fn frames(octets: &[u8], piece: usize, is_compressed: bool) -> Received {
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| Builder::new_current_thread().enable_time().build().unwrap());
        runtime.block_on(async {
            let line = Box::new(Pieces { octets: octets.to_vec(), at: 0, piece });
            let mut transport = Transport::new(line, LIMITS, Duration::from_secs(600));
            if is_compressed {
                transport = transport.compressed();
            }
            let mut received = Received { frames: Vec::new(), is_closed: false };
            while received.frames.len() < 20_000 {
                match transport.frame().await {
                    Ok(frame) => {
                        assert!(frame.octets.ends_with(b"\n"));
                        assert!(
                            frame.octets.len() <= LIMITS.response + LIMITS.line + (128 << 10),
                            "{}",
                            frame.octets.len()
                        );
                        received.frames.push((frame.octets.to_vec(), frame.oversized));
                    }
                    Err(error) => {
                        received.is_closed = error.to_string().contains("closed the connection");
                        break;
                    }
                }
            }
            received
        })
    })
}

const LIMITS: Limits =
    Limits { literal: 300, line: 1_000, response: 2_000, items: 100_000, nesting: 64, inflate: 2_000 };

/// What comes in pieces of a size.
struct Pieces {
    octets: Vec<u8>,
    at: usize,
    piece: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let end = (this.at + this.piece.min(buffer.remaining())).min(this.octets.len());
        buffer.put_slice(&this.octets[this.at..end]);
        this.at = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}
