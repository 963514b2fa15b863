//! Whole mails: their tree of parts, and what is text and what is attached.

use std::collections::BTreeSet;

use bytes::Bytes;
use mailql::imap::body_structure;
use mailql::imap::token::Cursor;
use mailql::mail::body::{self, Layout};
use mailql::mail::content;
use mailql::mail::part::MAX_PARTS;
use mailql::mail::structure;
use mailql::mail::{Fetch, Message, Part, PartNumber, Uid, UidValidity, transfer};

use super::imap::measure;
use super::told;

pub fn check(data: &[u8]) {
    let raw = Bytes::copy_from_slice(data);
    let found = structure::scan(&raw);
    let mut numbers = BTreeSet::new();
    let (mut parts, mut octets, mut deepest) = (0, 0, 0);
    measure(&found.root, 1, &mut |part, depth| {
        parts += 1;
        deepest = deepest.max(depth);
        assert!(part.number.as_ref().is_none_or(|number| numbers.insert(number.clone())), "each number is once");
        if part.parts.is_empty() && !part.media_type.starts_with("multipart/") {
            let number = part.number.as_ref().expect("what has content has a number");
            let content = found.content(number).expect("and there it is");
            assert_eq!(content.len() as u64, part.encoded_size);
            octets += content.len();
            let (decoded, _) = transfer::decode(&content, &part.encoding);
            // A line of uuencoded text says how long it is, and may have lost its blanks.
            assert!(decoded.len() <= 64 * content.len() + 64, "{} of {}", decoded.len(), content.len());
        }
    });
    assert!(octets <= data.len(), "no octet is in two parts");
    assert!(parts <= 2 * MAX_PARTS && deepest <= 102, "{parts} parts, {deepest} deep");
    told(&found.root);
    read(&raw, &found.root);
}

/// A server that tells the same tree is understood in the same way, where it is believed at all.
fn told(root: &Part) {
    if told::is_tellable(root) {
        let told = Bytes::from(told::structure(root));
        if let Ok(again) = body_structure::parse(&mut Cursor::new(&told)) {
            assert_eq!(&again.root, root, "{}", told.escape_ascii());
        }
    }
}

fn read(raw: &Bytes, root: &Part) {
    let mut message = Message::new(Uid::MIN, UidValidity(1));
    let all = Fetch { structure: true, preview: true, text: true, attachments: true, raw: true, ..Fetch::default() };
    content::fill(&mut message, &all, raw);
    assert_eq!((message.structure.as_ref(), message.raw.as_ref()), (Some(root), Some(raw)));
    let layout = Layout::of(root);
    for parts in [&layout.text, &layout.html] {
        let numbers: BTreeSet<Option<&PartNumber>> = parts.iter().map(|part| part.number.as_ref()).collect();
        assert_eq!(numbers.len(), parts.len(), "no part is shown twice");
    }
    let shown = layout.text.iter().chain(&layout.html).filter_map(|part| message.contents.get(part.number.as_ref()?));
    let shown: usize = shown.map(Bytes::len).sum();
    for text in [body::text(&message), body::html(&message)].into_iter().flatten() {
        assert!(
            text.len() <= 3 * 64 * shown + 256 * (layout.text.len() + layout.html.len()),
            "{} of {shown}",
            text.len()
        );
    }
    let preview = body::preview(&message).unwrap_or_default();
    assert!(preview.chars().count() <= 200 && !preview.contains(['\n', '\r', '\t']), "{preview:?}");
    let mut names = 0;
    for attachment in &layout.attachments {
        assert!(!attachment.name().is_empty());
        names += attachment.name().len();
        let content = attachment.content(&message).expect("all contents were asked for");
        if attachment.part.encoding == "7bit" {
            assert_eq!(content.len() as u64, attachment.part.encoded_size);
        }
        drop(attachment.text(&message));
    }
    assert!(names <= 6 * raw.len() + 100 * layout.attachments.len());
    let problems = [body::structure_problems(root), body::content_problems(&message)].concat();
    assert!(
        problems.iter().map(String::len).sum::<usize>()
            <= 6 * raw.len() + 200 * (layout.text.len() + 2) + 100 * MAX_PARTS
    );
}
