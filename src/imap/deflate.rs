//! A line that is compressed in both directions: COMPRESS=DEFLATE (RFC 4978).
//!
//! It gives and takes octets as any line does and knows no frame. What comes is inflated as far as there is room for it, so
//! that a little that becomes a lot meets the limits of [`super::transport`] like everything else.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, DecompressError, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::transport::Counts;
use crate::error::{Error, ErrorKind};
use crate::net::Line;

/// A line over which everything goes compressed.
pub struct Deflated {
    line: Box<dyn Line>,
    inflate: Decompress,
    /// Octets that came and are not inflated yet.
    received: BytesMut,
    /// The last room was filled: there may be more without anything new to inflate.
    has_more: bool,
    ended: bool,
    deflate: Compress,
    /// Octets that are deflated and not sent yet.
    unsent: Vec<u8>,
    passed: Arc<Passed>,
    /// How many octets one may become.
    most: u64,
}

/// Octets that passed over the line itself, counted while somebody else has it.
#[derive(Debug)]
pub struct Passed {
    received: AtomicUsize,
    sent: AtomicUsize,
}

impl Deflated {
    /// A line that is compressed from here on; what was received of it already is, too. An octet may become `most`.
    pub fn new(line: Box<dyn Line>, received: BytesMut, passed: Arc<Passed>, most: u64) -> Self {
        Self {
            line,
            // Neither direction has a header or an end of its own (RFC 4978 §4).
            inflate: Decompress::new(false),
            received,
            has_more: false,
            ended: false,
            deflate: Compress::new(Compression::default(), false),
            unsent: Vec::new(),
            passed,
            most,
        }
    }

    /// Inflates as much as there is room for, but no more than a step; tells whether that was anything.
    fn inflate(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
        if self.ended || self.received.is_empty() && !self.has_more {
            return Ok(false);
        }
        let room = buffer.initialize_unfilled_to(buffer.remaining().min(STEP));
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(&self.received, room, FlushDecompress::Sync).map_err(broken)?;
        let (taken, given) = (since(taken, self.inflate.total_in()), since(given, self.inflate.total_out()));
        let (all_taken, all_given) = (self.inflate.total_in(), self.inflate.total_out());
        if all_given > GRACE && all_given > all_taken.saturating_mul(self.most) {
            return Err(bomb(self.most));
        }
        self.has_more = given == room.len();
        self.ended = status == Status::StreamEnd;
        self.received.advance(taken);
        buffer.advance(given);
        Ok(given > 0)
    }

