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
        if messages.is_empty() || !raws.iter().all(is_whole) {
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

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}
