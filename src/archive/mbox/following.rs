//! The lines after a line that begins with `From `: whether they are the header of a message.
//!
//! Pure, and bounded: looks at a few lines and no further. What follows from it is in [`super::separator`].

/// What the lines are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Following {
    /// How many fields follow, one after the other (RFC 5322 §2.2).
    pub(super) fields: usize,
    /// How many of them have a name that mail has.
    pub(super) known: usize,
    /// How many of them have a name that programs write, and that people do not quote.
    pub(super) of_programs: usize,
    /// Whether there is nothing but fields up to an empty line, the end of the file, or as far as is looked.
    pub(super) is_whole: bool,
}

impl Following {
    /// Reads the text after the line; `is_end` says that the file ends with it.
    pub(super) fn of(text: &[u8], is_end: bool) -> Following {
        let is_end = is_end && text.len() <= MOST_OCTETS;
        let mut rest = &text[..text.len().min(MOST_OCTETS)];
        let mut found = Following::default();
        for position in 0..MOST_LINES {
            let end = memchr::memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() && (end.is_some() || is_end) {
                found.is_whole = found.fields > 0;
                return found;
            }
            if end.is_none() && !is_end {
                break;
            }
            if let Some(name) = name(line) {
                found.fields += 1;
                let is_of_programs = is_of_programs(name);
                found.of_programs += usize::from(is_of_programs);
                found.known += usize::from(is_of_programs || is_one_of(name, KNOWN));
            } else if !continues(line, position, found.fields) {
                return found;
            }
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
        found.is_whole = found.fields > 0;
        found
    }
}

/// Whether the text begins with a field: what [`Following`] tells, where no more than that matters.
pub(super) fn begins_with_field(text: &[u8]) -> bool {
    let first = if text.starts_with(b">From ") { memchr::memchr(b'\n', text).map(|end| end + 1) } else { Some(0) };
    first.is_some_and(|first| name(&text[first..]).is_some())
}

/// Octets of the text that are looked at, at most.
pub(super) const MOST_OCTETS: usize = 8 << 10;

/// Lines that are looked at, at most.
const MOST_LINES: usize = 64;

/// Whether the line goes on with a field, or is a line `>From …`, which UUCP adds.
fn continues(line: &[u8], position: usize, fields: usize) -> bool {
    (fields > 0 && matches!(line.first(), Some(b' ' | b'\t'))) || (position == 0 && line.starts_with(b">From "))
}

/// The name of a field: printable ASCII before a colon. What looks like the beginning of a URL is none.
fn name(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', &line[..line.len().min(LONGEST_NAME + 1)])?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    (is_name && !value.starts_with(b"//")).then_some(name)
}

/// A field name is no longer than this.
const LONGEST_NAME: usize = 76;

fn is_of_programs(name: &[u8]) -> bool {
    let begins = |prefix: &&[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    is_one_of(name, OF_PROGRAMS) || PREFIXES.iter().any(begins)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Fields that people write, too, or quote from mail that they read.
const KNOWN: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "subject",
    "sender",
    "reply-to",
    "organization",
    "organisation",
    "comments",
    "keywords",
    "priority",
    "importance",
    "sensitivity",
    "newsgroups",
    "mail-from",
    "encoding",
];

/// Fields that transport, servers and mail programs write.
const OF_PROGRAMS: &[&str] = &[
    "received",
    "return-path",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-length",
    "content-language",
    "content-description",
    "content-id",
    "content-class",
    "lines",
    "status",
    "delivered-to",
    "envelope-to",
    "envelope-from",
    "delivery-date",
    "apparently-to",
    "original-recipient",
    "authentication-results",
    "dkim-signature",
    "domainkey-signature",
    "received-spf",
    "user-agent",
    "precedence",
    "errors-to",
    "return-receipt-to",
    "disposition-notification-to",
    "auto-submitted",
    "thread-topic",
    "thread-index",
    "feedback-id",
    "autocrypt",
    "mail-followup-to",
    "mailing-list",
    "accept-language",
    "path",
    "xref",
    "nntp-posting-host",
    "nntp-posting-date",
    "fcc",
];

/// What names of such fields begin with.
const PREFIXES: [&[u8]; 4] = [b"x-", b"list-", b"resent-", b"arc-"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (usize, usize, usize, bool) {
        let found = Following::of(text.as_bytes(), true);
        assert_eq!(begins_with_field(text.as_bytes()), found.fields > 0, "{text}");
        (found.fields, found.known, found.of_programs, found.is_whole)
    }

    #[test]
    fn fields_are_counted_up_to_the_first_line_that_is_none() {
        assert_eq!(found(""), (0, 0, 0, false));
        assert_eq!(found("\nSubject: x\n"), (0, 0, 0, false));
        assert_eq!(found("second line\nSubject: x\n"), (0, 0, 0, false));
        assert_eq!(found("Note: bring shoes\nand socks\n"), (1, 0, 0, false));
        assert_eq!(found("Subject: a\r\n b\r\nX-Y: z\r\n\r\nTo: you\r\n"), (2, 2, 1, true));
        assert_eq!(found("Subject: a\nFrom b@c\nTo: d\n\n"), (1, 1, 0, false));
        assert_eq!(found("http://example.org/\n\n"), (0, 0, 0, false));
        assert_eq!(found(" a: b\n\n"), (0, 0, 0, false));
        assert_eq!(found(">From a@b Sat Jan  3 01:02:03 2026\nStatus: RO\n"), (1, 1, 1, true));
        assert_eq!(found("Date : x\n\n"), (0, 0, 0, false));
        assert_eq!(found("DATE: x"), (1, 1, 0, true));
    }

    #[test]
    fn only_so_much_is_looked_at() {
        let many = "X-Y: z\n".repeat(MOST_LINES + 1);
        assert_eq!(found(&many), (MOST_LINES, MOST_LINES, MOST_LINES, true));
        let long = format!("Subject: x\nX-Y: {}\n\n", "z".repeat(MOST_OCTETS));
        assert_eq!(found(&long), (1, 1, 0, true));
        assert_eq!(found(&format!("{}: x\n\n", "n".repeat(LONGEST_NAME + 1))), (0, 0, 0, false));
    }
}
