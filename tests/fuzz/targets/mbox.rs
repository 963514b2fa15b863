//! Mbox files: whole, while they grow, and written anew.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use mailql::archive::Mbox;
use mailql::mail::{
    Fetch, FolderPattern, FolderScan, Header, HeaderFetch, MailStore, Message, Meter, SearchKey, Statement, StatusItems,
};
use mailql::{ErrorKind, Result};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub fn check(data: &[u8]) {
    PLACE.with(|place| {
        let place = place.get_or_init(Place::new);
        let file = place.write("whole.mbox", data);
        let messages = match place.read(&Mbox::open(file, None).unwrap()) {
            Ok(messages) => messages,
            Err(error) => return assert_eq!(error.kind(), ErrorKind::Mail, "{error}"),
        };
        hold(&messages, data.len());
        place.grown(data, &messages);
        place.again(&messages);
        place.written(data);
    });
}

fn hold(messages: &[Message], length: usize) {
    let mut octets = 0;
    for (uid, message) in (1..).zip(messages) {
        assert_eq!(message.uid.number(), uid);
        let raw = message.raw.as_ref().expect("it was asked for");
        assert_eq!(message.size, Some(raw.len() as u64), "{:?}", raw.escape_ascii().to_string());
        assert!(raw.windows(2).all(|pair| pair[1] != b'\n' || pair[0] == b'\r') && raw.first() != Some(&b'\n'));
        octets += raw.len();
        let header = message.header.as_ref().expect("it was asked for");
        let of_raw = Header::parse(raw.clone());
        let fields = |header: &Header| {
            header.fields().map(|field| (field.name.to_owned(), field.value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(fields(header), fields(&of_raw));
        assert!(message.structure.is_some() && message.flags.is_some());
    }
    assert!(octets <= 2 * length, "line ends apart, there is no more than in the file");
}

struct Place {
    directory: TempDir,
    runtime: Runtime,
}

impl Place {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self { directory: tempfile::tempdir().unwrap(), runtime }
    }

    fn write(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, octets).unwrap();
        path
    }

    /// A file that grew is read as one that was there at once.
    fn grown(&self, data: &[u8], messages: &[Message]) {
        let at = data.iter().fold(0, |sum: usize, octet| sum.wrapping_mul(31).wrapping_add(usize::from(*octet)));
        let part = &data[..at % (data.len() + 1)];
        let file = self.write("grown.mbox", part);
        let store = Mbox::open(file, None).unwrap();
        if self.read(&store).is_err() || part.len() == data.len() {
            return;
        }
        self.write("grown.mbox", data);
        let grown = self.read(&store).expect("it is still one");
        let without = |message: &Message| Message { uid_validity: messages[0].uid_validity, ..message.clone() };
        let both = grown.iter().map(without).zip(messages.iter().map(without));
        both.for_each(|(grown, whole)| assert_eq!(grown, whole, "after {} octets", part.len()));
        assert_eq!(grown.len(), messages.len(), "after {} octets", part.len());
    }

    /// What was read and is written as mboxrd is read as the same.
    fn again(&self, messages: &[Message]) {
        let raws: Vec<&[u8]> = messages.iter().filter_map(|message| message.raw.as_deref()).collect();
        let is_whole = |raw: &&[u8]| {
            let has_body = raw.starts_with(b"\r\n") || raw.windows(4).any(|end| end == b"\r\n\r\n");
            has_body && raw.ends_with(b"\n") && !raw.windows(4_000).any(|line| line.iter().all(|octet| *octet == b'>'))
        };
        // Other lengths would hold than before, and a mark hides a line that would have to be quoted.
        let holds = |raw: &&[u8], text: &[u8]| raw.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text));
        let is_plain = |raw: &&[u8]| !holds(raw, b"content-length") && !holds(raw, b"\xef\xbb\xbfFrom ");
        if messages.is_empty() || !raws.iter().all(|raw| is_whole(raw) && is_plain(raw)) {
            return;
        }
        let mut written = Vec::new();
        for raw in &raws {
            written.extend_from_slice(b"From fuzzed@example.org Sat Jan  3 01:02:03 2026\n");
            let mut in_body = false;
            for line in raw.split_inclusive(|octet| *octet == b'\n') {
                if in_body && line.iter().skip_while(|octet| **octet == b'>').take(5).eq(b"From ") {
                    written.push(b'>');
                }
                in_body |= line == b"\r\n";
                written.extend_from_slice(line);
            }
            written.push(b'\n');
        }
        let file = self.write("again.mbox", &written);
        let again = self.read(&Mbox::open(file, None).unwrap()).expect("it is an mbox");
        let again: Vec<&[u8]> = again.iter().filter_map(|message| message.raw.as_deref()).collect();
        for (again, raw) in again.iter().zip(&raws) {
            assert_eq!(again.escape_ascii().to_string(), raw.escape_ascii().to_string());
        }
        assert_eq!(again.len(), raws.len());
    }

    /// Messages that are written as programs write them are found again, each as it was, whatever is in their bodies.
    fn written(&self, data: &[u8]) {
        let style = &STYLES[data.len() % STYLES.len()];
        let bodies: Vec<Vec<u8>> = data.split(|octet| *octet == 0xff).take(5).map(|body| style.body(body)).collect();
        let mut written = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            written.extend_from_slice(style.lines[number % style.lines.len()]);
            written.extend_from_slice(&style.header(number, body));
            written.extend_from_slice(&style.quoted(body));
            written.extend_from_slice(style.end);
        }
        let file = self.write("written.mbox", &written);
        let read = self.read(&Mbox::open(file, None).unwrap()).expect("it is an mbox");
        let read: Vec<String> =
            read.iter().filter_map(|message| Some(message.raw.as_ref()?.escape_ascii().to_string())).collect();
        let wanted: Vec<String> = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| {
                with_crlf(&[style.header(number, body), body.clone()].concat()).escape_ascii().to_string()
            })
            .collect();
        assert_eq!(read, wanted, "{}", written.escape_ascii());
    }

    fn read(&self, store: &Mbox) -> Result<Vec<Message>> {
        self.runtime.block_on(async {
            let (statement, meter) = (Statement::default(), Arc::new(Meter::default()));
            let mut folders = store.folders(&FolderPattern::All, StatusItems::default(), &statement, &meter).await?;
            let folder = folders.remove(0);
            let first = Fetch {
                flags: true,
                received_at: true,
                size: true,
                labels: true,
                thread_id: true,
                email_id: true,
                header: HeaderFetch::All,
                structure: true,
                text: true,
                raw: true,
                ..Fetch::default()
            };
            let scan =
                FolderScan { folder, key: SearchKey::All, first, then: None, likely_enough: None, statement, meter };
            let mut messages: Vec<Message> =
                store.read(scan).try_collect::<Vec<_>>().await?.into_iter().flatten().collect();
            messages.sort_by_key(|message| message.uid);
            Ok(messages)
        })
    }
}

