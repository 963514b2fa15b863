//! Lists of addresses (RFC 5322 §3.4, with the obsolete forms of §4.4) and what people write instead of them.
//!
//! A field is read in one pass from left to right. Three rules are wider than the grammar: words before a comma that
//! have no address belong to the next name, a colon without a semicolon after it belongs to a name, and an address
//! without angle brackets may have a name before it. Whatever needs one of them is told as [`Fault::Repaired`].

use super::token::{Kind, Token, comment_text, tokens, unquoted};
use super::{Address, Fault};

/// Reads all addresses of an unfolded field value.
pub(super) fn read(value: &str) -> (Vec<Address>, Option<Fault>) {
    let (tokens, all_closed) = tokens(value);
    let mut list = List::of(&tokens);
    list.read();
    if !all_closed {
        list.tell(Fault::Repaired);
        for address in &mut list.addresses {
            address.name = address.name.take().and_then(|name| folded(name.trim_matches('"')));
        }
        list.addresses.retain(|address| address.name.is_some() || address.address.is_some());
    }
    (list.addresses, list.fault)
}

struct List<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    addresses: Vec<Address>,
    fault: Option<Fault>,
    /// Names without an address that may belong to the next name, each with what ended it.
    open_names: Vec<OpenName>,
    /// The tokens of the mailbox that is read, its comments left out.
    words: Vec<&'a Token<'a>>,
    /// The first comment of the mailbox that is read.
    comment: Option<&'a str>,
    /// How many addresses there were when the element began: what stands between two commas.
    before: usize,
    /// Whether a colon or an `@` is among the words.
    has_sign: bool,
    is_in_group: bool,
    has_brackets: bool,
    /// For each token, the semicolon that follows it, where there is any colon.
    semicolons: Vec<Option<usize>>,
}

/// A name that no address follows.
struct OpenName {
    text: String,
    comment: Option<String>,
    /// Whether it is one word, as the name of a mailbox of the own machine is.
    is_word: bool,
    end: char,
}

