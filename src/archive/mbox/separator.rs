//! The line that begins a message in an mbox: `From someone Sat Jan  3 01:02:03 2026`.
//!
//! Pure. Bodies hold lines that look alike, so a line is judged together with the lines before and after it. When the
//! message was received, as the line tells, is in [`super::line_date`]; the lines after it are read in
//! [`super::following`].

use super::following::{Following, begins_with_field};
use super::line_date;

/// Whether the line begins with `From `.
pub(super) fn begins(line: &[u8]) -> bool {
    line.starts_with(FROM)
}

/// Whether the line is of a kind that tells when mail was downloaded, in local time, or nothing: `From -`, with a date or
/// without, and `From `.
pub(super) fn tells_download(line: &[u8]) -> bool {
    let told = line.get(FROM.len()..).unwrap_or_default().trim_ascii();
    matches!(told, b"" | b"-") || told.starts_with(b"- ")
}

/// What a line that begins with `From ` tells after that word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing, or a hyphen: `From `, `From -`, as Thunderbird writes it.
    Bare,
    /// It ends with a date as programs write it, by `asctime` or as in a Date field: `From a@b Sat Jan  3 01:02:03 2026`.
    Dated,
    /// An address, alone or with a date in another form.
    Address,
    /// One word that is no address.
    Word,
    /// Anything else.
    Text,
}

/// The line before one that begins with `From `.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// The beginning of the file, or an empty line.
    EmptyLine,
    /// Any other.
    Text,
}

/// What a line that begins with `From ` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It begins a message, as programs write it.
    Begins,
    /// It begins a message, most likely: of no usual form, but with a header that programs write.
    LikelyBegins,
    /// It is text, though it may have been meant to begin a message.
    LikelyText,
    /// It is text.
    Text,
}

impl Verdict {
    /// Whether a message begins here.
    pub(super) fn begins(self) -> bool {
        matches!(self, Verdict::Begins | Verdict::LikelyBegins)
    }
}

/// Judges a line that begins with `From ` by its form and its surroundings.
///
/// A date at its end is written by programs only, so an empty line before it is enough, or else a header field after it.
/// A bare line needs both. An address needs a whole header after it. Text of a person begins with the same word and may go
/// on with `Note: …` or a few quoted fields: it needs a header that has fields which people do not quote.
///
/// `text` is what comes after the line, and `is_end` says that the file ends with it; it is read only where it decides.
pub(super) fn judge(form: Form, before: Before, text: &[u8], is_end: bool) -> Verdict {
    if form == Form::Dated && before == Before::EmptyLine {
        return Verdict::Begins;
    }
    if form == Form::Bare && before == Before::EmptyLine {
        return if begins_with_field(text) { Verdict::Begins } else { Verdict::Text };
    }
    let after = Following::of(text, is_end);
    let by_programs = after.is_whole && after.of_programs > 0 && after.known > 1;
    match (form, before) {
        (Form::Dated, _) if after.known > 0 => Verdict::Begins,
        (Form::Address, Before::EmptyLine) if after.known > 0 && after.is_whole => Verdict::Begins,
        (Form::Word, Before::EmptyLine) if after.known > 1 && after.is_whole => Verdict::Begins,
        (Form::Bare | Form::Address | Form::Word, Before::Text) | (Form::Text, Before::EmptyLine) if by_programs => {
            Verdict::LikelyBegins
        }
        (Form::Dated, _) => Verdict::LikelyText,
        (Form::Address | Form::Word, Before::EmptyLine) if after.fields > 0 => Verdict::LikelyText,
        (Form::Text, Before::EmptyLine) if after.known > 0 => Verdict::LikelyText,
        (Form::Bare | Form::Address | Form::Word | Form::Text, _) => Verdict::Text,
    }
}

impl Form {
    /// The form of a line that begins with `From `; its line end may be there or not.
    pub(super) fn of(line: &[u8]) -> Form {
        let told = line.get(FROM.len()..).unwrap_or_default().trim_ascii();
        let mut words = told.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (first, is_alone) = (words.next(), words.next().is_none());
        match first {
            None => Form::Bare,
            Some(b"-") if is_alone => Form::Bare,
            Some(_) if line_date::ends_as_asctime(told) || line_date::ends_as_field(told) => Form::Dated,
            Some(word) if is_address(word) && (is_alone || line_date::ends_with_date(told)) => Form::Address,
            Some(word) if is_alone && is_name(word) => Form::Word,
            Some(_) => Form::Text,
        }
    }
}