/// How a program writes an mbox.
struct Style {
    /// What it begins messages with, one after the other.
    lines: &'static [&'static [u8]],
    /// What it ends them with.
    end: &'static [u8],
    /// Whether it tells the length of a body, and does not quote.
    has_length: bool,
}

const STYLES: [Style; 7] = [
    Style { lines: &[DATED], end: b"\n", has_length: false },
    Style { lines: &[b"From \r\n"], end: b"\r\n", has_length: false },
    Style {
        lines: &[b"From - Mon Jan 05 10:00:00 2026\r\n", b"From \r\n", b"From -\n"],
        end: b"\r\n",
        has_length: false,
    },
    Style { lines: &[b"From a@b.example\n"], end: b"\n", has_length: false },
    Style { lines: &[DATED, b"From ???@??? Tue Jun 24 09:15:00 1997\r\n"], end: b"", has_length: false },
    Style { lines: &[DATED], end: b"\n", has_length: true },
    Style { lines: &[b"From \n", DATED], end: b"\n", has_length: true },
];

const DATED: &[u8] = b"From a@b.example Sat Jan  3 01:02:03 2026\n";

impl Style {
    /// A body that ends as one line does, and that loses nothing when it is read.
    fn body(&self, octets: &[u8]) -> Vec<u8> {
        let mut body = octets.to_vec();
        // A mark hides a line from who quotes, and what looks quoted is unquoted, whoever wrote it.
        body = String::from_utf8_lossy(&body).replace('\u{feff}', "").into_bytes();
        if self.has_length {
            body = String::from_utf8_lossy(&body).replace(">From ", ">from ").into_bytes();
        }
        while matches!(body.last(), Some(b'\r' | b'\n')) {
            body.pop();
        }
        body.extend_from_slice(b".\n");
        body
    }

    fn header(&self, number: usize, body: &[u8]) -> Vec<u8> {
        let length = if self.has_length { format!("Content-Length: {}\n", body.len()) } else { String::new() };
        format!("From: a@b.example\nDate: Sat, 3 Jan 2026 01:02:03 +0000\n{length}Subject: {number}\n\n").into_bytes()
    }

    fn quoted(&self, body: &[u8]) -> Vec<u8> {
        let mut quoted = Vec::new();
        for line in body.split_inclusive(|octet| *octet == b'\n') {
            let is_quoted = line.iter().skip_while(|octet| **octet == b'>').take(5).eq(b"From ");
            quoted.extend_from_slice(if is_quoted && !self.has_length { b">" } else { b"" });
            quoted.extend_from_slice(line);
        }
        quoted
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let bare = line.strip_suffix(b"\n").filter(|line| !line.ends_with(b"\r"));
        whole.extend_from_slice(bare.unwrap_or(line));
        whole.extend_from_slice(if bare.is_some() { b"\r\n" } else { b"" });
    }
    whole
}

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}
