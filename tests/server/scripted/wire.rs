//! The octets of one connection, in the clear or under TLS, compressed or not.
//!
//! It knows lines and counted octets, not what they mean.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::net::TcpSocket;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

/// A connection to a client.
pub struct Wire {
    socket: Arc<TcpStream>,
    tls: Option<ServerConnection>,
    deflate: Option<(Compress, Decompress)>,
    read: Vec<u8>,
}

impl Wire {
    /// A connection in the clear.
    pub fn new(socket: Arc<TcpStream>) -> Self {
        // An answer is on its way at once, and in one segment if it is short.
        let _ = socket.set_nodelay(true);
        Self { socket, tls: None, deflate: None, read: Vec::new() }
    }

    /// Goes on under TLS; what was sent in the clear and not read is forgotten.
    pub fn start_tls(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        self.read.clear();
        self.tls = Some(ServerConnection::new(config.clone()).map_err(io::Error::other)?);
        Ok(())
    }

    /// Goes on compressed; what was sent and not read should be, and is taken as it is.
    pub fn start_deflate(&mut self) {
        self.deflate = Some((Compress::new(Compression::default(), false), Decompress::new(false)));
    }

    /// Whether it goes on under TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Reads up to a line end, with it.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let end = loop {
            match self.read.iter().position(|octet| *octet == b'\n') {
                Some(end) => break end + 1,
                None => self.read_more()?,
            }
        };
        Ok(self.read.drain(..end).collect())
    }

    /// Reads that many octets.
    pub fn read_exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < count {
            self.read_more()?;
        }
        Ok(self.read.drain(..count).collect())
    }

    /// Reads what there is, at least one octet.
    pub fn read_some(&mut self) -> io::Result<Vec<u8>> {
        if self.read.is_empty() {
            self.read_more()?;
        }
        Ok(std::mem::take(&mut self.read))
    }

    /// Sends everything.
    pub fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let Some((deflate, _)) = &mut self.deflate else { return self.write_raw(octets) };
        let mut deflated = Vec::with_capacity(octets.len() + 1024);
        // Nothing that is sent later refers to what was sent before, whatever that was.
        deflate.compress_vec(octets, &mut deflated, FlushCompress::Full).map_err(io::Error::other)?;
        assert!(deflated.len() < deflated.capacity(), "there is room for all of it");
        self.write_raw(&deflated)
    }

    /// Sends everything as it is, although the line may be compressed.
    pub fn write_raw(&mut self, octets: &[u8]) -> io::Result<()> {
        let mut socket = &*self.socket;
        match &mut self.tls {
            Some(tls) => {
                let mut stream = Stream::new(tls, &mut socket);
                stream.write_all(octets)?;
                stream.flush()
            }
            None => socket.write_all(octets),
        }
    }

    /// Says the end of TLS, if there is any.
    pub fn end_tls(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.complete_io(&mut &*self.socket);
        }
    }

    /// Ends the connection so that everything that was sent arrives.
    pub fn close(self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        // A socket that is closed over unread octets breaks the connection, so they are read first.
        let _ = self.socket.set_read_timeout(Some(Duration::from_millis(100)));
        let mut unread = [0; 4096];
        while (&*self.socket).read(&mut unread).is_ok_and(|count| count > 0) {}
    }

    /// Breaks the connection.
    pub fn reset(self) {
        // The standard library cannot ask for it yet. The choice belongs to the socket, not to this copy of it.
        if let Ok(copy) = self.socket.try_clone() {
            let _ = TcpSocket::from_std_stream(copy).set_zero_linger();
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut octets = [0; 4096];
        let mut socket = &*self.socket;
        let count = match &mut self.tls {
            Some(tls) => Stream::new(tls, &mut socket).read(&mut octets)?,
            None => socket.read(&mut octets)?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((_, inflate)) = &mut self.deflate else {
            self.read.extend(&octets[..count]);
            return Ok(());
        };
        let before = inflate.total_in();
        let mut inflated = Vec::with_capacity(1 << 20);
        inflate.decompress_vec(&octets[..count], &mut inflated, FlushDecompress::Sync).map_err(io::Error::other)?;
        assert_eq!(inflate.total_in() - before, count as u64, "no client says so much at once");
        self.read.extend(inflated);
        Ok(())
    }
}
