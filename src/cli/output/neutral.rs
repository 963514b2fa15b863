//! Makes text from mail harmless on a terminal: what is invisible or moves the cursor is shown as what it is.
//!
//! The rules, in order: a line end (LF, CRLF) is `␊`, other controls are their pictures (`␛`) or, above ASCII, their
//! numbers (`\u{9b}`); a joiner stays between letters that are joined by it and is left out between emoji, a variation
//! selector after what it varies is left out, so that every terminal counts the same columns; whatever else cannot be
//! seen (bidi controls, zero-width spaces, tags) is its number. It never changes what is written to files.

use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

use crate::engine::export::is_unseen;

/// Gives the harmless form piece by piece, each with its columns, until `take` has enough and says so.
pub(crate) fn neutralise(text: &str, mut take: impl FnMut(&str, usize) -> bool) {
    let mut characters = text.chars().peekable();
    let mut base = None;
    let mut varied = false;
    let mut marks = 0;
    let mut buffer = [0; 4];
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let more = match character {
            '\r' if next == Some('\n') => continue,
            '\u{200c}' | '\u{200d}' if joins(base, next) => {
                if base.is_some_and(is_letter) {
                    take(character.encode_utf8(&mut buffer), 0)
                } else {
                    continue;
                }
            }
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' if !varied && base.is_some_and(is_varied) => {
                varied = true;
                continue;
            }
            unseen if is_unseen(unseen) => {
                base = None;
                let (shown, width) = visible_form(unseen);
                take(&shown, width)
            }
            mark if mark.width() == Some(0) => {
                marks += 1;
                // Marks pile up over the lines above; no script needs that many.
                if marks > MARKS {
                    continue;
                }
                if base.is_none() && !take("◌", 1) {
                    return;
                }
                base = Some(mark);
                take(mark.encode_utf8(&mut buffer), 0)
            }
            seen => {
                base = (!seen.is_whitespace()).then_some(seen);
                varied = false;
                marks = 0;
                take(seen.encode_utf8(&mut buffer), seen.width().unwrap_or(1))
            }
        };
        if !more {
            return;
        }
    }
}

/// The harmless form of a whole text, on one line.
pub(crate) fn neutral(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    neutralise(text, |piece, _| {
        shown.push_str(piece);
        true
    });
    shown
}

/// The harmless form of a text of several lines, which stay lines.
pub(crate) fn neutral_lines(text: &str) -> String {
    text.split('\n').map(neutral).collect::<Vec<_>>().join("\n")
}

/// The text without what cannot be seen in it, as wide as the line editor believes it to be: the editor measures the text
/// itself, so a visible form of another width would put the cursor in the wrong place.
pub(crate) fn without_unseen(text: &str) -> String {
    let is_shown = |letter: char| !is_unseen(letter) || matches!(letter, '\n' | '\t');
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.width() {
            _ if is_shown(letter) => shown.push(letter),
            Some(width) => shown.extend(std::iter::repeat_n(' ', width)),
            None => {}
        }
    }
    shown
}

/// A writer to a terminal that lets lines through, and tabs where they separate columns, and neutralises the rest.
pub(crate) struct NeutralWriter<W: Write> {
    out: W,
    separators: &'static [char],
    /// The beginning of a character whose end has not come yet.
    partial: Vec<u8>,
}

impl<W: Write> NeutralWriter<W> {
    pub(crate) fn new(out: W, has_tabs: bool) -> Self {
        Self { out, separators: if has_tabs { &['\n', '\t'] } else { &['\n'] }, partial: Vec::new() }
    }
}

impl<W: Write> Write for NeutralWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.partial) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let rest = self.partial.split_off(complete);
        let text = String::from_utf8_lossy(&self.partial);
        for piece in text.split_inclusive(self.separators) {
            let end = piece.ends_with(self.separators).then(|| piece.len() - 1);
            let (words, end) = piece.split_at(end.unwrap_or(piece.len()));
            write!(self.out, "{}{end}", neutral(words.strip_suffix('\r').unwrap_or(words)))?;
        }
        self.partial = rest;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A writer of log lines: each write is one event, and becomes one line, whatever names and server answers are in it.
pub(crate) struct NeutralLog<W: Write>(pub(crate) W);

