//! Searching and fetching in one folder (RFC 3501 sections 6.4.4 and 6.4.5, RFC 4731, RFC 5182).
//!
//! It knows mail of type text/plain only: part 1 is the text, or the file that the header names. Nothing here marks a
//! message as seen.

use super::command::{Argument, Command};
use super::mailbox::{Answer, Folder, Message};

/// The answer to SEARCH, or UID SEARCH, with or without RETURN.
pub fn search(command: &Command, by_uid: bool, folder: &Folder, saved: &mut Vec<u32>) -> Answer {
    let mut keys = command.arguments.as_slice();
    let mut options = None;
    if let [word, Argument::List(list), rest @ ..] = keys
        && word.text().eq_ignore_ascii_case("RETURN")
    {
        options = Some(list.iter().map(|option| option.text().to_ascii_uppercase()).collect::<Vec<_>>());
        keys = rest;
    }
    if let [word, _, rest @ ..] = keys
        && word.text().eq_ignore_ascii_case("CHARSET")
    {
        keys = rest;
    }
    let found = Keys { folder, saved }.all(keys).filter(|_| !keys.is_empty());
    let found = found.ok_or("BAD no such search key here")?;
    let found = || (1..).zip(&folder.messages).zip(&found).filter(|(_, found)| **found).map(|(message, _)| message);
    let uids: Vec<u32> = found().map(|(_, message)| message.uid).collect();
    let numbers = if by_uid { uids.clone() } else { found().map(|(number, _)| number).collect() };
    let done = "OK searched".to_owned();
    let Some(mut options) = options else {
        let numbers: String = numbers.iter().map(|number| format!(" {number}")).collect();
        return Ok((format!("* SEARCH{numbers}\r\n").into_bytes(), done));
    };
    if options.is_empty() {
        options.push("ALL".to_owned());
    }
    let uid = if by_uid { " UID" } else { "" };
    let mut line = format!("* ESEARCH (TAG \"{}\"){uid}", command.tag);
    let mut save = false;
    for option in &options {
        match (option.as_str(), numbers.first().zip(numbers.last())) {
            ("SAVE", _) => save = true,
            ("COUNT", _) => line += &format!(" COUNT {}", numbers.len()),
            ("ALL", Some(_)) => line += &format!(" ALL {}", set(&numbers)),
            ("MIN", Some((least, _))) => line += &format!(" MIN {least}"),
            ("MAX", Some((_, greatest))) => line += &format!(" MAX {greatest}"),
            ("ALL" | "MIN" | "MAX", None) => {}
            _ => return Err(format!("BAD no return option is called {option}")),
        }
    }
    if save {
        *saved = uids;
    }
    let says_nothing = options.iter().all(|option| option == "SAVE");
    let line = if says_nothing { String::new() } else { line + "\r\n" };
    Ok((line.into_bytes(), done))
}

/// The answer to FETCH or UID FETCH.
pub fn fetch(arguments: &[Argument], by_uid: bool, folder: &Folder, saved: &[u32]) -> Answer {
    let [chosen, items] = arguments else { return Err("BAD arguments are wrong".to_owned()) };
    let chosen = Keys { folder, saved }.chosen(chosen.text(), by_uid).ok_or("BAD no such set")?;
    let mut names: Vec<String> = items.items().iter().map(|item| item.text().to_ascii_uppercase()).collect();
    if by_uid && !names.iter().any(|name| name == "UID") {
        names.insert(0, "UID".to_owned());
    }
    let mut lines = Vec::new();
    for ((number, message), _) in (1..).zip(&folder.messages).zip(chosen).filter(|(_, chosen)| *chosen) {
        let values: Option<Vec<Vec<u8>>> = names.iter().map(|name| item(message, name)).collect();
        let values = values.ok_or("BAD an item cannot be fetched here")?;
        lines.extend(format!("* {number} FETCH (").bytes());
        lines.extend(values.join(&b' '));
        lines.extend(b")\r\n");
    }
    Ok((lines, "OK fetched".to_owned()))
}