/// Whether the word is an address as it stands in such a line; `-` and `???@???` are what some programs write instead.
fn is_address(word: &[u8]) -> bool {
    let at = memchr::memchr(b'@', word);
    word == b"-" || (at.is_some_and(|at| at > 0 && at + 1 < word.len()) && !ends_a_phrase(word))
}

/// Whether the word can be the name of a user: `MAILER-DAEMON`.
fn is_name(word: &[u8]) -> bool {
    !ends_a_phrase(word)
}

fn ends_a_phrase(word: &[u8]) -> bool {
    matches!(word.last(), Some(b':' | b',' | b';' | b'.' | b'!' | b'?')) && word != b"???@???"
}

const FROM: &[u8] = b"From ";

/// A line that is longer begins a message only at the beginning of a file.
pub(super) const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_from_the_others() {
        for (line, form) in [
            ("From ", Form::Bare),
            ("From \r\n", Form::Bare),
            ("From -\n", Form::Bare),
            ("From - \r\n", Form::Bare),
            ("From - Mon Jan 05 10:00:00 2026\r\n", Form::Dated),
            ("From ann@example.org Mon Jan  5 10:00:01 2026", Form::Dated),
            ("From ???@??? Tue Jun 24 09:15:00 1997\r\n", Form::Dated),
            ("From MAILER-DAEMON Mon Jan  5 10:00 2026\n", Form::Dated),
            ("From a@b Mon Jan  5 10:00:01 MET DST 2026\n", Form::Dated),
            ("From a@b Mon Jan  5 10:00:01 2026 -0100\n", Form::Dated),
            ("From 1718@xxx Mon Jan 01 12:00:00 +0000 2024\r\n", Form::Dated),
            ("From ann Mon Jan  5 10:00:01 2026 remote from host\n", Form::Dated),
            ("From a@b 3 Jan 2026 01:02:03 +0100\n", Form::Address),
            ("From - Sat, 3 Jan 2026 01:02:03 +0100", Form::Dated),
            ("From ann@example.org\n", Form::Address),
            ("From ???@???\r\n", Form::Address),
            ("From root\n", Form::Word),
            ("From ann@example.org:\n", Form::Text),
            ("From here: see below\n", Form::Text),
            ("From Russia with love\n", Form::Text),
            ("From there.\n", Form::Text),
            ("From Monday 3 June 2024 10:00 the office is closed\n", Form::Text),
            ("From Monday 3 June 2024 10:00\n", Form::Text),
            ("From Mon, 3 Jun 2024 10:00:00\n", Form::Text),
            ("From now on Mon, 3 Jun 2024 10:00\n", Form::Text),
            ("From z Mon, 6 Jan 2025 10:00:05 +0100\n", Form::Dated),
            ("From ann@example.org we heard at 10:00 in 2024 of it\n", Form::Text),
            ("From a@b Mon Jan  5 10:00:01 2026 on\n", Form::Text),
        ] {
            assert_eq!(Form::of(line.as_bytes()), form, "{line}");
        }
    }

    /// Each form, before it an empty line or text, after it nothing, text, a field, a header, and a header of programs.
    #[test]
    fn a_line_is_judged_with_what_stands_around_it() {
        const AFTER: [&str; 5] = [
            "",
            "text\n",
            "Note: bring shoes\n",
            "Subject: x\nFrom: a@b\n\n",
            "Received: by x\nX-Status: \nFrom: a@b\n\n",
        ];
        for (form, after_empty, after_text) in [
            (Form::Dated, "BBBBB", "tttBB"),
            (Form::Bare, "  BBB", "    b"),
            (Form::Address, "  tBB", "    b"),
            (Form::Word, "  tBB", "    b"),
            (Form::Text, "   tb", "     "),
        ] {
            for (before, wanted) in [(Before::EmptyLine, after_empty), (Before::Text, after_text)] {
                let judged = |after: &&str| match judge(form, before, after.as_bytes(), true) {
                    Verdict::Begins => 'B',
                    Verdict::LikelyBegins => 'b',
                    Verdict::LikelyText => 't',
                    Verdict::Text => ' ',
                };
                let found: String = AFTER.iter().map(judged).collect();
                assert_eq!(found, wanted, "{form:?} {before:?}");
            }
        }
    }
}
