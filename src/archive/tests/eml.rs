//! `.eml` files alone: which folders they make, and what is not of the message in its file.

use super::*;
use crate::archive::Eml;
use crate::mail::message::Timestamp;

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn open(place: &Place, name: &str) -> Eml {
    Eml::open(place.path(name), Some(place.cache())).unwrap()
}

fn everything() -> Fetch {
    let header = HeaderFetch::All;
    Fetch { structure: true, text: true, received_at: true, flags: true, header, ..raw() }
}

async fn all(store: &Eml, folder: &str) -> Vec<Message> {
    read(store, FolderScan { first: everything(), ..scan_of(folder, &Statement::default()) }).await.unwrap()
}

/// What is read of a file with this content.
async fn one(content: impl AsRef<[u8]>) -> Message {
    let place = Place::new();
    write(&place.path("x.eml"), content);
    let mut messages = all(&open(&place, "x.eml"), "x").await;
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

fn subject(message: &Message) -> Option<String> {
    Some(message.header.as_ref()?.text("subject")?.into_owned())
}

#[tokio::test]
async fn each_directory_with_eml_files_is_a_folder() {
    let place = Place::new();
    for name in
        ["a.eml", "b.EML", "Sent/1.eml", "Sent/2026/1.eml", "Sent/2026/notes.txt", "deep/er/1.eml", "mails/1.eml"]
    {
        write(&place.path("mails").join(name), "Subject: x\n\n");
    }
    for name in [".hidden/1.eml", "empty/x.txt", ".2.eml", "only/.eml"] {
        write(&place.path("mails").join(name), "Subject: x\n\n");
    }
    fs::create_dir_all(place.path("mails/directory.eml")).unwrap();
    let store = open(&place, "mails");
    // The directory itself is called as it is called; where one below it is called so, too, that has the name.
    assert_eq!(paths(&store).await, ["Sent", "Sent/2026", "deep/er", "mails", "mails~"].map(str::to_owned));
    assert_eq!(all(&store, "mails~").await.len(), 2);
    assert_eq!(paths(&open(&place, "mails/a.eml")).await, ["a"]);
    assert_eq!(paths(&open(&place, "mails/Sent")).await, ["2026", "Sent"]);
    assert_eq!(paths(&open(&place, "mails/Sent/2026/notes.txt")).await, ["notes.txt"], "what is named is taken");
}

#[tokio::test]
async fn links_are_followed_once() {
    let place = Place::new();
    write(&place.path("elsewhere/1.eml"), "Subject: far\n\n");
    write(&place.path("mails/1.eml"), "Subject: x\n\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(place.path("mails"), place.path("mails/loop")).unwrap();
        symlink(place.path("elsewhere"), place.path("mails/linked")).unwrap();
        symlink(place.path("elsewhere/1.eml"), place.path("mails/2.eml")).unwrap();
        symlink(place.path("nothing"), place.path("mails/3.eml")).unwrap();
        symlink("/dev/zero", place.path("mails/4.eml")).unwrap();
        let store = open(&place, "mails");
        assert_eq!(paths(&store).await, ["linked", "mails"]);
        assert_eq!(subjects(&all(&store, "mails").await), ["far", "x"]);
    }
}

#[tokio::test]
async fn uids_go_by_name_and_stay_with_their_messages() {
    let place = Place::new();
    for name in ["10", "2", "b", "a"] {
        write(&place.path(&format!("dir/{name}.eml")), format!("Subject: {name}\n\n"));
    }
    let told = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|message| format!("{} {}", message.uid.number(), subject(message).unwrap())).collect()
    };
    let store = open(&place, "dir");
    let before = all(&store, "dir").await;
    assert_eq!(told(&before), ["4 b", "3 a", "2 2", "1 10"]);
    fs::remove_file(place.path("dir/2.eml")).unwrap();
    write(&place.path("dir/1.eml"), "Subject: 1\n\n");
    write(&place.path("dir/a.eml"), "Subject: another\n\n");
    let wanted = ["6 another", "5 1", "4 b", "1 10"];
    assert_eq!(told(&all(&store, "dir").await), wanted, "what was written anew is another message");
    let again = all(&open(&place, "dir"), "dir").await;
    assert_eq!(told(&again), wanted, "the list is kept");
    assert_eq!(again[0].uid_validity, before[0].uid_validity);
    let listed = &folders(&store, &Statement::default()).await.unwrap()[0];
    assert_eq!((listed.messages, listed.uid_next, listed.unseen), (Some(4), Some(7), Some(4)));
    let size = again.iter().map(|message| message.size.unwrap()).sum();
    assert_eq!((listed.size, listed.uid_validity), (Some(size), Some(before[0].uid_validity)));
}

