//! Flags, labels and identifiers that programs write into the headers of an mbox.
//!
//! Pure: Status and X-Status (Unix mailers), X-Mozilla-Status, and the fields of a Takeout archive.
//! Read by [`super::scan`] for the index, by [`super::entry`] for the rest.

use super::gmail_labels;
use crate::archive::entry::Marks;
use crate::mail::{Flag, Flags, Header};

/// What a line of a header is to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// Nothing.
    None,
    /// It tells the state of the message, or when it was received.
    State,
    /// It is a field of the author.
    Author,
    /// It is the Date field, which is the author's, too.
    Date,
    /// It tells how long the body is.
    ContentLength,
}

/// What the first line of a field is to the index; looks at few names, as it is asked of every line.
pub(super) fn interest(line: &[u8]) -> Interest {
    let is = |name: &[u8]| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    match line.first().map(u8::to_ascii_lowercase) {
        Some(b's') if is(b"status:") => Interest::State,
        Some(b's') if is(b"subject:") => Interest::Author,
        Some(b'x')
            if [&b"x-status:"[..], b"x-keywords:", b"x-mozilla-status:", b"x-gmail-labels:"]
                .iter()
                .any(|name| is(name)) =>
        {
            Interest::State
        }
        Some(b'r') if is(b"received:") => Interest::State,
        Some(b'f') if is(b"from:") => Interest::Author,
        Some(b'd') if is(b"date:") => Interest::Date,
        Some(b'c') if is(b"content-length:") => Interest::ContentLength,
        _ => Interest::None,
    }
}

/// Flags and keywords.
pub(in crate::archive) fn flags(header: &Header) -> Flags {
    let mut flags = Flags::default();
    let mut letters = header.text("status").unwrap_or_default().into_owned();
    letters.push_str(&header.text("x-status").unwrap_or_default());
    for letter in letters.chars() {
        match letter {
            'R' => flags.set(Flag::Seen),
            'A' => flags.set(Flag::Answered),
            'F' => flags.set(Flag::Flagged),
            'D' => flags.set(Flag::Deleted),
            'T' => flags.set(Flag::Draft),
            _ => {}
        }
    }
    let mozilla = header.text("x-mozilla-status").unwrap_or_default();
    let bits = u16::from_str_radix(mozilla.trim(), 16).unwrap_or_default();
    for (bit, flag) in [(1, Flag::Seen), (2, Flag::Answered), (4, Flag::Flagged), (8, Flag::Deleted)] {
        if bits & bit != 0 {
            flags.set(flag);
        }
    }
    for keyword in header.text("x-keywords").unwrap_or_default().split([' ', ',']) {
        flags.set_name(keyword);
    }
    if let Some(labels) = labels(header) {
        set_told(&mut flags, &labels);
    }
    flags
}

/// Sets the flags that labels tell; those that they do not tell are unknown.
fn set_told(flags: &mut Flags, labels: &[String]) {
    let told = gmail_labels::told(labels);
    for (flag, is_set) in [(Flag::Seen, told.seen), (Flag::Flagged, told.starred), (Flag::Draft, told.draft)] {
        match is_set {
            Some(true) => flags.set(flag),
            Some(false) => {}
            None => flags.set_unknown(flag),
        }
    }
}

/// Whether there are keywords beside the flags.
pub(super) fn has_keywords(header: &Header) -> bool {
    header.text("x-keywords").is_some_and(|keywords| !keywords.trim().is_empty())
}

/// Whether a program keeps the state of the message in its header, and may change it there.
pub(super) fn is_kept_in_place(header: &Header) -> bool {
    ["status", "x-status", "x-mozilla-status", "x-keywords"].iter().any(|name| header.text(name).is_some())
}

/// Labels and identifiers of a Takeout archive.
pub(in crate::archive) fn marks(header: &Header) -> Marks {
    let number = |name| header.text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Marks { labels: labels(header), thread_id: number("x-gm-thrid"), email_id: number("x-gm-msgid") }
}

fn labels(header: &Header) -> Option<Vec<String>> {
    let text = header.text("x-gmail-labels")?;
    let mut labels = Vec::new();
    let (mut label, mut is_quoted) = (String::new(), false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => label.extend(letters.next()),
            ',' if !is_quoted => labels.push(std::mem::take(&mut label)),
            letter => label.push(letter),
        }
    }
    labels.push(label);
    Some(labels.into_iter().map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn header(text: &'static str) -> Header {
        Header::parse(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn each_program_s_flags_are_understood() {
        for (text, wanted) in [
            ("Status: RO\r\nX-Status: AF\r\n", "\\Answered \\Flagged \\Seen"),
            ("Status: O\r\n", ""),
            ("X-Status: DT\r\nX-Keywords: work  $Junk\r\n", "\\Deleted \\Draft $Junk work"),
            ("X-Mozilla-Status: 0007\r\n", "\\Answered \\Flagged \\Seen"),
            ("X-Gmail-Labels: Inbox,Starred,Unread\r\n", "\\Flagged"),
            ("X-Gmail-Labels: Drafts\r\n", "\\Seen \\Draft"),
            ("Subject: none\r\n", ""),
        ] {
            assert_eq!(flags(&header(text)).to_string(), wanted, "{text}");
        }
    }

    #[test]
    fn labels_are_decoded_before_they_are_taken_apart() {
        let labels = |text| marks(&header(text)).labels;
        let wanted = ["Inbox", "Bücher", "a, b"].map(str::to_owned).to_vec();
        assert_eq!(labels("X-Gmail-Labels: =?UTF-8?Q?Inbox,B=C3=BCcher,=22a,_b=22?=\r\n"), Some(wanted.clone()));
        assert_eq!(labels("X-Gmail-Labels: Inbox,B\u{fc}cher,\r\n \"a, b\"\r\n"), Some(wanted));
        assert_eq!(labels("Subject: x\r\n"), None);
        assert_eq!(labels("X-Gmail-Labels:\r\n"), Some(Vec::new()));
    }
}
