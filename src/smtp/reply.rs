//! What a server answers (RFC 5321 §4.2): a code, words for people on one line or many, and an enhanced code (RFC 2034).
//!
//! Pure, and tolerant where servers are careless: bare line ends, words that are no UTF-8, a last line of a code alone.

use std::fmt;

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The code: 200 to 599.
    pub code: u16,
    /// The enhanced code, where the server gives one.
    pub enhanced: Option<Enhanced>,
    /// What it says, line by line, without codes.
    pub lines: Vec<String>,
}

/// An enhanced code (RFC 3463 §2): 5.7.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(pub u16, pub u16, pub u16);

/// Why lines are no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// A reply that comes line by line.
#[derive(Debug, Default)]
pub struct Beginning {
    code: Option<u16>,
    enhanced: Option<Enhanced>,
    lines: Vec<String>,
    octets: usize,
}

impl Reply {
    /// Whether the server did what it was asked, or goes on (2 and 3 at the beginning of the code).
    pub fn is_good(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// What it says on one line, codes first, as far as anybody reads it; nothing in it moves a cursor or turns a text around.
    pub fn words(&self) -> String {
        let said =
            self.lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let said = said.replace(is_hidden, "\u{fffd}");
        let codes = match self.enhanced {
            Some(enhanced) => format!("{} {enhanced}", self.code),
            None => self.code.to_string(),
        };
        let words = if said.is_empty() { codes } else { format!("{codes} {said}") };
        match words.char_indices().nth(READ) {
            Some((end, _)) => format!("{}…", &words[..end]),
            None => words,
        }
    }
}

impl Beginning {
    /// Takes the next line, with or without its end; gives the reply when that was the last.
    ///
    /// # Errors
    /// It is no line of a reply, is of another code than those before, or there is too much of it.
    pub fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, Broken> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_at_checked(3).ok_or(NO_CODE)?;
        if !matches!(digits, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
            return Err(NO_CODE);
        }
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let (is_last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(NO_CODE),
        };
        if self.code.is_some_and(|before| before != code) {
            return Err(Broken("the lines of one answer have different codes"));
        }
        self.octets += line.len();
        if self.lines.len() >= LINES || self.octets > OCTETS {
            return Err(Broken("an answer is longer than any is"));
        }
        self.code = Some(code);
        let text = String::from_utf8_lossy(text);
        let (enhanced, text) = Enhanced::split(code, &text);
        self.enhanced = self.enhanced.or(enhanced);
        self.lines.push(text.to_owned());
        Ok(is_last.then(|| {
            let Self { enhanced, lines, .. } = std::mem::take(self);
            Reply { code, enhanced, lines }
        }))
    }
}

impl Enhanced {
    /// The enhanced code at the beginning of a text, and what follows it; its class is that of the code (RFC 2034 §4).
    fn split(code: u16, text: &str) -> (Option<Self>, &str) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = word.split('.').map(|number| {
            let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
            number.parse::<u16>().ok().filter(|_| is_number)
        });
        match [(); 4].map(|()| numbers.next()) {
            [Some(Some(class)), Some(Some(subject)), Some(Some(detail)), None] if class == code / 100 => {
                (Some(Self(class, subject, detail)), rest)
            }
            _ => (None, text),
        }
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a terminal obeys instead of showing it.
pub(super) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

const NO_CODE: Broken = Broken("a line does not begin with a code of three digits");
/// Lines of a reply; servers with all extensions have thirty.
const LINES: usize = 200;
/// Octets of a reply.
const OCTETS: usize = 64 << 10;
/// Characters of a server's own words in an error.
const READ: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Result<Option<Reply>, Broken> {
        let mut beginning = Beginning::default();
        let mut last = Ok(None);
        for line in text.split_inclusive('\n') {
            assert_eq!(last, Ok(None), "nothing comes after the last line");
            last = beginning.take(line.as_bytes());
        }
        last
    }

    fn good(text: &str) -> Reply {
        reply(text).unwrap().unwrap()
    }

    #[test]
    fn a_reply_is_one_line_or_many() {
        let one = good("220 mail.example.org ESMTP\r\n");
        assert_eq!((one.code, one.lines.as_slice()), (220, &["mail.example.org ESMTP".to_owned()][..]));
        let many = good("250-mail.example.org\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n");
        assert_eq!(many.lines, ["mail.example.org", "SIZE 100", "AUTH PLAIN"]);
        assert_eq!(reply("250-mail\r\n250-SIZE\r\n"), Ok(None));
    }

    #[test]
    fn an_enhanced_code_is_no_word() {
        let google = good("535-5.7.8 Username and Password not accepted. For\r\n535 5.7.8  more, see x - gsmtp\r\n");
        assert_eq!(google.enhanced, Some(Enhanced(5, 7, 8)));
        assert_eq!(google.words(), "535 5.7.8 Username and Password not accepted. For more, see x - gsmtp");
        assert_eq!(good("235 2.7.0").enhanced, Some(Enhanced(2, 7, 0)));
        for text in [
            "220 5.7.8 other class",
            "535 5.7 short",
            "535 5.7.8.9 long",
            "535 5..8 x",
            "535 5.7.8888 x",
            "535 +5.7.8 x",
        ] {
            assert_eq!(good(text).enhanced, None, "{text}");
        }
    }

    #[test]
    fn careless_servers_are_understood() {
        assert_eq!(good("220 a\n").lines, ["a"]);
        assert_eq!(good("334").lines, [""]);
        assert_eq!(good("334 \r\n").words(), "334");
        assert_eq!(good("250-a\n250\n").lines, ["a", ""]);
        let mut beginning = Beginning::default();
        assert_eq!(beginning.take(b"220 caf\xe9\r\n").unwrap().unwrap().lines, ["caf\u{fffd}"]);
    }

    #[test]
    fn words_are_one_line_that_shows_what_it_is() {
        assert_eq!(
            good("250 a\u{1b}[2Jb\rc\u{202e}d\u{2028}e\r\n").words(),
            "250 a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e"
        );
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for text in [
            "",
            "\r\n",
            "22",
            "22x a",
            "+22 a",
            "120 a",
            "620 a",
            "2200 a",
            "220_a",
            "* OK IMAP",
            "HTTP/1.1 400",
            "２２０ a",
        ] {
            assert!(Beginning::default().take(text.as_bytes()).is_err(), "{text}");
        }
        assert!(reply("250-a\r\n550 b\r\n").is_err());
        for octets in [&[0xff; 9][..], b"\0\0\0\0", b"220\0x"] {
            assert!(Beginning::default().take(octets).is_err());
        }
    }

    #[test]
    fn a_reply_has_an_end() {
        let mut beginning = Beginning::default();
        let taken = (0..=LINES).map(|_| beginning.take(b"250-x\r\n")).take_while(Result::is_ok).count();
        assert_eq!(taken, LINES);
        let mut beginning = Beginning::default();
        let long = format!("250-{}\r\n", "x".repeat(2000));
        assert!((0..100).any(|_| beginning.take(long.as_bytes()).is_err()));
        assert_eq!(good(&format!("250 {}", "é".repeat(1000))).words().chars().count(), READ + 1);
    }
}