#[tokio::test]
async fn a_statement_sees_the_files_of_its_beginning() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        write(&place.path(&format!("dir/{name}.eml")), format!("Subject: {name}\n\n"));
    }
    let store = open(&place, "dir");
    let statement = Statement::default();
    let scan = || FolderScan { first: everything(), ..scan_of("dir", &statement) };
    assert_eq!(subjects(&read(&store, scan()).await.unwrap()), ["c", "b", "a"]);
    write(&place.path("dir/d.eml"), "Subject: d\n\n");
    fs::remove_file(place.path("dir/b.eml")).unwrap();
    assert_eq!(subjects(&read(&store, scan()).await.unwrap()), ["c", "a"]);
    write(&place.path("dir/a.eml"), "Subject: changed\n\n");
    let error = read(&store, scan()).await.unwrap_err();
    assert!(error.to_string().contains("a.eml changed while it was read"), "{error}");
    assert_eq!(subjects(&all(&store, "dir").await), ["d", "changed", "c"]);
}

#[tokio::test]
async fn what_is_not_of_the_message_is_left_out() {
    let mail = "Subject: gr\u{fc}n\nFrom: a@b\n\nfirst\n>From here\n";
    let crlf = mail.replace('\n', "\r\n");
    let from = "From a@b Sat Jan  3 01:02:03 2026\n";
    let utf_16 = |big: bool| -> Vec<u8> {
        let units = format!("\u{feff}{crlf}");
        units.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let of_mbox = "the file begins with the `From ` line of an mbox";
    let of_utf_16 = "the file is UTF-16, which no mail is; it is read as UTF-8";
    for (content, problems) in [
        (mail.as_bytes().to_vec(), &[][..]),
        (crlf.clone().into_bytes(), &[]),
        (format!("\u{feff}{mail}").into_bytes(), &[]),
        (format!("{from}{mail}").into_bytes(), &[of_mbox]),
        (format!("{}{crlf}", from.replace('\n', "\r\n")).into_bytes(), &[of_mbox]),
        (format!("\u{feff}From \n{mail}").into_bytes(), &[of_mbox]),
        (utf_16(false), &[of_utf_16]),
        (utf_16(true), &[of_utf_16]),
    ] {
        let message = one(&content).await;
        assert_eq!(subject(&message).as_deref(), Some("gr\u{fc}n"), "{content:?}");
        assert_eq!(message.raw.as_deref(), Some(crlf.as_bytes()), "{content:?}");
        assert_eq!(message.size, Some(crlf.len() as u64), "{content:?}");
        assert_eq!(message.problems, problems, "{content:?}");
        for first in [Fetch { size: true, ..Fetch::default() }, Fetch { size: true, ..header() }] {
            let place = Place::new();
            write(&place.path("x.eml"), &content);
            let scan = FolderScan { first, key: SearchKey::Larger(1), ..scan_of("x", &Statement::default()) };
            let counted = read(&open(&place, "x.eml"), scan).await.unwrap();
            assert_eq!(counted[0].size, Some(crlf.len() as u64), "{content:?}");
        }
    }
}

#[tokio::test]
async fn long_text_in_utf_16_is_read_to_its_end() {
    let mut body = String::new();
    for line in 0..20_000 {
        write!(body, "Zeile {line} \u{1f600}\r\n").unwrap();
    }
    let text = format!("\u{feff}Subject: x\r\n\r\n{body}");
    let message = one(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).await;
    assert_eq!(message.raw.unwrap(), text.strip_prefix('\u{feff}').unwrap());
}

#[tokio::test]
async fn whatever_is_in_a_file_it_is_a_row() {
    for content in [
        &b""[..],
        b"\n",
        b"From ",
        b"From \n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xff\xfe\x00",
        b"\xfe\xff\xd8\x00",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        b"%PDF-1.7\n1 0 obj",
        b"no header at all",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        &[0; 10_000],
    ] {
        let message = one(content).await;
        assert!(message.header.is_some() && message.raw.is_some() && message.size.is_some(), "{content:?}");
        assert_eq!((message.received_at, message.flags.map(|flags| flags.to_string())), (None, Some(String::new())));
    }
    let message = one(b"\xfd7zXZ\0").await;
    assert_eq!(message.problems, ["the file is compressed (xz)"]);
    assert!(message.header.is_none() && message.flags.is_some());
}

#[tokio::test]
async fn flags_and_times_are_those_of_the_header() {
    let at = |seconds: i64| Some(Timestamp(seconds * 1_000_000));
    let (date, received) =
        ("Date: Fri, 2 Jan 2026 00:00:00 +0000\n", "Received: by x; Sat, 3 Jan 2026 00:00:00 +0000\n");
    let older = "Received: by y;\n Thu, 1 Jan 2026 00:00:00 +0000\n";
    for (fields, flags, received_at) in [
        ("", "", None),
        (date, "", at(1_767_312_000)),
        (&format!("{received}{older}{date}"), "", at(1_767_398_400)),
        (&format!("Received: by x, and no date\n{date}"), "", at(1_767_312_000)),
        ("Date: never\n", "", None),
        ("Date: Mon, 1 Jan 1601 00:00:00 +0000\n", "", None),
        ("Date: Fri, 31 Dec 9999 23:59:59 +0000\n", "", None),
        ("Date: Tue, 31 Dec 2199 23:59:59 +0000\n", "", at(7_258_118_399)),
        ("X-Mozilla-Status: 0005\n", "\\Flagged \\Seen", None),
        ("Status: RO\nX-Status: A\nX-Keywords: work\n", "\\Answered \\Seen work", None),
    ] {
        let message = one(format!("Subject: x\n{fields}\ntext\n")).await;
        assert_eq!(message.flags.unwrap().to_string(), flags, "{fields}");
        assert_eq!(message.received_at, received_at, "{fields}");
    }
    let place = Place::new();
    write(&place.path("dir/a.eml"), "X-Mozilla-Status: 0001\n\n");
    write(&place.path("dir/b.eml"), "Subject: b\n\n");
    let store = open(&place, "dir");
    let seen = FolderScan { key: SearchKey::Flag(Flag::Seen), ..scan_of("dir", &Statement::default()) };
    assert_eq!(uids(&read(&store, seen).await.unwrap()), [1]);
    assert_eq!(folders(&store, &Statement::default()).await.unwrap()[0].unseen, Some(1));
}

#[tokio::test]
async fn what_holds_no_eml_file_is_an_error_that_says_what_to_do() {
    let place = Place::new();
    fs::create_dir_all(place.path("nothing")).unwrap();
    maildir::deliver(&place.path("maildir"), "cur/1.x:2,", "Subject: x\n\n", 1);
    write(&place.path("boxes/Sent.mbox"), "From a@b Sat Jan  3 01:02:03 2026\nSubject: x\n\n");
    for (name, said, hint) in [
        ("nothing", "no .eml file in ", "ends in .eml"),
        ("maildir", "no .eml file in ", "maildir = "),
        ("boxes", "no .eml file in ", "mbox = "),
        ("boxes/Sent.mbox", "is no .eml file", "mbox = "),
        ("missing", "cannot open ", "check the path"),
    ] {
        let store = open(&place, name);
        let error = folders(&store, &Statement::default()).await.unwrap_err();
        assert!(error.to_string().contains(said), "{name}: {error}");
        assert!(error.way_out().is_some_and(|way_out| way_out.contains(hint)), "{name}: {error:?}");
    }
    assert!(Eml::open(PathBuf::new(), None).is_err());
}
