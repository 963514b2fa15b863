//! How a good server tells what is known here: a tree of parts as BODYSTRUCTURE, a row as FETCH (RFC 9051 §7.5.2).
//!
//! Every string is a literal, so that nothing depends on what is in it.

use mailql::imap::row::{Content, Row};
use mailql::mail::Part;
use mailql::mail::message::StoreId;

/// A tree of parts; each multipart has a boundary of its own.
pub fn structure(part: &Part) -> Vec<u8> {
    let mut told = Vec::new();
    put_part(&mut told, part, &mut 0);
    told
}

/// Whether a part and all below it can be told so that nothing is lost: words in a name are decoded once more.
pub fn is_tellable(part: &Part) -> bool {
    let texts = [part.name.as_deref(), part.content_id.as_deref(), part.start.as_deref()];
    let has_words = texts.iter().flatten().any(|text| text.contains("=?"));
    // Parameters that are texts by themselves, and names that a parameter may have.
    let is_plain = |text: &str| text.trim() == text;
    let texts = [part.name.as_deref(), part.charset.as_deref(), part.start.as_deref()];
    // Half a type is told as none.
    let halves = part.media_type.split_once('/');
    let is_whole = halves.is_some_and(|(main, subtype)| !main.trim().is_empty() && !subtype.trim().is_empty());
    // A name in octets that nothing explains is read from the header of its part.
    !has_words
        && is_whole
        && part.raw_name.is_none()
        && texts.into_iter().flatten().all(is_plain)
        && part.parts.iter().all(is_tellable)
}

fn put_part(told: &mut Vec<u8>, part: &Part, boundaries: &mut usize) {
    told.push(b'(');
    let (main, subtype) = part.media_type.split_once('/').unwrap_or((&part.media_type, ""));
    let parameters = |told: &mut Vec<u8>, boundary: Option<String>| {
        let pairs =
            [("charset", part.charset.as_deref()), ("boundary", boundary.as_deref()), ("start", part.start.as_deref())];
        put_parameters(told, &pairs);
    };
    if part.parts.is_empty() {
        strings(told, &[Some(main), Some(subtype)]);
    } else {
        for part in &part.parts {
            put_part(told, part, boundaries);
        }
        strings(told, &[Some(subtype)]);
    }
    if main == "multipart" {
        *boundaries += 1;
        parameters(told, Some(format!("b{boundaries}")));
    } else {
        parameters(told, None);
        strings(told, &[part.content_id.as_deref(), None, Some(&part.encoding)]);
        told.extend(format!("{} ", part.encoded_size).bytes());
        match main {
            "text" => told.extend(b"1 "),
            "message" if subtype == "rfc822" => {
                told.extend(b"(NIL NIL) (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) 1 ")
            }
            _ => {}
        }
        told.extend(b"NIL ");
    }
    match &part.disposition {
        None if part.name.is_none() => told.extend(b"NIL "),
        disposition => {
            told.push(b'(');
            strings(told, &[Some(disposition.as_deref().unwrap_or_default())]);
            put_parameters(told, &[("filename", part.name.as_deref())]);
            told.push(b')');
        }
    }
    told.extend(b"NIL NIL)");
}

/// A row that can be understood to its end.
pub fn row(row: &Row) -> Vec<u8> {
    let mut told = format!("* {} FETCH (", row.sequence).into_bytes();
    let mut word = |text: String| {
        told.extend(text.bytes());
        told.push(b' ');
    };
    row.uid.into_iter().for_each(|uid| word(format!("UID {uid}")));
    row.size.into_iter().for_each(|size| word(format!("RFC822.SIZE {size}")));
    row.mod_seq.into_iter().for_each(|number| word(format!("MODSEQ ({number})")));
    if let Some(flags) = &row.flags {
        told.extend(b"FLAGS (");
        flags.to_string().split(' ').for_each(|name| strings(&mut told, &[Some(name)]));
        told.extend(b") ");
    }
    if let Some(labels) = &row.labels {
        told.extend(b"X-GM-LABELS (");
        labels.iter().for_each(|label| strings(&mut told, &[Some(&mailql::mail::mutf7::encode(label))]));
        told.extend(b") ");
    }
    for (name, id) in [("THREADID", &row.thread_id), ("EMAILID", &row.email_id)] {
        match id {
            None => {}
            Some(StoreId::Absent) => told.extend(format!("{name} NIL ").bytes()),
            Some(StoreId::Given(id)) => {
                told.extend(format!("{name} (").bytes());
                strings(&mut told, &[Some(id)]);
                told.extend(b") ");
            }
        }
    }
    let origin = |origin: Option<u32>| origin.map(|origin| format!("<{origin}>")).unwrap_or_default();
    for (name, content) in
        [("BODY[HEADER]".to_owned(), &row.header), (format!("BODY[]{}", origin(row.raw_origin)), &row.raw)]
    {
        match content {
            Content::Absent => {}
            Content::Nil => told.extend(format!("{name} NIL ").bytes()),
            Content::Octets(octets) => put_octets(&mut told, &name, octets),
        }
    }
    for section in &row.sections {
        let name = format!("BODY[{}]{}", section.number, origin(section.origin));
        match &section.octets {
            None => told.extend(format!("{name} NIL ").bytes()),
            Some(octets) => put_octets(&mut told, &name, octets),
        }
    }
    for (number, header) in &row.part_headers {
        match header {
            None => told.extend(format!("BODY[{number}.MIME] NIL ").bytes()),
            Some(octets) => put_octets(&mut told, &format!("BODY[{number}.MIME]"), octets),
        }
    }
    told.extend(b")\r\n");
    told
}

fn put_octets(told: &mut Vec<u8>, name: &str, octets: &[u8]) {
    told.extend(format!("{name} {{{}}}\r\n", octets.len()).bytes());
    told.extend_from_slice(octets);
    told.push(b' ');
}

fn put_parameters(told: &mut Vec<u8>, pairs: &[(&str, Option<&str>)]) {
    if pairs.iter().all(|(_, value)| value.is_none()) {
        told.extend(b"NIL ");
        return;
    }
    told.push(b'(');
    for (name, value) in pairs {
        if value.is_some() {
            strings(told, &[Some(name), *value]);
        }
    }
    told.extend(b") ");
}

fn strings(told: &mut Vec<u8>, texts: &[Option<&str>]) {
    for text in texts {
        match text {
            None => told.extend(b"NIL "),
            Some(text) => {
                told.extend(format!("{{{}}}\r\n", text.len()).bytes());
                told.extend_from_slice(text.as_bytes());
                told.push(b' ');
            }
        }
    }
}