    /// Deflates octets so that the other side can inflate all of them at once.
    fn deflate(&mut self, mut octets: &[u8]) -> io::Result<()> {
        loop {
            self.unsent.reserve(octets.len() + FLUSH);
            let taken = self.deflate.total_in();
            self.deflate.compress_vec(octets, &mut self.unsent, FlushCompress::Sync).map_err(io::Error::other)?;
            octets = &octets[since(taken, self.deflate.total_in())..];
            // Room that is left is the sign that nothing is held back.
            if self.unsent.len() < self.unsent.capacity() {
                return Ok(());
            }
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.line).poll_write(context, &self.unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.passed.sent.fetch_add(sent, Ordering::Relaxed);
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Deflated {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buffer.remaining() > 0 && !this.inflate(buffer)? && !this.ended {
            // All that came is inflated, and gave nothing; a reading keeps no state of its own between polls.
            this.received.reserve(STEP);
            let octets = ready!(pin!(this.line.read_buf(&mut this.received)).poll(context))?;
            if octets == 0 {
                break;
            }
            this.passed.received.fetch_add(octets, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        let octets = &octets[..octets.len().min(STEP)];
        this.deflate(octets)?;
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.line).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.line).poll_shutdown(context)
    }
}

impl Passed {
    /// What passed before counts, too.
    pub fn after(counts: Counts) -> Self {
        Self { received: AtomicUsize::new(counts.received), sent: AtomicUsize::new(counts.sent) }
    }

    /// What passed since the last time.
    pub fn take(&self) -> Counts {
        Counts { received: self.received.swap(0, Ordering::Relaxed), sent: self.sent.swap(0, Ordering::Relaxed) }
    }
}

/// How far a count of one call has gone; no call goes over more octets than there is memory.
fn since(before: u64, now: u64) -> usize {
    usize::try_from(now - before).unwrap_or(usize::MAX)
}

fn bomb(most: u64) -> io::Error {
    let message = format!("what the server sends becomes more than {most} times as much when it is inflated");
    let error = Error::new(ErrorKind::Server, message);
    let hint = "do without: compress = false in the configuration of the account; or where that is meant, limits = { inflate = … }";
    io::Error::new(io::ErrorKind::InvalidData, error.hint(hint))
}

fn broken(error: DecompressError) -> io::Error {
    let error = Error::new(ErrorKind::Server, "what the server sends is not compressed as it should be").because(error);
    io::Error::new(
        io::ErrorKind::InvalidData,
        error.hint("do without: compress = false in the configuration of the account, or ?compress=false in a URL"),
    )
}

/// Octets that are read, inflated or deflated at once, at most.
const STEP: usize = 64 << 10;

/// Octets that may be inflated before anybody looks at how few they were.
const GRACE: u64 = 64 << 20;

/// Octets that deflated ones may need more than plain ones, and those that end a flight.
const FLUSH: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::super::transport::Transport;
    use super::*;
    use crate::account::Limits;

    fn deflated(line: DuplexStream) -> Deflated {
        let passed = Arc::new(Passed::after(Counts::default()));
        Deflated::new(Box::new(line), BytesMut::new(), passed, Limits::default().inflate)
    }

    /// Octets as a server sends them; nothing in them refers to what was before.
    fn flight(octets: &[u8], flush: FlushCompress) -> Vec<u8> {
        let mut flight = Vec::with_capacity(octets.len() + 1000);
        Compress::new(Compression::best(), false).compress_vec(octets, &mut flight, flush).unwrap();
        flight
    }

    /// A transport that is compressed after its first line, and what it said then and after.
    async fn heard(octets: Vec<u8>, limits: Limits, step: usize) -> (Vec<(Vec<u8>, bool)>, Error, Counts) {
        let (client, mut server) = duplex(step);
        let writer = tokio::spawn(async move { drop(server.write_all(&octets).await) });
        let mut transport = Transport::new(Box::new(client), limits, Duration::from_secs(30));
        transport.bound(false);
        assert_eq!(&transport.frame().await.unwrap().octets[..], b"A1 OK begin\r\n");
        let mut transport = transport.compressed();
        let mut frames = Vec::new();
        let error = loop {
            match transport.frame().await {
                Ok(frame) => frames.push((frame.octets.to_vec(), frame.oversized)),
                Err(error) => break error,
            }
        };
        let counts = transport.take_counts();
        drop(transport);
        writer.await.unwrap();
        (frames, error, counts)
    }

    #[tokio::test]
    async fn octets_come_through_in_both_directions_however_they_are_cut() {
        let mut state = 1_u32;
        let noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        let noise: Vec<u8> = std::iter::repeat_with(noise).take(300_000).collect();
        for step in [1_usize, 7, 1_000, 1 << 20] {
            // One octet at a time takes its time.
            let octets = |all: &[u8]| all[..all.len().min(step.saturating_mul(20_000))].to_vec();
            let flights = [&b"A1 NOOP\r\n"[..], &octets(&vec![b'x'; 2_000_000]), &octets(&noise), b"A2 LOGOUT\r\n"];
            let (client, server) = duplex(step);
            let (mut client, mut server) = (deflated(client), deflated(server));
            for _ in 0..2 {
                let mut read = Vec::new();
                let send = async {
                    for flight in flights {
                        client.write_all(flight).await?;
                        client.flush().await?;
                    }
                    client.shutdown().await
                };
                let (sent, ended) = tokio::join!(send, server.read_to_end(&mut read));
                assert!(sent.is_ok() && ended.is_ok() && read == flights.concat(), "step {step}");
                std::mem::swap(&mut client, &mut server);
            }
            let (one, other) = (client.passed.take(), server.passed.take());
            assert_eq!((one.sent, one.received), (other.received, other.sent), "step {step}");
            assert!(one.sent > 0 && client.passed.take().sent == 0);
        }
    }

    #[tokio::test]
    async fn what_came_with_the_answer_is_the_beginning_of_what_is_compressed() {
        let mut octets = b"A1 OK begin\r\n".to_vec();
        octets.extend(flight(b"* 1 FETCH (BODY[] {4}\r\nab\r\n)\r\n* 2 E", FlushCompress::Sync));
        octets.extend(flight(b"XISTS\r\n", FlushCompress::Sync));
        for step in [1, 2, 3, 14, 15, 1000] {
            let (frames, error, counts) = heard(octets.clone(), Limits::default(), step).await;
            let texts: Vec<_> = frames.iter().map(|(octets, _)| octets.as_slice()).collect();
            let expected = [&b"* 1 FETCH (BODY[] {4}\r\nab\r\n)\r\n"[..], b"* 2 EXISTS\r\n"];
            assert_eq!(texts, expected, "step {step}");
            assert_eq!(error.to_string(), "the server closed the connection", "step {step}");
            assert_eq!((counts.received, counts.sent), (octets.len(), 0), "step {step}");
        }
    }

    #[tokio::test]
    async fn nothing_is_held_back_until_more_comes() {
        let whole = flight(&[b'x'; 1000], FlushCompress::Sync);
        for end in 0..=whole.len() {
            let there = &whole[..end];
            let mut all = Vec::with_capacity(2000);
            Decompress::new(false).decompress_vec(there, &mut all, FlushDecompress::Sync).unwrap();
            let (client, mut server) = duplex(1000);
            let mut client = deflated(client);
            server.write_all(there).await.unwrap();
            for expected in all {
                let octet = tokio::time::timeout(Duration::from_secs(5), client.read_u8()).await;
                assert_eq!(octet.unwrap().unwrap(), expected, "{end} of {}", whole.len());
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_compressed_or_ends_is_an_error() {
        let good = flight(b"* 1 EXISTS\r\n", FlushCompress::Sync);
        for (garbage, said) in [
            (&b"\xff\xff"[..], "is not compressed as it should be"),
            (b"A2 OK in the clear\r\n", "is not compressed as it should be"),
            // An end that the line itself does not have, and what comes after it.
            (b"\x03\x00* 2 EXISTS\r\n", "closed the connection"),
            (&flight(b"* 2 EXISTS\r\n", FlushCompress::Sync)[..5], "closed the connection"),
            (b"", "closed the connection"),
        ] {
            for before in [&good[..], b""] {
                let octets = [b"A1 OK begin\r\n", before, garbage].concat();
                let (frames, error, _) = heard(octets, Limits::default(), 1000).await;
                // What came with garbage counts as little as the garbage.
                let expected = usize::from(!before.is_empty() && said.starts_with("closed"));
                assert_eq!(frames.len(), expected, "{garbage:?}");
                let kind = if said.starts_with("closed") { ErrorKind::Unreachable } else { ErrorKind::Server };
                assert!(error.kind() == kind && error.to_string().contains(said), "{garbage:?}: {error}");
                assert!(error.way_out().is_some());
            }
        }
    }

    #[tokio::test]
    async fn a_little_that_becomes_a_lot_meets_the_limits() {
        let limits = Limits { literal: 1 << 20, line: 1 << 20, response: 4 << 20, inflate: 2000, ..Limits::default() };
        // A thousandth of what it becomes.
        let zeros = flight(&vec![0; 1 << 16], FlushCompress::Full).repeat(1 << 10);
        assert!(zeros.len() < 1 << 17, "{}", zeros.len());
        let part = |text: &str| flight(text.as_bytes(), FlushCompress::Full);
        let literal = part(&format!("* 1 FETCH (BODY[] {{{}}}\r\n", 1 << 26));
        let octets = [b"A1 OK begin\r\n", &literal[..], &zeros, &part(")\r\nA2 OK\r\n")].concat();
        let (frames, error, counts) = heard(octets.clone(), limits, 1 << 16).await;
        let expected = [(b"* 1 FETCH (BODY[] NIL)\r\n".to_vec(), true), (b"A2 OK\r\n".to_vec(), false)];
        assert_eq!((frames, counts.received), (expected.to_vec(), octets.len()));
        assert!(error.to_string().contains("closed the connection"), "{error}");
        let octets = [b"A1 OK begin\r\n", &part("* 1 FETCH (FLAGS (")[..], &zeros].concat();
        let (frames, error, counts) = heard(octets.clone(), limits, 1 << 12).await;
        assert!(frames.is_empty() && error.to_string().contains("is longer than"), "{error}");
        assert!(counts.received < octets.len() / 4, "the rest is not even read: {}", counts.received);
    }

    #[tokio::test]
    async fn what_becomes_more_than_it_may_is_an_error_once_it_is_much() {
        let part = |text: &str| flight(text.as_bytes(), FlushCompress::Full);
        let zeros = flight(&vec![0; 1 << 16], FlushCompress::Full);
        let ratio = (1 << 16) / zeros.len() as u64;
        for (times, inflate, passes) in [
            (1100, ratio + 10, true),
            (1100, ratio - 10, false),
            // As long as it is little, whatever it was.
            (1000, ratio - 10, true),
        ] {
            let literal = part(&format!("* 1 FETCH (BODY[] {{{}}}\r\n", times << 16));
            let octets = [b"A1 OK begin\r\n", &literal[..], &zeros.repeat(times), &part(")\r\nA2 OK\r\n")].concat();
            let limits = Limits { literal: 1 << 20, inflate, ..Limits::default() };
            let (frames, error, _) = heard(octets, limits, 1 << 16).await;
            assert_eq!(frames.len(), if passes { 2 } else { 0 }, "{times}, {inflate} of {ratio}");
            let said = if passes { "closed the connection" } else { "times as much" };
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn a_reading_that_is_dropped_loses_nothing() {
        let octets = [&b"A1 OK begin\r\n"[..], &flight(&b"* 1 EXISTS\r\n".repeat(500), FlushCompress::Sync)].concat();
        let (client, mut server) = duplex(1);
        let writer = tokio::spawn(async move { drop(server.write_all(&octets).await) });
        let mut transport = Transport::new(Box::new(client), Limits::default(), Duration::from_secs(30));
        transport.bound(false);
        transport.frame().await.unwrap();
        let mut transport = transport.compressed();
        let (mut frames, mut dropped) = (0, 0);
        while frames < 500 {
            // One poll, and gone.
            match futures::poll!(pin!(transport.frame())) {
                Poll::Ready(frame) => {
                    assert_eq!(&frame.unwrap().octets[..], b"* 1 EXISTS\r\n");
                    frames += 1;
                }
                Poll::Pending => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(dropped > 10, "{dropped}");
        // The end of the flight may still be under way: it gives nothing.
        drop(transport);
        writer.await.unwrap();
    }
}
