//! The journal of what was sent, after somebody or a power cut has been at it.

use std::cell::OnceCell;
use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use mailql::mail::Outgoing;
use mailql::mail::outbox::OnRejected;
use mailql::smtp::journal::Journal;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub fn check(data: &[u8]) {
    PLACE.with(|place| {
        let (directory, runtime) =
            place.get_or_init(|| (tempfile::tempdir().unwrap(), Builder::new_current_thread().build().unwrap()));
        let file = directory.path().join("sent.ndjson");
        fs::write(&file, data).unwrap();
        let before = Journal::kept_in(directory.path()).read();
        if let Ok(sent) = &before {
            assert!(sent.len() <= data.len());
        }
        let journal = Arc::new(Journal::kept_in(directory.path()));
        let begun = runtime.block_on(journal.begin("work", &mail()));
        let after = fs::read(&file).unwrap();
        let whole = data.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        assert!(after.starts_with(&data[..whole]), "no whole line is touched");
        // Without a key nothing that was written keeps a mail from being sent, readable or not.
        let Ok(begun) = begun else { panic!("a mail without a key is begun") };
        drop(begun);
        let fresh = Journal::kept_in(directory.path()).read();
        if before.is_ok() {
            let fresh = fresh.expect("what can be read before can be read after");
            let last = fresh.last().expect("what was begun is there");
            assert!(last.message_id.contains("fuzzed@example.org"), "{last:?}");
        }
    });
}

fn mail() -> Outgoing {
    Outgoing {
        message_id: "fuzzed@example.org".to_owned(),
        sender: "me@example.org".to_owned(),
        recipients: vec!["you@example.org".to_owned()],
        subject: "subject".to_owned(),
        octets: Bytes::from_static(b"Subject: subject\r\n\r\n"),
        key: None,
        on_rejected: OnRejected::Abort,
    }
}

thread_local! {
    static PLACE: OnceCell<(TempDir, Runtime)> = const { OnceCell::new() };
}
