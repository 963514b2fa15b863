//! The journal, read and written by programs that are killed, and by several at once.

use std::fs;
use std::io::Write;

use super::*;
use crate::mail::outbox::OnRejected;

fn mail(id: &str, key: Option<&str>, to: &[&str]) -> Outgoing {
    Outgoing {
        message_id: id.to_owned(),
        sender: "me@x.example".to_owned(),
        recipients: to.iter().map(|to| (*to).to_owned()).collect(),
        subject: "Grüße\n🎉".to_owned(),
        octets: "A: b\r\n".into(),
        key: key.map(str::to_owned),
        on_rejected: OnRejected::Abort,
    }
}

fn told(begun: &Begun, status: Status) -> Vec<Outcome> {
    begun.record.all(status, "250 ok")
}

async fn begun(journal: &Arc<Journal>, mail: &Outgoing) -> Begun {
    match journal.begin("work", mail).await.unwrap() {
        Entry::Begun(begun) => *begun,
        Entry::Before(outcomes) => panic!("{outcomes:?}"),
    }
}

/// One that ends so.
async fn ended(journal: &Arc<Journal>, mail: &Outgoing, status: Status) {
    let begun = begun(journal, mail).await;
    let outcomes = told(&begun, status);
    begun.over(&outcomes).await.unwrap();
}

/// One whose program was killed.
async fn killed(journal: &Arc<Journal>, mail: &Outgoing) {
    let mut begun = begun(journal, mail).await;
    begun.hand_over();
    drop(begun);
}

fn statuses(journal: &Journal) -> Vec<(String, Status)> {
    journal.read().unwrap().into_iter().map(|sent| (sent.message_id, sent.status)).collect()
}

fn known(all: &[(&str, Status)]) -> Vec<(String, Status)> {
    all.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect()
}

#[tokio::test]
async fn what_was_sent_is_read_again_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("a/b");
    for journal in [Arc::new(Journal::kept_in(&place)), Arc::new(Journal::in_memory())] {
        assert_eq!(journal.read().unwrap(), []);
        let key = journal.lines.is_some().then_some("k");
        ended(&journal, &mail("1@x", key, &["b@y", "c@y"]), Status::Sent).await;
        killed(&journal, &mail("2@x", None, &["b@y"])).await;
        drop(begun(&journal, &mail("3@x", None, &["b@y"])).await);
        let _now = begun(&journal, &mail("4@x", None, &["b@y"])).await;
        let (sent, unknown, not) = (Status::Sent, Status::Unknown, Status::NotSent);
        assert_eq!(statuses(&journal), known(&[("1@x", sent), ("1@x", sent), ("2@x", unknown), ("3@x", not)]));
        let first = journal.read().unwrap().remove(1);
        assert_eq!(
            (first.account.as_str(), first.recipient.as_str(), first.sender.as_str()),
            ("work", "c@y", "me@x.example")
        );
        assert_eq!((first.key.as_deref(), first.subject.as_str(), first.size), (key, "Grüße\n🎉", 6));
        assert!((Utc::now() - first.at).num_minutes() < 5);
        if key.is_some() {
            // To another program, what is being sent here may have been.
            assert_eq!(statuses(&Journal::kept_in(&place)).last().unwrap().1, Status::Unknown);
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join("sent.ndjson"))), (0o700, 0o600));
    }
}

#[tokio::test]
async fn a_key_is_good_for_one_mail_that_is_not_known_to_have_failed() {
    let directory = tempfile::tempdir().unwrap();
    let fresh = || Arc::new(Journal::kept_in(directory.path()));
    let (first, to) = (fresh(), &["b@y.example", "C@y.example"][..]);
    for status in [Status::Rejected, Status::NotSent, Status::Rejected] {
        for journal in [&first, &fresh()] {
            ended(journal, &mail("no@x", Some("k"), to), status).await;
        }
    }
    ended(&first, &mail("yes@x", Some("k"), to), Status::Sent).await;
    for journal in [&first, &fresh()] {
        let again = mail("again@x", Some("k"), &["c@y.example", "B@y.example"]);
        assert!(journal.before("work", &again).await.unwrap().is_some());
        let Entry::Before(before) = journal.begin("work", &again).await.unwrap() else { panic!() };
        assert!(
            before.len() == 2 && before[0].message_id == "yes@x" && before[0].response.ends_with("UTC: 250 ok"),
            "{before:?}"
        );
        // Other keys, other recipients, other accounts, and no key.
        for other in [mail("o@x", Some("k2"), to), mail("o@x", Some("k"), &to[..1]), mail("o@x", None, to)] {
            assert!(journal.before("work", &other).await.unwrap().is_none());
        }
        assert!(journal.before("home", &again).await.unwrap().is_none());
    }
    // Of one that is on its way nobody knows yet, in this program or another.
    let now = begun(&first, &mail("now@x", Some("n"), to)).await;
    for journal in [&first, &fresh()] {
        let before = journal.before("work", &mail("other@x", Some("n"), to)).await.unwrap().unwrap();
        assert!(before[0].status == Status::Unknown && before[0].response.contains("'<now@x>'"), "{before:?}");
    }
    drop(now);
    ended(&first, &mail("then@x", Some("n"), to), Status::Sent).await;
}