impl<'a> List<'a> {
    fn of(tokens: &'a [Token<'a>]) -> Self {
        let is = |token: &Token<'_>, special: u8| matches!(token.kind, Kind::Special(found) if found == special);
        let mut semicolons = Vec::new();
        if tokens.iter().any(|token| is(token, b':')) {
            semicolons = vec![None; tokens.len()];
            let mut next = None;
            for (at, token) in tokens.iter().enumerate().rev() {
                semicolons[at] = next;
                next = if is(token, b';') { Some(at) } else { next };
            }
        }
        let has_brackets = tokens.iter().any(|token| is(token, b'<'));
        Self {
            tokens,
            at: 0,
            addresses: Vec::new(),
            fault: None,
            open_names: Vec::new(),
            words: Vec::new(),
            comment: None,
            before: 0,
            has_sign: false,
            is_in_group: false,
            has_brackets,
            semicolons,
        }
    }

    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match &token.kind {
                Kind::Comment(text) => self.see_comment(text),
                Kind::Special(end @ (b',' | b';')) => {
                    self.end_element(char::from(*end));
                    if *end == b';' && self.is_in_group {
                        self.close_names();
                        self.is_in_group = false;
                    }
                }
                Kind::Special(b':') if self.begins_group() => {
                    self.words.clear();
                    self.comment = None;
                    self.close_names();
                    self.is_in_group = true;
                }
                Kind::Special(b'<') => self.bracket(),
                Kind::Special(b'>') => self.tell(Fault::Repaired),
                kind => {
                    if matches!(kind, Kind::Special(b'@')) {
                        // What it follows is within an address.
                        self.comment = None;
                    }
                    self.has_sign |= matches!(kind, Kind::Special(_));
                    self.words.push(token);
                }
            }
        }
        self.end_element(' ');
        self.close_names();
    }

    fn tell(&mut self, fault: Fault) {
        self.fault = self.fault.max(Some(fault));
    }

    /// A comment after an address without a name is its name, as before there was another way to write one.
    fn see_comment(&mut self, text: &'a str) {
        let follows_address = self.words.is_empty() && self.before < self.addresses.len();
        match self.addresses.last_mut().filter(|_| follows_address) {
            Some(last) if last.name.is_none() => {
                last.name = folded(&comment_text(text));
            }
            _ if self.words.last().is_some_and(|word| is(word, b'@')) => {}
            _ => drop(self.comment.get_or_insert(text)),
        }
    }

    /// Whether the words before a colon are the name of a group: a semicolon ends it, and addresses or nothing are in it.
    fn begins_group(&self) -> bool {
        let is_name = self.before == self.addresses.len() && !self.has_sign;
        let Some(end) = self.semicolons[self.at - 1].filter(|_| is_name && !self.is_in_group) else { return false };
        let members = &self.tokens[self.at..end];
        let is_comment = |token: &Token<'_>| matches!(token.kind, Kind::Comment(_));
        members.iter().all(is_comment)
            || members.iter().any(|token| is(token, b'@'))
            || self.tokens[end + 1..].iter().all(is_comment)
    }

    /// Reads what is in angle brackets; the opening one has been read.
    fn bracket(&mut self) {
        let rest = &self.tokens[self.at..];
        let end = rest.iter().position(|token| is(token, b'>') || is(token, b'<'));
        let is_closed = end.is_some_and(|end| is(&rest[end], b'>'));
        let mut content = &rest[..end.unwrap_or(rest.len())];
        if !is_closed {
            self.tell(Fault::Repaired);
            let ends = |token: &Token<'_>| is(token, b',') || is(token, b';');
            content = &content[..content.iter().position(ends).unwrap_or(content.len())];
        }
        self.at += content.len() + usize::from(is_closed);
        let is_name = !is_closed && !content.iter().any(|token| is(token, b'@'));
        let content = content.iter().filter(|token| !matches!(token.kind, Kind::Comment(_)));
        if is_name {
            self.words.extend(content);
            return;
        }
        let content: Vec<_> = content.collect();
        if self.before < self.addresses.len() || self.words.iter().any(|word| is(word, b'@') || is(word, b':')) {
            // A second mailbox without a comma before it, or a name that had to be in quotes.
            self.tell(Fault::Repaired);
        }
        let mut name = text_of(&self.words);
        if name.is_empty() {
            name = self.comment.map(comment_text).unwrap_or_default();
        }
        self.words.clear();
        self.has_sign = false;
        self.comment = None;
        let (before, has_before) = self.taken_names();
        if has_before {
            self.tell(Fault::Repaired);
            name = if name.is_empty() { before.trim_end_matches([',', ';', ' ']).to_owned() } else { before + &name };
        }
        let (address, fault) = bracketed(&content);
        if let Some(fault) = fault {
            self.tell(fault);
        }
        let is_words = address.is_none() && !content.iter().any(|token| is(token, b'@'));
        let name = folded(&name).or_else(|| is_words.then(|| folded(&text_of(&content))).flatten());
        self.push(name, address);
    }

    /// The names that are open, as the beginning of the name that follows.
    fn taken_names(&mut self) -> (String, bool) {
        let has_names = !self.open_names.is_empty();
        let join = |name: OpenName| format!("{}{} ", name.text, name.end);
        (self.open_names.drain(..).map(join).collect(), has_names)
    }

    /// Ends what stands between two commas.
    fn end_element(&mut self, end: char) {
        let words = std::mem::take(&mut self.words);
        self.has_sign = false;
        let comment = self.comment.take();
        if words.iter().any(|word| is(word, b'@')) {
            if self.before < self.addresses.len() {
                self.tell(Fault::Repaired);
            }
            self.close_names();
            self.plain(&words, comment);
        } else if self.before < self.addresses.len() {
            // Words after an address belong to nothing.
            if !words.is_empty() {
                self.tell(Fault::Repaired);
            }
        } else if !words.is_empty() {
            let is_word = words.len() == 1 && matches!(words[0].kind, Kind::Atom(word) if is_atom(word));
            let comment = comment.map(comment_text);
            self.open_names.push(OpenName { text: text_of(&words), comment, is_word, end });
        }
        self.before = self.addresses.len();
    }

    /// Names that no address follows stay what they are: one word is a mailbox of the own machine, as in mail from cron.
    fn close_names(&mut self) {
        for name in std::mem::take(&mut self.open_names) {
            if name.is_word && !self.has_brackets {
                self.push(name.comment.as_deref().and_then(folded), Some(name.text));
            } else {
                self.tell(Fault::Unreadable);
                self.push(folded(&name.text), None);
            }
        }
        self.before = self.addresses.len();
    }

    /// Reads addresses without brackets; the words of a name may be before each of them.
    fn plain(&mut self, words: &[&Token<'a>], comment: Option<&str>) {
        let mut comment = comment;
        let mut rest = words;
        while let Some(sign) = rest.iter().position(|word| is(word, b'@')) {
            let local = local_part(&rest[..sign]);
            let domain = domain(&rest[sign + 1..]);
            let (mut name, after) = (&rest[..sign - local], &rest[sign + 1 + domain..]);
            if local == 0 || domain == 0 || after.first().is_some_and(|word| is(word, b'@')) {
                // Two signs in a row of letters: no address.
                self.tell(Fault::Unreadable);
                let end = after.iter().position(|word| word.is_apart && !is(word, b'@')).unwrap_or(after.len());
                rest = &after[end..];
                continue;
            }
            let mut address: String = rest[sign - local..=sign + domain].iter().map(|word| source(word)).collect();
            if let Some(colon) = name.iter().rposition(|word| is(word, b':')) {
                // The name of a group without its end, or the scheme of a link.
                let is_scheme = |word: &&Token<'_>| matches!(word.kind, Kind::Atom(text) if text.trim_start_matches('[').eq_ignore_ascii_case("mailto"));
                let has_scheme = colon.checked_sub(1).is_some_and(|before| is_scheme(&name[before]));
                name = if has_scheme { &name[..colon - 1] } else { &name[colon + 1..] };
                address.truncate(address.trim_end_matches(']').len());
                self.tell(Fault::Repaired);
            }
            if !name.is_empty() || !after.is_empty() {
                self.tell(Fault::Repaired);
            }
            // Some programs put an address into quotes that mean nothing.
            if let Some(inner) = address.strip_prefix('\'').and_then(|address| address.strip_suffix('\'')) {
                address = inner.to_owned();
                self.tell(Fault::Repaired);
            }
            let name = Some(text_of(name)).filter(|name| !name.is_empty());
            let name = name.or_else(|| comment.take().map(comment_text));
            self.push(name.as_deref().and_then(folded), Some(address));
            rest = after;
        }
    }

    fn push(&mut self, name: Option<String>, address: Option<String>) {
        if name.is_some() || address.is_some() {
            self.addresses.push(Address { name, address });
        }
    }
}

fn is(token: &Token<'_>, special: u8) -> bool {
    matches!(token.kind, Kind::Special(found) if found == special)
}

/// How many words at the end are a local part (RFC 5322 §3.4.1), blanks around its dots included (§4.4).
fn local_part(words: &[&Token<'_>]) -> usize {
    let is_part = |word: &Token<'_>| matches!(word.kind, Kind::Atom(_) | Kind::Quoted(_));
    let mut first = words.len();
    while let Some(word) = first.checked_sub(1).map(|at| words[at]).filter(|word| is_part(word)) {
        let belongs = match words.get(first) {
            None => true,
            Some(next) => !next.is_apart || source(next).starts_with('.') || source(word).ends_with('.'),
        };
        if !belongs {
            break;
        }
        first -= 1;
    }
    words.len() - first
}

/// How many words at the beginning are a domain (RFC 5322 §3.4.1).
fn domain(words: &[&Token<'_>]) -> usize {
    match words.first().map(|word| &word.kind) {
        Some(Kind::Literal(_)) => 1,
        Some(Kind::Atom(_)) => {
            let goes_on = |pair: &[&Token<'_>]| {
                let (word, next) = (source(pair[0]), source(pair[1]));
                matches!(pair[1].kind, Kind::Atom(_)) && (next.starts_with('.') || word.ends_with('.'))
            };
            1 + words.windows(2).take_while(|pair| goes_on(pair)).count()
        }
        _ => 0,
    }
}

/// The address that stands in angle brackets; a route before it means nothing any more (RFC 5322 §4.4).
fn bracketed(content: &[&Token<'_>]) -> (Option<String>, Option<Fault>) {
    let mut content = content;
    let mut fault = None;
    if content.first().is_some_and(|first| is(first, b'@')) {
        let colon = content.iter().position(|token| is(token, b':'));
        content = colon.map_or(content, |colon| &content[colon + 1..]);
    }
    if let [scheme, colon, rest @ ..] = content
        && matches!(scheme.kind, Kind::Atom(word) if word.eq_ignore_ascii_case("mailto"))
        && is(colon, b':')
    {
        (content, fault) = (rest, Some(Fault::Repaired));
    }
    let text = || content.iter().map(|token| source(token)).collect::<String>();
    match content {
        [] => (None, Some(Fault::Unreadable)),
        // The name of a mailbox of the own machine.
        [Token { kind: Kind::Atom(_) | Kind::Quoted(_), .. }] => (Some(text()), fault),
        // An address was taken for a name, and encoded.
        [Token { kind: Kind::Encoded(decoded), .. }] if super::is_regular_address(decoded) => {
            (Some(decoded.clone()), Some(Fault::Repaired))
        }
        _ => {
            let sign = content.iter().position(|token| is(token, b'@'));
            let is_whole = sign.is_some_and(|sign| {
                let (local, after) = (&content[..sign], &content[sign + 1..]);
                !local.is_empty() && local_part(local) == sign && !after.is_empty() && domain(after) == after.len()
            });
            if is_whole { (Some(text()), fault) } else { (None, Some(Fault::Unreadable)) }
        }
    }
}

/// A token as it stands in an address.
fn source<'a>(token: &'a Token<'_>) -> &'a str {
    match &token.kind {
        Kind::Atom(text) | Kind::Quoted(text) | Kind::Literal(text) | Kind::Comment(text) => text,
        Kind::Encoded(text) => text,
        Kind::Special(special) => match special {
            b'<' => "<",
            b'>' => ">",
            b',' => ",",
            b':' => ":",
            b';' => ";",
            _ => "@",
        },
    }
}

/// Words as the text of a name: blanks where blanks are, and around quoted strings.
fn text_of(words: &[&Token<'_>]) -> String {
    let mut text = String::new();
    let mut was_quoted = false;
    for word in words {
        let is_quoted = matches!(word.kind, Kind::Quoted(_));
        if !text.is_empty() && (word.is_apart || is_quoted || was_quoted) {
            text.push(' ');
        }
        match &word.kind {
            Kind::Quoted(quoted) => text.push_str(&unquoted(quoted)),
            _ => text.push_str(source(word)),
        }
        was_quoted = is_quoted;
    }
    text
}

/// The text with single blanks; nothing where there is none.
fn folded(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// Whether a text is a word without quotes (RFC 5322 §3.2.3).
fn is_atom(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&octet))
}
