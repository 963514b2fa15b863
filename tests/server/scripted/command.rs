//! What a client asks: the command as it came, and its arguments.
//!
//! It does not judge what a server can do; it tells only whether doing it would change a mailbox.

use crate::server::transcript::literal_at_end;

/// A command as a client sent it.
#[derive(Debug, Clone)]
pub struct Command {
    /// What the answer begins with.
    pub tag: String,
    /// The name in capitals, `UID FETCH` and its like in one.
    pub name: String,
    /// All of it with its literals, without the last line end.
    pub line: String,
    /// What follows the name.
    pub arguments: Vec<Argument>,
}

/// One argument of a command.
#[derive(Debug, Clone)]
pub enum Argument {
    /// An atom, with what stands in its square brackets.
    Atom(String),
    /// A quoted string or a literal.
    Text(String),
    /// What stands in parentheses.
    List(Vec<Argument>),
}

impl Command {
    /// The command of a line, which holds its literals.
    pub fn parse(octets: &[u8]) -> Self {
        let line = String::from_utf8_lossy(octets).trim_end_matches(['\r', '\n']).to_owned();
        let (tag, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let (mut name, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let both;
        if name.eq_ignore_ascii_case("UID") {
            let (second, behind) = rest.split_once(' ').unwrap_or((rest, ""));
            both = format!("UID {second}");
            (name, rest) = (&both, behind);
        }
        let arguments = arguments(&mut rest);
        Self { tag: tag.to_owned(), name: name.to_ascii_uppercase(), arguments, line: line.clone() }
    }

    /// A line that ends the command: its tag, a status, and what is given.
    pub fn tagged(&self, status: &str) -> Vec<u8> {
        format!("{} {status}\r\n", self.tag).into_bytes()
    }

    /// Whether it only reads, so that a mailbox stays as it is, down to `\Seen` and `\Recent`.
    pub fn only_reads(&self) -> bool {
        match self.name.as_str() {
            "FETCH" | "UID FETCH" => self.arguments.iter().skip(1).all(fetches_quietly),
            name => READING.contains(&name),
        }
    }
}

impl Argument {
    /// Its text; of a list, none.
    pub fn text(&self) -> &str {
        match self {
            Self::Atom(text) | Self::Text(text) => text,
            Self::List(_) => "",
        }
    }

    /// What it lists; of anything else, that alone.
    pub fn items(&self) -> &[Argument] {
        match self {
            Self::List(items) => items,
            Self::Atom(_) | Self::Text(_) => std::slice::from_ref(self),
        }
    }
}

/// Reads arguments until the end or the closing parenthesis.
fn arguments(text: &mut &str) -> Vec<Argument> {
    let mut arguments = Vec::new();
    loop {
        *text = text.trim_start_matches(' ');
        let Some(first) = text.chars().next() else { return arguments };
        match first {
            ')' => {
                *text = &text[1..];
                return arguments;
            }
            '(' => {
                *text = &text[1..];
                arguments.push(Argument::List(self::arguments(text)));
            }
            '"' => arguments.push(Argument::Text(quoted(text))),
            '{' => arguments.push(Argument::Text(literal(text))),
            _ => arguments.push(Argument::Atom(atom(text))),
        }
    }
}

fn quoted(text: &mut &str) -> String {
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((_, letter)) = letters.next() {
        match letter {
            '"' => break,
            '\\' => content.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => content.push(letter),
        }
    }
    *text = letters.next().map_or("", |(at, _)| &text[at..]);
    content
}

fn literal(text: &mut &str) -> String {
    let (announced, rest) = text.split_once("\r\n").unwrap_or((text, ""));
    let octets = literal_at_end(announced.as_bytes()).map_or(0, |literal| literal.octets);
    let (content, rest) = rest.split_at_checked(octets).unwrap_or((rest, ""));
    *text = rest;
    content.to_owned()
}

fn atom(text: &mut &str) -> String {
    let mut bracketed = false;
    let end = text.find(|letter| {
        match letter {
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        !bracketed && [' ', '(', ')'].contains(&letter)
    });
    let (atom, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    atom.to_owned()
}

fn fetches_quietly(argument: &Argument) -> bool {
    argument.items().iter().all(|item| {
        let item = item.text().to_ascii_uppercase();
        !["BODY[", "BINARY["].iter().any(|loud| item.starts_with(loud)) && item != "RFC822" && item != "RFC822.TEXT"
    })
}

/// Commands that change no mailbox, whether this server knows them or not; EXAMINE, but never SELECT.
const READING: [&str; 20] = [
    "AUTHENTICATE",
    "CAPABILITY",
    "COMPRESS",
    "ENABLE",
    "EXAMINE",
    "ID",
    "IDLE",
    "LIST",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "NAMESPACE",
    "NOOP",
    "SEARCH",
    "STARTTLS",
    "STATUS",
    "UID SEARCH",
    "UID SORT",
    "UID THREAD",
    "UNSELECT",
];