#[tokio::test]
async fn a_line_that_was_cut_off_is_as_if_it_was_never_begun() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sent.ndjson");
    let fresh = || Arc::new(Journal::kept_in(directory.path()));
    ended(&fresh(), &mail("1@x", Some("1"), &["b@y"]), Status::Sent).await;
    killed(&fresh(), &mail("2@x", Some("2"), &["b@y"])).await;
    let whole = fs::read(&path).unwrap();
    let last = whole.len() - whole[..whole.len() - 1].iter().rposition(|octet| *octet == b'\n').unwrap() - 1;
    for cut in [1, 2, 10, last - 1] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let open = fresh();
        assert_eq!(statuses(&open), known(&[("1@x", Status::Sent)]), "{cut}");
        // A line that only lacks its end was written, and may have been on the disk.
        let is_whole = cut == 1;
        let next = if is_whole { "3" } else { "2" };
        ended(&open, &mail("3@x", Some(next), &["b@y"]), Status::Sent).await;
        let expected = if is_whole {
            known(&[("1@x", Status::Sent), ("2@x", Status::Unknown), ("3@x", Status::Sent)])
        } else {
            known(&[("1@x", Status::Sent), ("3@x", Status::Sent)])
        };
        assert_eq!(statuses(&open), expected, "{cut}");
        assert_eq!(statuses(&fresh()), expected, "{cut}");
    }
    // An outcome that was cut off is not known.
    fs::write(&path, &whole[..whole.len() - last]).unwrap();
    let sent = fs::read(&path).unwrap();
    fs::write(&path, &sent[..sent.len() - 5]).unwrap();
    let before = fresh().before("work", &mail("4@x", Some("1"), &["b@y"])).await.unwrap().unwrap();
    assert_eq!(before[0].status, Status::Unknown);
}

#[tokio::test]
async fn a_line_that_makes_no_sense_is_told_and_nothing_with_a_key_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sent.ndjson");
    let journal = Arc::new(Journal::kept_in(directory.path()));
    ended(&journal, &mail("1@x", None, &["b@y"]), Status::Sent).await;
    for line in ["garbage\n", "\n", "{}\n", "\u{0}\u{0}\u{0}\n"] {
        let good = fs::read(&path).unwrap();
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(line.as_bytes()).unwrap();
        let journal = Arc::new(Journal::kept_in(directory.path()));
        for error in
            [journal.read().unwrap_err(), journal.begin("work", &mail("2@x", Some("k"), &["b@y"])).await.unwrap_err()]
        {
            assert!(error.to_string().contains("line 3 of ") && error.to_string().contains("sent.ndjson"), "{error}");
        }
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn many_at_once_leave_whole_lines_and_send_a_key_once() {
    let directory = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            // Each with a journal of its own, as another program has.
            let journal = Arc::new(Journal::kept_in(directory.path()));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let mut mine = 0;
                for number in 0..50 {
                    let (id, key) = (format!("{thread}.{number}@x"), number.to_string());
                    let entry = runtime.block_on(journal.begin("work", &mail(&id, Some(&key), &["b@y"]))).unwrap();
                    if let Entry::Begun(mut begun) = entry {
                        begun.hand_over();
                        mine += 1;
                        let outcomes = told(&begun, Status::Sent);
                        runtime.block_on(begun.over(&outcomes)).unwrap();
                    }
                }
                mine
            })
        })
        .collect();
    let begun: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(begun, 50);
    let all = statuses(&Journal::kept_in(directory.path()));
    assert!(all.len() == 50 && all.iter().all(|(_, status)| *status == Status::Sent));
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::kept_in(directory.path()));
    ended(&journal, &mail("1@x", Some("k"), &["b@y"]), Status::Sent).await;
    assert!(journal.before("work", &mail("2@x", Some("k"), &["b@y"])).await.unwrap().is_some());
    fs::remove_file(directory.path().join("sent.ndjson")).unwrap();
    assert!(journal.before("work", &mail("2@x", Some("k"), &["b@y"])).await.unwrap().is_none());
    ended(&journal, &mail("2@x", Some("k"), &["b@y"]), Status::Sent).await;
    assert_eq!(statuses(&journal), known(&[("2@x", Status::Sent)]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_others_can_read_is_closed_to_them_when_it_is_read_and_when_it_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let journal = Arc::new(Journal::kept_in(&place));
    ended(&journal, &mail("1", None, &["a@x"]), Status::Sent).await;
    let path = place.join("sent.ndjson");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&place)), (0o600, 0o700));
    for open in [0o644, 0o660, 0o604] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        assert_eq!(journal.read().unwrap().len(), 1);
        assert_eq!(mode(&path), 0o600, "read: {open:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    ended(&journal, &mail("2", None, &["a@x"]), Status::Sent).await;
    assert_eq!(mode(&path), 0o600, "written");
}
