//! A file that holds one message: read as far as it is asked for, and inflated where it is compressed.
//!
//! Files of a Maildir and `.eml` files are read through it. Which formats there are is in [`super::compressed`]; what of a
//! message is asked for is decided in [`super::entry`].

use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::compressed::{Format, Transcoded};
use super::crlf::{self, LineEnds};
use super::entry::{self, MOST_HEADER, MOST_MESSAGE, Reading, Stop};
use crate::error::Error;
use crate::mail::Meter;

/// What may stand before the message in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing: a mail server wrote the file.
    None,
    /// A mark of the encoding, or the line of an mbox: some program saved the message.
    Saved,
}

/// An open file, and what was read of the message in it.
pub(super) struct MessageFile<'a> {
    path: PathBuf,
    file: Arc<File>,
    metadata: Metadata,
    lead: Lead,
    meter: &'a Meter,
    format: Format,
    /// The text is UTF-16, and is read as UTF-8.
    encoding: Option<&'static Encoding>,
    /// The message begins after the line of an mbox.
    has_from_line: bool,
    /// The rest of the message, after what is held.
    rest: Box<dyn Read + 'a>,
    /// The rest was read without being held: to hold more, reading begins anew.
    is_spent: bool,
    /// The beginning of the message, as far as it was read.
    held: Vec<u8>,
    /// Octets of the file before the message.
    skipped: u64,
    whole: Option<Bytes>,
    /// What is compressed ends early or makes no sense from somewhere on.
    is_damaged: bool,
    /// Inflated, it is larger than a message may be.
    is_too_large: bool,
    octets_read: u64,
}

