//! What an IMAP server says: tokens, responses, rows, structures.

use std::collections::BTreeSet;

use bytes::Bytes;
use mailql::imap::body_structure;
use mailql::imap::response::Response;
use mailql::imap::row::{Content, Row};
use mailql::imap::token::{After, Cursor, Frame};
use mailql::mail::part::MAX_PARTS;
use mailql::mail::{Part, UidSet};

use super::told;

pub fn check(data: &[u8]) {
    let Some((&first, octets)) = data.split_first() else { return };
    let octets = Bytes::copy_from_slice(octets);
    tokens(&octets);
    let frame = Frame { oversized: first == b'!', ..Frame::new(octets.clone()) };
    let response = Response::parse(&frame);
    assert_eq!(response, Response::parse(&frame), "the same octets say the same");
    match response {
        Err(broken) => assert!(broken.0.is_ascii() && !broken.0.is_empty()),
        Ok(Response::Fetch(row)) => self::row(&row, &frame),
        Ok(Response::Capability(words)) => assert!(words.iter().map(String::len).sum::<usize>() <= 3 * octets.len()),
        Ok(Response::List(listed) | Response::Lsub(listed)) => {
            assert!(listed.wire.len() <= octets.len() && listed.path.len() <= 3 * octets.len());
            assert!(listed.attributes.len() <= octets.len());
        }
        Ok(Response::FolderStatus(status)) => assert!(status.wire.len() <= octets.len()),
        Ok(Response::Search(uids)) => assert!(uids.len() <= octets.len()),
        Ok(Response::ESearch(found)) => found.all.iter().for_each(set),
        Ok(Response::Vanished { uids, .. }) => set(&uids),
        Ok(Response::Id(pairs)) => assert!(pairs.len() <= octets.len()),
        Ok(Response::Other(line)) => assert!(octets.starts_with(&line)),
        Ok(Response::Continue(text)) => assert!(text.len() <= 3 * octets.len()),
        Ok(Response::Tagged { tag, status }) => assert!(tag.len() + status.text.len() <= 3 * octets.len()),
        Ok(Response::Status(status)) => assert!(status.text.len() <= 3 * octets.len()),
        Ok(Response::Exists(_) | Response::Expunge(_)) => {}
    }
}

/// Every step leads on, whatever is asked for, and nothing is larger than what it was read from.
fn tokens(octets: &Bytes) {
    for after in [After::Token, After::Value, After::Name] {
        let mut cursor = Cursor::new(octets);
        let mut left = cursor.rest().len() + 1;
        while cursor.peek().is_some() && cursor.rest().len() < left {
            left = cursor.rest().len();
            let ahead = cursor;
            let mut own = ahead;
            if own.skip(after).is_ok() {
                assert!(own.rest().len() < left || own.peek() == Some(b')'), "a value is passed over");
            }
            own = ahead;
            if let Ok(Some(string)) = own.string(after) {
                assert!(string.len() <= left);
            }
            own = ahead;
            let _ = own.number();
            own = ahead;
            if let Ok(name) = own.folder_name() {
                assert!(name.len() <= left);
            }
            own = ahead;
            if let Ok(told) = body_structure::parse(&mut own) {
                structure(&told.root, octets.len());
            }
            own = ahead;
            match own.item_name() {
                Ok(name) if !name.is_empty() => cursor = own,
                _ if matches!(cursor.open(), Ok(true)) || cursor.close() => {}
                _ => cursor.advance(1),
            }
        }
    }
}

fn row(row: &Row, frame: &Frame) {
    let length = frame.octets.len();
    let contents = [&row.header, &row.raw].into_iter().filter_map(Content::octets).map(Bytes::len);
    let sections = row.sections.iter().filter_map(|section| section.octets.as_ref()).map(Bytes::len);
    assert!(contents.chain(sections).sum::<usize>() <= length, "no octet is in two contents");
    assert!(row.labels.iter().flatten().map(String::len).sum::<usize>() <= 3 * length);
    assert_eq!(row.oversized, frame.oversized);
    if let Some(Ok(told)) = &row.structure {
        structure(&told.root, length);
    }
    if row.broken.is_some() {
        return;
    }
    // Told again as a good server tells it, it says the same.
    let told = Frame { oversized: row.oversized, ..Frame::new(told::row(row)) };
    let Ok(Response::Fetch(again)) = Response::parse(&told) else { panic!("{} is no row", told.octets.escape_ascii()) };
    let without = |row: &Row| Row { structure: None, received_at: None, flags: None, tells_more: false, ..row.clone() };
    assert_eq!(without(&again), without(row), "{}", told.octets.escape_ascii());
    // A keyword with a blank in it was told as two.
    let words = |row: &Row| -> BTreeSet<String> {
        let flags = row.flags.as_ref().map(ToString::to_string).unwrap_or_default();
        let words = flags.split(' ').filter(|word| !word.eq_ignore_ascii_case("\\Recent") && !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    assert_eq!(words(&again), words(row));
}

fn structure(part: &Part, length: usize) {
    let (mut parts, mut texts, mut depth) = (0, 0, 0);
    measure(part, 1, &mut |part, at| {
        parts += 1;
        depth = depth.max(at);
        texts += part.media_type.len() + part.encoding.len();
        texts += [&part.name, &part.content_id].into_iter().flatten().map(String::len).sum::<usize>();
        assert!(part.name.as_deref().is_none_or(|name| !name.trim().is_empty()));
        assert_eq!(part.media_type, part.media_type.to_lowercase());
    });
    assert!(parts <= MAX_PARTS && parts <= length && depth <= 65, "{parts} parts, {depth} deep");
    // A type that is left out is longer than nothing.
    assert!(texts <= 6 * length + 100 * parts, "{texts} of {length}");
    if told::is_tellable(part) {
        let told = Bytes::from(told::structure(part));
        let again = body_structure::parse(&mut Cursor::new(&told));
        if let Ok(again) = again {
            assert_eq!(&again.root, part, "{}", told.escape_ascii());
        }
    }
}

pub fn measure(part: &Part, depth: usize, each: &mut impl FnMut(&Part, usize)) {
    each(part, depth);
    part.parts.iter().for_each(|part| measure(part, depth + 1, each));
}

fn set(uids: &UidSet) {
    assert_eq!(UidSet::parse(&uids.to_string()).as_ref(), Some(uids));
    assert!(uids.count() > 0 && uids.ranges().windows(2).all(|pair| pair[0].1 < pair[1].0));
    if let Some(others) = uids.complement() {
        assert_eq!(others.intersection(uids), None);
        assert_eq!(others.count() + uids.count(), u64::from(u32::MAX));
        assert_eq!(others.complement().as_ref(), Some(uids));
    }
}
