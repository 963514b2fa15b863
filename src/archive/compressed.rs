//! How a file holds a message: as it is, compressed in a way that is read here, or in one that is only known by name.
//!
//! A format is told by the first octets alone. It knows nothing of mail; [`super::message_file`] reads through it.

use std::io::{self, BufReader, Read};

use encoding_rs::{Decoder, Encoding};
use flate2::bufread::MultiGzDecoder;

/// What a file begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The message itself.
    Plain,
    /// Compressed in a way that is read here.
    Compressed(Compression),
    /// Something that holds a message and is not read here: what to say of the file.
    Unread(&'static str),
}

/// A compression that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Format {
    /// The format of a file that begins so. The first 16 octets decide.
    pub(super) fn of(beginning: &[u8]) -> Self {
        let begins = |magic: &[u8]| beginning.starts_with(magic);
        if begins(b"\x1f\x8b") {
            return Format::Compressed(Compression::Gzip);
        }
        if begins(b"\x28\xb5\x2f\xfd") {
            return Format::Compressed(Compression::Zstd);
        }
        if is_bzip2(beginning) {
            return Format::Unread("the file is compressed (bzip2)");
        }
        UNREAD.iter().find(|(magic, _)| begins(magic)).map_or(Format::Plain, |(_, said)| Format::Unread(said))
    }
}

impl Compression {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// What is compressed in a stream; members or frames that follow each other are one content.
    ///
    /// # Errors
    /// A decoder cannot be made. Reading fails without a number of the system where what was compressed is damaged or ends
    /// early.
    pub(super) fn inflated<'a>(self, stream: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        let stream = BufReader::with_capacity(BLOCK, stream);
        Ok(match self {
            Compression::Gzip => Box::new(MultiGzDecoder::new(stream)),
            // The window of a frame is 128 MiB at most, as the library has it.
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(stream)?),
        })
    }
}

/// Formats that are known by name. Those of Dovecot that no other program writes are as its sources define them.
const UNREAD: [(&[u8], &str); 10] = [
    (b"\xfd7zXZ\x00", "the file is compressed (xz)"),
    (b"\x04\x22\x4d\x18", "the file is compressed (lz4)"),
    (b"Dovecot-LZ4\x0d\x2a\x9b\xc5", "the file is compressed (lz4)"),
    (b"\x5d\x00\x00", "the file is compressed (lzma)"),
    (b"LZIP\x01", "the file is compressed (lzip)"),
    (b"\xff\x06\x00\x00sNaPpY", "the file is compressed (snappy)"),
    (b"\x1f\x9d", "the file is compressed (compress)"),
    (b"7z\xbc\xaf\x27\x1c", "the file is an archive (7z)"),
    (b"PK\x03\x04", "the file is an archive (zip)"),
    (b"CRYPTED\x03\x07", "the file is encrypted (mail_crypt of Dovecot)"),
];

/// The magic number is `BZh` and a digit only, so the one of its first block, or of its end, is looked at as well.
fn is_bzip2(beginning: &[u8]) -> bool {
    let level = beginning.get(3).is_some_and(|level| matches!(level, b'1'..=b'9'));
    let block = beginning.get(4..10);
    let is_block = |magic: &[u8]| block == Some(magic);
    beginning.starts_with(b"BZh")
        && level
        && (is_block(b"\x31\x41\x59\x26\x53\x59") || is_block(b"\x17\x72\x45\x38\x50\x90"))
}

/// Text that is read as UTF-8, in whatever encoding it is.
pub(super) struct Transcoded<R> {
    from: R,
    decoder: Decoder,
    /// What is decoded, and how much of it was given.
    decoded: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Transcoded<R> {
    /// Reads a stream in an encoding; a mark of the encoding at its beginning is left out.
    pub(super) fn new(from: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { from, decoder, decoded: Vec::new(), given: 0, is_over: false }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        let mut block = [0; 8 << 10];
        let read = loop {
            match self.from.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.is_over = read == 0;
        // The length can be told but for blocks of unthinkable size.
        let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(block.len() * 4);
        self.decoded.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&block[..read], &mut self.decoded, self.is_over);
        self.decoded.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.decoded.len() {
            if self.is_over {
                return Ok(0);
            }
            self.decode_more()?;
        }
        let rest = &self.decoded[self.given..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Octets that a decoder takes at a time.
const BLOCK: usize = 16 << 10;
