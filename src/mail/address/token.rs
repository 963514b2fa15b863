//! The tokens of an address field (RFC 5322 §3.2): words, quoted strings, comments, specials.
//!
//! Never fails: a quote or a parenthesis that is never closed is a letter like others, and the caller is told.

use std::borrow::Cow;

use crate::mail::encoded_word;

/// One token.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Whether white space or a comment stands before it.
    pub(super) is_apart: bool,
}

/// What a token is.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    /// Letters without a special among them; dots are letters here.
    Atom(&'a str),
    /// A quoted string, with its quotes.
    Quoted(&'a str),
    /// Encoded words that stand next to each other, decoded.
    Encoded(String),
    /// A domain literal, with its brackets.
    Literal(&'a str),
    /// A comment, without its parentheses.
    Comment(&'a str),
    /// One of `< > , : ; @`.
    Special(u8),
}

/// All tokens of an unfolded value, and whether each quote and parenthesis is closed.
pub(super) fn tokens(value: &str) -> (Vec<Token<'_>>, bool) {
    let mut reader =
        Reader { value, at: 0, tokens: Vec::new(), all_closed: true, quotes_end: false, comments_end: false };
    reader.read();
    (reader.tokens, reader.all_closed)
}

/// The text of a quoted string: its quotes and escapes taken off, encoded words within it decoded.
pub(super) fn unquoted(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    encoded_word::decoded(unescaped(inner)).into_owned()
}

/// The text of a comment.
pub(super) fn comment_text(comment: &str) -> String {
    encoded_word::decoded(unescaped(comment)).into_owned()
}

/// The text without the backslashes of quoted pairs (RFC 5322 §3.2.1).
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    plain.into()
}

struct Reader<'a> {
    value: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    all_closed: bool,
    /// Whether no quote that follows is closed, and no parenthesis: each is looked for once.
    quotes_end: bool,
    comments_end: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        let octets = self.value.as_bytes();
        let mut is_apart = false;
        while let Some(octet) = octets.get(self.at) {
            if octet.is_ascii_whitespace() || octet.is_ascii_control() {
                (self.at, is_apart) = (self.at + 1, true);
                continue;
            }
            let kind = self.next(*octet);
            let is_comment = matches!(kind, Kind::Comment(_));
            self.tokens.push(Token { kind, is_apart });
            is_apart = is_comment;
        }
    }

    /// Reads the token that begins here.
    fn next(&mut self, first: u8) -> Kind<'a> {
        let rest = &self.value[self.at..];
        if let Some((run, length)) = encoded_word::run(rest) {
            self.at += length;
            return Kind::Encoded(run.text);
        }
        match first {
            b'"' => {
                if let Some(quoted) = self.quoted(rest) {
                    return Kind::Quoted(quoted);
                }
            }
            b'(' => {
                if let Some(comment) = self.comment(rest) {
                    return Kind::Comment(comment);
                }
            }
            b'[' if matches!(self.tokens.last(), Some(Token { kind: Kind::Special(b'@'), .. })) => {
                let ends = |letter: char| !letter.is_ascii_graphic() || "[]@<>,;\"".contains(letter);
                if let Some(end) = rest[1..].find(ends).map(|end| end + 1)
                    && rest[end..].starts_with(']')
                {
                    self.at += end + 1;
                    return Kind::Literal(&rest[..=end]);
                }
            }
            b'<' | b'>' | b',' | b':' | b';' | b'@' => {
                self.at += 1;
                return Kind::Special(first);
            }
            _ => {}
        }
        let end = self.atom_end(rest);
        self.at += end;
        Kind::Atom(&rest[..end])
    }

    /// Where an atom ends that has at least one letter.
    fn atom_end(&self, rest: &str) -> usize {
        let octets = rest.as_bytes();
        let ends = |at: usize| match octets[at] {
            b'<' | b'>' | b',' | b':' | b';' | b'@' => true,
            b'"' => !self.quotes_end,
            b'(' => !self.comments_end,
            b'=' => octets.get(at + 1) == Some(&b'?') && encoded_word::run(&rest[at..]).is_some(),
            octet => octet.is_ascii_whitespace() || octet.is_ascii_control(),
        };
        (1..octets.len()).find(|at| rest.is_char_boundary(*at) && ends(*at)).unwrap_or(octets.len())
    }

    fn quoted(&mut self, rest: &'a str) -> Option<&'a str> {
        let mut is_escaped = false;
        let end = if self.quotes_end {
            None
        } else {
            rest.bytes().skip(1).position(|octet| {
                let ends = octet == b'"' && !is_escaped;
                is_escaped = octet == b'\\' && !is_escaped;
                ends
            })
        };
        let Some(end) = end else {
            (self.quotes_end, self.all_closed) = (true, false);
            return None;
        };
        self.at += end + 2;
        Some(&rest[..end + 2])
    }

    fn comment(&mut self, rest: &'a str) -> Option<&'a str> {
        let (mut depth, mut is_escaped) = (0_usize, false);
        let end = if self.comments_end {
            None
        } else {
            rest.bytes().position(|octet| {
                match octet {
                    _ if is_escaped => {}
                    b'(' => depth += 1,
                    b')' => depth -= 1,
                    _ => {}
                }
                is_escaped = octet == b'\\' && !is_escaped;
                depth == 0
            })
        };
        let Some(end) = end else {
            (self.comments_end, self.all_closed) = (true, false);
            return None;
        };
        self.at += end + 1;
        Some(&rest[1..end])
    }
}
