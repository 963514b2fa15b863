//! Files that a server compressed: read as the message that is in them, within the limits of any message.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::archive::entry::MOST_MESSAGE;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn write(root: &Path, name: &str, content: &[u8]) {
    maildir::deliver(root, name, "", 1);
    fs::write(root.join(name), content).unwrap();
    set_time(&root.join(name), 1_700_000_000);
}

/// A Maildir of one message, and what is read of it.
async fn one(content: &[u8], name: &str, first: &Fetch) -> Message {
    let place = Place::new();
    write(&place.path("dir"), name, content);
    let store = Maildir::open(place.path("dir"), None).unwrap();
    let scan = FolderScan { first: first.clone(), ..scan_of("INBOX", &Statement::default()) };
    let mut messages = read(&store, scan).await.unwrap();
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

fn everything() -> Fetch {
    let header = HeaderFetch::All;
    Fetch {
        structure: true,
        preview: true,
        text: true,
        attachments: true,
        received_at: true,
        flags: true,
        header,
        ..raw()
    }
}

fn mail(lines: usize) -> Vec<u8> {
    let head =
        "Subject: x\nFrom: a@b\nDate: Sat, 3 Jan 2026 01:02:03 +0000\nContent-Type: multipart/mixed; boundary=b\n\n";
    let attached = "--b\nContent-Type: application/pdf; name=x.pdf\n\n%PDF\n--b--\n";
    let mut body = String::new();
    for line in 0..lines {
        write!(body, "line {line} {:x}\r\n", line.wrapping_mul(0x9e37_79b9)).unwrap();
    }
    format!("{head}--b\n\n{body}{attached}").into_bytes()
}

#[tokio::test]
async fn a_compressed_message_is_what_it_is_uncompressed() {
    for lines in [0, 3, 600, 40_000] {
        let mail = mail(lines);
        let (first, second) = mail.split_at(mail.len() / 2);
        let crlf = super::super::crlf::with_crlf(mail.clone()).len() as u64;
        for content in [
            gzip(&mail),
            zstd(&mail),
            // Members and frames that follow each other are one content.
            [gzip(first), gzip(second)].concat(),
            [zstd(first), zstd(second)].concat(),
        ] {
            for fetch in [
                everything(),
                header(),
                raw(),
                Fetch { size: true, ..header() },
                Fetch { preview: true, ..Fetch::default() },
                Fetch { size: true, ..Fetch::default() },
            ] {
                let plain = one(&mail, "cur/1.x:2,S", &fetch).await;
                let read = one(&content, "cur/1.x:2,S", &fetch).await;
                let told = |mut message: Message| {
                    message.uid_validity = crate::mail::UidValidity(1);
                    format!("{message:?}")
                };
                assert_eq!(told(read.clone()), told(plain), "{lines}, {fetch:?}");
                assert!(read.problems.is_empty() && read.size.is_none_or(|size| size == crlf), "{:?}", read.problems);
            }
            let named = one(&content, "cur/1.x,S=5,W=7:2,", &raw()).await;
            assert_eq!((named.size, named.raw.unwrap().len() as u64), (Some(7), crlf), "the name tells the size");
        }
    }
}

#[tokio::test]
async fn the_size_is_counted_before_the_rest_is_read() {
    let place = Place::new();
    for (number, lines) in [10, 1000, 2000].into_iter().enumerate() {
        write(&place.path("dir"), &format!("cur/{number}.x:2,"), &gzip(&mail(lines)));
    }
    let store = Maildir::open(place.path("dir"), None).unwrap();
    let larger = scan_of("INBOX", &Statement::default());
    let larger = FolderScan { key: SearchKey::Larger(10_000), first: everything(), ..larger };
    let messages = read(&store, larger).await.unwrap();
    let sizes = [2000, 1000].map(|lines| Some(one_size(&mail(lines))));
    assert_eq!(subjects(&messages), ["x", "x"]);
    assert!(messages.iter().map(|message| message.size).eq(sizes));
    assert!(messages.iter().map(|message| message.raw.as_ref().map(|raw| raw.len() as u64)).eq(sizes));
    let size: u64 = [10, 1000, 2000].into_iter().map(|lines| one_size(&mail(lines))).sum();
    assert_eq!(folders(&store, &Statement::default()).await.unwrap()[0].size, Some(size));
}

fn one_size(mail: &[u8]) -> u64 {
    super::super::crlf::with_crlf(mail.to_vec()).len() as u64
}

#[tokio::test]
async fn a_header_alone_inflates_no_more_than_itself() {
    let mail = [&b"Subject: x\n\n"[..], &noise(4 << 20)].concat();
    for content in [gzip(&mail), zstd(&mail)] {
        let place = Place::new();
        write(&place.path("dir"), "cur/1.x:2,", &content);
        let store = Maildir::open(place.path("dir"), None).unwrap();
        let scan = FolderScan { first: header(), ..scan_of("INBOX", &Statement::default()) };
        let meter = Arc::clone(&scan.meter);
        assert_eq!(subjects(&read(&store, scan).await.unwrap()), ["x"]);
        // A frame of zstd has blocks of 128 KiB.
        assert!(meter.bytes.count() < 300_000, "{} of {}", meter.bytes.count(), content.len());
    }
}

/// What does not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[1]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn what_is_not_read_is_named_and_nothing_is_guessed() {
    for (content, said) in [
        (&b"\xfd7zXZ\0\0\x04\xe6\xd6"[..], "the file is compressed (xz)"),
        (b"BZh91AY&SY\0\0", "the file is compressed (bzip2)"),
        (b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0", "the file is compressed (bzip2)"),
        (b"\x04\x22\x4d\x18\x64\x40", "the file is compressed (lz4)"),
        (b"Dovecot-LZ4\x0d\x2a\x9b\xc5\0\0", "the file is compressed (lz4)"),
        (b"\x5d\0\0\x80\0", "the file is compressed (lzma)"),
        (b"LZIP\x01\x0c", "the file is compressed (lzip)"),
        (b"\x1f\x9d\x90", "the file is compressed (compress)"),
        (b"\xff\x06\0\0sNaPpY", "the file is compressed (snappy)"),
        (b"PK\x03\x04\x14", "the file is an archive (zip)"),
        (b"7z\xbc\xaf\x27\x1c\0", "the file is an archive (7z)"),
        (b"CRYPTED\x03\x07\x02", "the file is encrypted (mail_crypt of Dovecot)"),
    ] {
        let message = one(content, "cur/1.x:2,S", &everything()).await;
        assert_eq!(message.problems, [said]);
        assert!(message.header.is_none() && message.structure.is_none() && message.raw.is_none(), "{said}");
        assert!(message.size.is_none() && message.beginnings.is_empty() && message.contents.is_empty(), "{said}");
        assert!(
            message.received_at.is_some() && message.flags.is_some_and(|flags| flags.has(Flag::Seen) == Some(true)),
            "{said}"
        );
        assert_eq!(one(content, "cur/1.x,W=70:2,", &everything()).await.size, Some(70), "{said}");
        assert_eq!(one(content, "cur/1.x:2,", &header()).await.problems, [said]);
    }
    for mail in ["BZh9: a field\n\n", "Dovecot-LZ4: a field\n\n", "CRYPTED: a field\n\n", "PK: a field\n\n"] {
        let message = one(mail.as_bytes(), "cur/1.x:2,", &everything()).await;
        assert!(message.problems.is_empty() && message.header.is_some(), "{mail}");
    }
}

/// A size that is not known is neither larger nor smaller than any, and a folder with one has no size.
#[tokio::test]
async fn what_has_no_size_is_no_error() {
    let place = Place::new();
    write(&place.path("dir"), "cur/1.x:2,", b"\xfd7zXZ\0");
    let store = Maildir::open(place.path("dir"), None).unwrap();
    let found = async |key| {
        let scan = FolderScan { key, first: raw(), ..scan_of("INBOX", &Statement::default()) };
        read(&store, scan).await.unwrap().len()
    };
    assert_eq!((found(SearchKey::Larger(0)).await, found(SearchKey::Smaller(1 << 40)).await), (0, 0));
    // As in SQL: what is not known is not false, either.
    assert_eq!(found(!SearchKey::Larger(0)).await, 0);
    assert_eq!(found(SearchKey::NotTrue(Box::new(SearchKey::Larger(0)))).await, 1);
    assert_eq!(folders(&store, &Statement::default()).await.unwrap()[0].size, None);
}

#[tokio::test]
async fn of_a_damaged_file_is_read_what_can_be() {
    let mail = [&b"Subject: x\n\n"[..], &noise(1 << 20)].concat();
    for (content, name) in [(gzip(&mail), "gzip"), (zstd(&mail), "zstd")] {
        let said = format!("the compressed file ({name}) is damaged or ends early");
        let mut turned = content.clone();
        let middle = content.len() / 2;
        turned[middle..middle + 64].fill(0xaa);
        let cut = &content[..middle];
        for damaged in [cut, &turned, &[&content[..], b"rubbish after it"].concat()] {
            let message = one(damaged, "cur/1.x:2,", &everything()).await;
            assert_eq!(message.problems, [said.as_str()]);
            assert_eq!(message.header.unwrap().text("subject").as_deref(), Some("x"));
            assert_eq!(message.size, None, "{name}");
            let size = one(damaged, "cur/1.x:2,", &Fetch { size: true, ..Fetch::default() }).await.size;
            assert_eq!(size, None, "{name}");
        }
        let message = one(cut, "cur/1.x:2,", &raw()).await;
        let raw = message.raw.unwrap();
        assert!(raw.len() > 100_000 && raw.starts_with(b"Subject: x\r\n\r\n"), "{name}");
        let magic = one(&content[..4], "cur/1.x:2,", &everything()).await;
        assert_eq!(magic.problems, [said.as_str()]);
    }
}

/// What inflates to more than a message may be is as one that is too large: its header is read, and its content is not.
#[tokio::test]
async fn a_bomb_is_a_message_that_is_too_large() {
    let mut bomb = Vec::new();
    let mut encoder = zstd::Encoder::new(&mut bomb, 1).unwrap();
    encoder.write_all(format!("Subject: x\nX-Long: {}\n\n", "y".repeat(20_000)).as_bytes()).unwrap();
    io::copy(&mut io::Read::take(io::repeat(b'x'), MOST_MESSAGE + 1), &mut encoder).unwrap();
    encoder.finish().unwrap();
    assert!(bomb.len() < 100_000);
    for (name, size) in [("cur/1.x:2,", None), ("cur/1.x,W=7:2,", Some(7))] {
        let message = one(&bomb, name, &everything()).await;
        assert_eq!(message.problems, ["not loaded: larger than 256 MiB"]);
        assert_eq!((message.size, message.raw.is_none(), message.structure.is_none()), (size, true, true));
        let header = message.header.unwrap();
        assert_eq!((header.text("subject").as_deref(), header.text("x-long").unwrap().len()), (Some("x"), 20_000));
    }
    // The size is counted first, and what was read for it is not kept.
    let place = Place::new();
    write(&place.path("dir"), "cur/1.x:2,", &bomb);
    let store = Maildir::open(place.path("dir"), None).unwrap();
    let key = SearchKey::NotTrue(Box::new(SearchKey::Larger(1)));
    let scan = FolderScan { key, first: header(), ..scan_of("INBOX", &Statement::default()) };
    let messages = read(&store, scan).await.unwrap();
    assert_eq!(messages[0].header.as_ref().unwrap().text("x-long").unwrap().len(), 20_000);
}

#[tokio::test]
async fn a_chunk_holds_what_files_inflate_to_and_not_what_they_take_on_the_disk() {
    let place = Place::new();
    let body = "x".repeat(1 << 20);
    for number in 0..40 {
        write(
            &place.path("dir"),
            &format!("cur/{number:02}.x:2,"),
            &zstd(format!("Subject: {number}\n\n{body}").as_bytes()),
        );
    }
    let store = Maildir::open(place.path("dir"), None).unwrap();
    let statement = Statement::default();
    let first = FolderScan { first: Fetch { raw: true, ..header() }, ..scan_of("INBOX", &statement) };
    let then = FolderScan {
        then: Some((Fetch { raw: true, ..header() }, Arc::new(EveryNth { n: 1, ..EveryNth::default() }))),
        ..scan_of("INBOX", &statement)
    };
    for scan in [first, then] {
        let chunks: Vec<Vec<Message>> = store.read(scan).try_collect().await.unwrap();
        assert!(chunks.iter().all(|chunk| (1..=9).contains(&chunk.len())), "{:?}", chunks.iter().map(Vec::len));
        let all = chunks.concat();
        assert_eq!(uids(&all), (1..=40).rev().collect::<Vec<_>>());
        assert!(all.iter().all(|message| message.raw.as_ref().is_some_and(|raw| raw.len() > 1 << 20)));
    }
}

/// An mbox is not inflated: it would be, for each message that is read from it.
#[tokio::test]
async fn a_compressed_mbox_is_an_error_that_says_so() {
    let place = Place::new();
    let mbox = b"From a@b Sat Jan  3 01:02:03 2026\nSubject: x\n\nx\n";
    let bzip2: &[u8] = b"BZh91AY&SY\0\0";
    for content in [&gzip(mbox)[..], &zstd(mbox), bzip2, b"\xfd7zXZ\0", b"PK\x03\x04"] {
        fs::write(place.path("x.mbox"), content).unwrap();
        let error = folders(&Mbox::open(place.path("x.mbox"), None).unwrap(), &Statement::default()).await.unwrap_err();
        assert!(error.to_string().ends_with("is no mbox file"), "{error}");
        assert_eq!(error.way_out(), Some("the file is compressed; unpack it first"), "{content:?}");
    }
}