/// Numbers in ascending order as a set.
fn set(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let runs = runs.map(|run| match run {
        [only] => only.to_string(),
        run => format!("{}:{}", run[0], run[run.len() - 1]),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// Tells for every message of a folder whether it is meant.
struct Keys<'a> {
    folder: &'a Folder,
    saved: &'a [u32],
}

impl Keys<'_> {
    /// The messages that every one of these keys means.
    fn all(&self, keys: &[Argument]) -> Option<Vec<bool>> {
        let mut meant = self.those(|_, _| true);
        let mut keys = keys.iter();
        while !keys.as_slice().is_empty() {
            meant = meant.into_iter().zip(self.one(&mut keys)?).map(|(one, other)| one && other).collect();
        }
        Some(meant)
    }

    fn one(&self, keys: &mut std::slice::Iter<Argument>) -> Option<Vec<bool>> {
        let key = keys.next()?;
        if let Argument::List(inner) = key {
            return self.all(inner);
        }
        let flagged = |flag: &str, wanted| Some(self.those(|_, message| message.has_flag(flag) == wanted));
        match key.text().to_ascii_uppercase().as_str() {
            "ALL" => Some(self.those(|_, _| true)),
            "UID" => self.chosen(keys.next()?.text(), true),
            "NOT" => Some(self.one(keys)?.into_iter().map(|meant| !meant).collect()),
            "OR" => Some(self.one(keys)?.into_iter().zip(self.one(keys)?).map(|(one, other)| one || other).collect()),
            "SEEN" => flagged("\\Seen", true),
            "UNSEEN" => flagged("\\Seen", false),
            "FLAGGED" => flagged("\\Flagged", true),
            "UNFLAGGED" => flagged("\\Flagged", false),
            "ANSWERED" => flagged("\\Answered", true),
            "UNANSWERED" => flagged("\\Answered", false),
            set => self.chosen(set, false),
        }
    }

    /// The messages of a set of UIDs or of positions; `$` is what was saved.
    fn chosen(&self, set: &str, by_uid: bool) -> Option<Vec<bool>> {
        if set == "$" {
            return Some(self.those(|_, message| self.saved.contains(&message.uid)));
        }
        let messages = &self.folder.messages;
        let count = u32::try_from(messages.len()).ok()?;
        let greatest = if by_uid { messages.last().map_or(0, |last| last.uid) } else { count };
        let number = |text: &str| if text == "*" { Some(greatest) } else { text.parse::<u32>().ok() };
        let mut ranges = Vec::new();
        for range in set.split(',') {
            let (start, end) = range.split_once(':').unwrap_or((range, range));
            let (start, end) = (number(start)?, number(end)?);
            ranges.push(start.min(end)..=start.max(end));
        }
        Some(self.those(|position, message| {
            let number = if by_uid { message.uid } else { position };
            ranges.iter().any(|range| range.contains(&number))
        }))
    }

    fn those(&self, is_meant: impl Fn(u32, &Message) -> bool) -> Vec<bool> {
        (1..).zip(&self.folder.messages).map(|(position, message)| is_meant(position, message)).collect()
    }
}

fn item(message: &Message, name: &str) -> Option<Vec<u8>> {
    let value = match name {
        "UID" => message.uid.to_string(),
        "FLAGS" => format!("({})", message.flags),
        "INTERNALDATE" => format!("\"{}\"", message.received),
        "RFC822.SIZE" => message.raw.len().to_string(),
        "MODSEQ" => format!("({})", message.mod_seq()),
        "BODYSTRUCTURE" => structure(message),
        _ => {
            let (section, partial) = name.strip_prefix("BODY.PEEK[")?.split_once(']')?;
            return section_item(message, section, partial);
        }
    };
    Some(format!("{name} {value}").into_bytes())
}

fn structure(message: &Message) -> String {
    let (header, text) = header_and_text(message);
    let (charset, encoding) = if text.is_ascii() { ("us-ascii", "7BIT") } else { ("utf-8", "8BIT") };
    let lines = text.iter().filter(|octet| **octet == b'\n').count();
    let size = text.len();
    let file =
        String::from_utf8_lossy(header).lines().find_map(|line| Some(line.split_once("; filename=")?.1.to_owned()));
    let disposition = file.map_or("NIL".to_owned(), |file| format!("(\"ATTACHMENT\" (\"FILENAME\" \"{file}\"))"));
    format!(
        "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"{charset}\") NIL NIL \"{encoding}\" {size} {lines} NIL {disposition} NIL NIL)"
    )
}

fn section_item(message: &Message, section: &str, partial: &str) -> Option<Vec<u8>> {
    let (header, text) = header_and_text(message);
    let mut content = match section {
        "" => message.raw.clone(),
        "HEADER" => header.to_vec(),
        "TEXT" | "1" => text.to_vec(),
        "1.MIME" => header.to_vec(),
        fields => fields_of(header, fields.strip_prefix("HEADER.FIELDS (")?.strip_suffix(')')?),
    };
    let mut origin = String::new();
    if !partial.is_empty() {
        let (start, length) = partial.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
        let start: usize = start.parse().ok()?;
        content = content.into_iter().skip(start).take(length.parse().ok()?).collect();
        origin = format!("<{start}>");
    }
    let mut item = format!("BODY[{section}]{origin} {{{}}}\r\n", content.len()).into_bytes();
    item.extend(content);
    Some(item)
}

fn header_and_text(message: &Message) -> (&[u8], &[u8]) {
    let end = message.raw.windows(4).position(|octets| octets == b"\r\n\r\n").map_or(message.raw.len(), |at| at + 4);
    message.raw.split_at(end)
}

/// The named fields as they are written, folded lines with them, and the empty line.
fn fields_of(header: &[u8], names: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut wanted = false;
    for line in header.split_inclusive(|octet| *octet == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
            wanted = names.split(' ').any(|one| one.trim_matches('"').as_bytes().eq_ignore_ascii_case(name));
        }
        if wanted {
            fields.extend(line);
        }
    }
    fields.extend(b"\r\n");
    fields
}