impl<W: Write> Write for NeutralLog<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        writeln!(self.0, "{}", neutral(text.strip_suffix('\n').unwrap_or(&text)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells whether a joiner there is spelling or an emoji, and not a hiding place.
fn joins(base: Option<char>, next: Option<char>) -> bool {
    let seen =
        |side: Option<char>| side.is_some_and(|side| !side.is_ascii() && !is_unseen(side) && !side.is_whitespace());
    seen(base) && seen(next)
}

/// Letters, and the marks that some scripts put between a letter and a joiner.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() || character.width() == Some(0)
}

/// What has variants: emoji, symbols, ideographs, and the keys of keycaps.
fn is_varied(character: char) -> bool {
    !character.is_ascii() || matches!(character, '0'..='9' | '#' | '*')
}

fn visible_form(unseen: char) -> (String, usize) {
    let code = u32::from(unseen);
    let picture = match code {
        0..=0x1f => char::from_u32(0x2400 + code),
        0x7f => Some('\u{2421}'),
        _ => None,
    };
    if let Some(picture) = picture {
        return (picture.to_string(), 1);
    }
    let shown = format!("\\u{{{code:x}}}");
    let width = shown.len();
    (shown, width)
}

/// Combining marks on one character.
const MARKS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_hides_is_shown_as_what_it_is() {
        for (text, shown) in [
            ("plain", "plain"),
            ("a\u{1b}[31mb", "a␛[31mb"),
            ("two\nlines\r\nthree\r", "two␊lines␊three␍"),
            ("tab\tnul\0del\u{7f}", "tab␉nul␀del␡"),
            ("csi\u{9b}2J", "csi\\u{9b}2J"),
            ("ab\u{202e}cd\u{2066}", "ab\\u{202e}cd\\u{2066}"),
            ("pay\u{200b}pal", "pay\\u{200b}pal"),
            ("a\u{200d}b", "a\\u{200d}b"),
            ("\u{feff}x\u{e0041}", "\\u{feff}x\\u{e0041}"),
            ("\u{2028}", "\\u{2028}"),
        ] {
            assert_eq!(neutral(text), shown, "{text:?}");
        }
    }

    #[test]
    fn joiners_stay_in_words_and_leave_emoji() {
        assert_eq!(neutral("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(neutral("👨\u{200d}👩\u{200d}👧"), "👨👩👧");
        assert_eq!(neutral("❤\u{fe0f}"), "❤");
        assert_eq!(neutral("❤\u{fe0f}\u{fe01}"), "❤\\u{fe01}");
        assert_eq!(neutral("a\u{fe0f}"), "a\\u{fe0f}");
        assert_eq!(neutral("1\u{fe0f}"), "1");
    }

    #[test]
    fn a_mark_without_its_letter_gets_a_circle_and_piles_are_cut() {
        assert_eq!(neutral("\u{301}x"), "◌\u{301}x");
        assert_eq!(neutral(&format!("e{}", "\u{301}".repeat(50))), format!("e{}", "\u{301}".repeat(MARKS)));
    }

    #[test]
    fn widths_are_those_of_a_terminal() {
        let width = |text: &str| {
            let mut sum = 0;
            neutralise(text, |_, width| {
                sum += width;
                true
            });
            sum
        };
        assert_eq!(width("日本"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(width("🎉"), 2);
        assert_eq!(width("\u{1b}"), 1);
        assert_eq!(width("\u{202e}"), 8);
    }

    #[test]
    fn the_writer_keeps_lines_and_characters_that_come_in_parts() {
        let mut written = Vec::new();
        let mut writer = NeutralWriter::new(&mut written, true);
        for byte in "é,\u{1b}]0;x\u{7}\r\nb\t日\n".as_bytes() {
            writer.write_all(&[*byte]).unwrap();
        }
        assert_eq!(String::from_utf8(written).unwrap(), "é,␛]0;x␇\nb\t日\n");
        let mut written = Vec::new();
        NeutralWriter::new(&mut written, false).write_all(b"a\tb\n").unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "a␉b\n");
    }

    #[test]
    fn an_event_is_one_line_of_the_log() {
        let mut written = Vec::new();
        let mut log = NeutralLog(&mut written);
        log.write_all("DEBUG a\nERROR b\t\u{202e}\u{1b}[2J\n".as_bytes()).unwrap();
        log.write_all(b"DEBUG c\n").unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "DEBUG a␊ERROR b␉\\u{202e}␛[2J\nDEBUG c\n");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(neutral_lines("\na\u{9b}b\n\n"), "\na\\u{9b}b\n\n");
    }

    #[test]
    fn the_line_editor_is_given_what_is_as_wide_as_it_believes() {
        assert_eq!(without_unseen("a\u{1b}[1m\u{9b}\u{202e}b\tc\nd\u{301}日"), "a[1mb\tc\nd\u{301}日");
        for code in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|letter| is_unseen(*letter)) {
            if !matches!(code, '\n' | '\t') {
                let shown = without_unseen(&code.to_string());
                assert_eq!(shown, " ".repeat(code.width().unwrap_or(0)), "{:x}", u32::from(code));
            }
        }
    }
}