impl<'a> MessageFile<'a> {
    /// Takes an open file, and reads its beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn new(file: File, path: PathBuf, lead: Lead, meter: &'a Meter) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let mut file = Self {
            path,
            file: Arc::new(file),
            metadata,
            lead,
            meter,
            format: Format::Plain,
            encoding: None,
            has_from_line: false,
            rest: Box::new(io::empty()),
            is_spent: false,
            held: Vec::new(),
            skipped: 0,
            whole: None,
            is_damaged: false,
            is_too_large: false,
            octets_read: 0,
        };
        file.begin()?;
        Ok(file)
    }

    /// What the system says of the file, as it was when it was opened.
    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What it says now.
    pub(super) fn metadata_now(&self) -> Reading<Metadata> {
        self.file.metadata().map_err(|error| failed(&self.path, error))
    }

    /// Why nothing of the message can be read, if nothing can.
    pub(super) fn unreadable(&self) -> Option<&'static str> {
        match self.format {
            Format::Unread(said) => Some(said),
            Format::Plain | Format::Compressed(_) => None,
        }
    }

    /// What is to be said of the file itself, as far as it was read.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Format::Compressed(compression) = self.format
            && self.is_damaged
        {
            problems.push(format!("the compressed file ({}) is damaged or ends early", compression.name()));
        }
        if self.encoding.is_some() {
            problems.push("the file is UTF-16, which no mail is; it is read as UTF-8".to_owned());
        }
        if self.has_from_line {
            problems.push("the file begins with the `From ` line of an mbox".to_owned());
        }
        problems
    }

    /// The header, with CRLF line ends, as [`entry::Entry::header`] gives it.
    pub(super) fn header(&mut self) -> Reading<Bytes> {
        if let Some(whole) = &self.whole {
            return Ok(entry::header_of(whole));
        }
        let mut wanted = BEGINNING;
        loop {
            let goes_on = self.hold(wanted as u64)?;
            let end = crlf::header_end(&self.held);
            if end.is_some() || !goes_on || wanted >= MOST_HEADER {
                let header = self.held[..end.unwrap_or(self.held.len())].to_vec();
                return Ok(entry::header_of(&crlf::with_crlf(header)));
            }
            wanted *= 2;
        }
    }

    /// The message, with CRLF line ends; `None` if it is larger than [`MOST_MESSAGE`].
    pub(super) fn whole(&mut self) -> Reading<Option<Bytes>> {
        if self.whole.is_none() {
            match self.plain_length() {
                Some(length) if length > MOST_MESSAGE => return Ok(None),
                Some(length) => {
                    let missing = length.saturating_sub(self.held.len() as u64);
                    self.held.reserve(usize::try_from(missing).unwrap_or_default());
                    self.hold(length)?;
                }
                None if self.is_too_large || self.hold(MOST_MESSAGE + 1)? => {
                    self.give_up();
                    return Ok(None);
                }
                None => {}
            }
            self.whole = Some(crlf::with_crlf(std::mem::take(&mut self.held)));
        }
        Ok(self.whole.clone())
    }

    /// Its size with CRLF line ends; `None` if that shows only on inflating more than [`MOST_MESSAGE`], or cannot show.
    pub(super) fn size(&mut self) -> Reading<Option<u64>> {
        let size = match &self.whole {
            Some(whole) => Some(whole.len() as u64),
            None => self.counted_size()?,
        };
        Ok(size.filter(|_| !self.is_damaged && self.unreadable().is_none()))
    }

    /// Octets read for it so far, inflated ones where it is compressed.
    pub(super) fn octets_read(&self) -> u64 {
        self.octets_read
    }

    /// Octets of a message that lies in its file as it is.
    fn plain_length(&self) -> Option<u64> {
        let is_plain = self.format == Format::Plain && self.encoding.is_none();
        is_plain.then(|| self.metadata.len().saturating_sub(self.skipped))
    }

    /// Reads the beginning, which tells what there is.
    fn begin(&mut self) -> io::Result<()> {
        let mut stream = Counted { file: Arc::clone(&self.file), meter: self.meter };
        let length = self.metadata.len().min(BEGINNING as u64);
        let mut beginning = Vec::with_capacity(usize::try_from(length).unwrap_or(BEGINNING));
        (&mut stream).take(length).read_to_end(&mut beginning)?;
        (self.format, self.is_spent, self.is_damaged) = (Format::of(&beginning), false, false);
        match self.format {
            Format::Plain => (self.held, self.rest) = (beginning, Box::new(stream)),
            Format::Compressed(compression) => {
                (self.held, self.rest) = (Vec::new(), compression.inflated(Cursor::new(beginning).chain(stream))?);
                self.fill(BEGINNING as u64)?;
            }
            Format::Unread(_) => (self.held, self.rest) = (Vec::new(), Box::new(io::empty())),
        }
        if self.lead == Lead::Saved {
            self.skip_lead()?;
        }
        self.octets_read += self.held.len() as u64;
        Ok(())
    }

    /// Leaves out what is not of the message.
    fn skip_lead(&mut self) -> io::Result<()> {
        self.encoding = UTF_16.iter().find(|(mark, _)| self.held.starts_with(mark)).map(|(_, encoding)| *encoding);
        if let Some(encoding) = self.encoding {
            let text = Cursor::new(std::mem::take(&mut self.held));
            let rest = std::mem::replace(&mut self.rest, Box::new(io::empty()));
            self.rest = Box::new(Transcoded::new(text.chain(rest), encoding));
            self.fill(BEGINNING as u64)?;
        }
        let marked = self.held.strip_prefix(UTF_8).unwrap_or(&self.held);
        let line = marked.starts_with(b"From ").then(|| memchr::memchr(b'\n', marked)).flatten();
        self.has_from_line = line.is_some();
        let before = self.held.len() - marked.len() + line.map_or(0, |end| end + 1);
        self.held.drain(..before);
        self.skipped = before as u64;
        Ok(())
    }

    /// Reads on until so much of the message is held; says whether it goes on after that.
    fn hold(&mut self, octets: u64) -> Reading<bool> {
        if octets > self.held.len() as u64 {
            if self.is_spent {
                self.restart()?;
            }
            let before = self.held.len() as u64;
            self.fill(octets).map_err(|error| failed(&self.path, error))?;
            self.octets_read += self.held.len() as u64 - before;
        }
        Ok(self.held.len() as u64 >= octets)
    }

    fn fill(&mut self, octets: u64) -> io::Result<()> {
        let missing = octets.saturating_sub(self.held.len() as u64);
        if self.is_damaged {
            return Ok(());
        }
        match self.rest.by_ref().take(missing).read_to_end(&mut self.held) {
            Err(error) if self.is_damage(&error) => self.is_damaged = true,
            read => drop(read?),
        }
        Ok(())
    }

    /// Whether what was read is wrong, and not the reading.
    fn is_damage(&self, error: &io::Error) -> bool {
        matches!(self.format, Format::Compressed(_)) && error.raw_os_error().is_none()
    }

    /// Reads from the beginning once more.
    fn restart(&mut self) -> Reading<()> {
        let again = (&*self.file).seek(SeekFrom::Start(0)).and_then(|_| self.begin());
        again.map_err(|error| failed(&self.path, error))
    }

    /// Keeps what a header is made of, and nothing else.
    fn give_up(&mut self) {
        (self.is_too_large, self.is_spent) = (true, true);
        self.held.truncate(MOST_HEADER);
        self.held.shrink_to_fit();
    }

    /// Reads the message to its end for its size alone.
    fn counted_size(&mut self) -> Reading<Option<u64>> {
        if self.is_too_large || self.unreadable().is_some() {
            return Ok(None);
        }
        if self.is_spent {
            self.restart()?;
        }
        let most = if self.plain_length().is_some() { u64::MAX } else { MOST_MESSAGE };
        let mut ends = LineEnds::default();
        ends.add(&self.held);
        let mut size = self.held.len() as u64;
        let mut block = vec![0; BLOCK];
        self.is_spent = true;
        while !self.is_damaged {
            let read = match self.rest.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if self.is_damage(&error) => {
                    self.is_damaged = true;
                    break;
                }
                read => read.map_err(|error| failed(&self.path, error))?,
            };
            if read == 0 {
                return Ok(Some(size + ends.bare()));
            }
            ends.add(&block[..read]);
            size += read as u64;
            self.octets_read += read as u64;
            if size > most {
                self.give_up();
                break;
            }
        }
        Ok(None)
    }
}

/// A file of which every octet that is read is counted.
struct Counted<'a> {
    file: Arc<File>,
    meter: &'a Meter,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&*self.file).read(buffer)?;
        self.meter.bytes.add(read);
        Ok(read)
    }
}

/// That a file cannot be read.
pub(super) fn failed(path: &Path, error: io::Error) -> Stop {
    Stop::Failed(Error::io(format!("cannot read {}", path.display()), error))
}

const UTF_8: &[u8] = b"\xef\xbb\xbf";

const UTF_16: [(&[u8], &Encoding); 2] = [(b"\xff\xfe", UTF_16LE), (b"\xfe\xff", UTF_16BE)];

/// What is read of a file at first; most headers end before that.
const BEGINNING: usize = 8 << 10;

const BLOCK: usize = 64 << 10;
