//! A few folders of simple mail, and what a good server answers about them.
//!
//! Every answer is computed, nothing is sent and no folder changed. Searching and fetching are in `messages`.

use super::command::{Argument, Command};
use super::messages;

/// A folder with its messages in ascending order of their UIDs.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its name; levels are parted by `/`.
    pub name: String,
    /// Which life of the folder the UIDs belong to.
    pub uid_validity: u32,
    /// What lies in it.
    pub messages: Vec<Message>,
}

/// A message of type text/plain.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its number, for ever.
    pub uid: u32,
    /// Its flags as they are written, parted by spaces.
    pub flags: String,
    /// Header and text, with CRLF line ends.
    pub raw: Vec<u8>,
    /// When it arrived, as INTERNALDATE is written.
    pub received: String,
}

/// What a session has opened and saved.
#[derive(Debug, Default)]
pub struct State {
    /// Whether the client has signed in.
    pub signed_in: bool,
    /// The folder that it examines.
    pub folder: Option<String>,
    /// The UIDs that `$` stands for (RFC 5182).
    pub saved: Vec<u32>,
}

/// Untagged lines and the status that ends the command, or only a status that refuses it.
pub type Answer = Result<(Vec<u8>, String), String>;

impl Folder {
    /// A folder with these messages.
    pub fn new(name: &str, messages: Vec<Message>) -> Self {
        Self { name: name.to_owned(), uid_validity: 1, messages }
    }

    /// The UID of the next message.
    pub fn uid_next(&self) -> u32 {
        self.messages.last().map_or(1, |last| last.uid + 1)
    }

    /// The greatest modification sequence (RFC 7162).
    pub fn highest_mod_seq(&self) -> u32 {
        self.messages.iter().map(Message::mod_seq).max().unwrap_or(1)
    }

    fn unseen(&self) -> usize {
        self.messages.iter().filter(|message| !message.has_flag("\\Seen")).count()
    }
}

impl Message {
    /// A message; its lines may end with LF alone.
    pub fn new(uid: u32, flags: &str, raw: &str) -> Self {
        let raw = raw.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        Self { uid, flags: flags.to_owned(), raw, received: "06-Jan-2025 10:00:00 +0000".to_owned() }
    }

    /// Its modification sequence, which follows from the UID.
    pub fn mod_seq(&self) -> u32 {
        self.uid + 100
    }

    /// Whether it has a flag, in any case.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.split(' ').any(|own| own.eq_ignore_ascii_case(flag))
    }
}

/// Three mails in the inbox, one of them read, and an empty archive.
pub fn small() -> Vec<Folder> {
    let mail = |uid, flags, subject: &str| {
        let header = format!("From: Ada <ada@example.org>\nTo: me@example.com\nSubject: {subject}\n");
        Message::new(uid, flags, &format!("{header}Message-ID: <{uid}@example.org>\n\nText of {subject}.\n"))
    };
    let inbox = vec![mail(1, "\\Seen", "first"), mail(2, "", "second"), mail(5, "\\Flagged", "fifth")];
    vec![Folder::new("INBOX", inbox), Folder::new("Archive", Vec::new())]
}

/// What a good server answers to a command about folders or messages.
pub fn answer(command: &Command, folders: &[Folder], state: &mut State) -> Answer {
    if !state.signed_in {
        return Err("BAD not signed in".to_owned());
    }
    let arguments = &command.arguments;
    match command.name.as_str() {
        name @ ("LIST" | "LSUB") => list(name, arguments, folders),
        "STATUS" => {
            let [name, items] = arguments.as_slice() else { return syntax() };
            let folder = named(folders, name.text()).ok_or("NO [NONEXISTENT] no such folder")?;
            Ok((status(folder, items.items())?, "OK status told".to_owned()))
        }
        "EXAMINE" => {
            state.folder = None;
            let folder = arguments.first().and_then(|name| named(folders, name.text()));
            let folder = folder.ok_or("NO [NONEXISTENT] no such folder")?;
            state.folder = Some(folder.name.clone());
            state.saved.clear();
            Ok((examined(folder), "OK [READ-ONLY] opened".to_owned()))
        }
        name @ ("SEARCH" | "UID SEARCH" | "FETCH" | "UID FETCH") => {
            let folder =
                state.folder.as_deref().and_then(|name| named(folders, name)).ok_or("BAD no folder is open")?;
            let by_uid = name.starts_with("UID");
            if name.ends_with("SEARCH") {
                messages::search(command, by_uid, folder, &mut state.saved)
            } else {
                messages::fetch(arguments, by_uid, folder, &state.saved)
            }
        }
        _ => Err("BAD this server only lets read".to_owned()),
    }
}

fn syntax() -> Answer {
    Err("BAD arguments are wrong".to_owned())
}

fn named<'a>(folders: &'a [Folder], name: &str) -> Option<&'a Folder> {
    let is_inbox = |name: &str| name.eq_ignore_ascii_case("INBOX");
    folders.iter().find(|folder| folder.name == name || is_inbox(&folder.name) && is_inbox(name))
}

/// LIST, or LSUB, with one pattern or many and RETURN options (RFC 5258, RFC 5819); what is to be selected is not looked at.
fn list(name: &str, arguments: &[Argument], folders: &[Folder]) -> Answer {
    let arguments = match arguments {
        [Argument::List(_), rest @ ..] => rest,
        all => all,
    };
    let [reference, patterns, options @ ..] = arguments else { return syntax() };
    let done = "OK listed".to_owned();
    if patterns.items().iter().all(|pattern| pattern.text().is_empty()) {
        return Ok((b"* LIST (\\Noselect) \"/\" \"\"\r\n".to_vec(), done));
    }
    let mut items = None;
    if let [word, Argument::List(options)] = options
        && word.text().eq_ignore_ascii_case("RETURN")
    {
        let mut options = options.iter();
        if options.any(|option| option.text().eq_ignore_ascii_case("STATUS")) {
            items = options.next().map(Argument::items);
        }
    }
    let mut lines = Vec::new();
    for folder in folders {
        let is_meant = |pattern: &Argument| {
            matches(format!("{}{}", reference.text(), pattern.text()).as_bytes(), folder.name.as_bytes())
        };
        if patterns.items().iter().any(is_meant) {
            lines.extend(format!("* {name} (\\HasNoChildren) \"/\" {}\r\n", quote(&folder.name)).bytes());
            if let Some(items) = items {
                lines.extend(status(folder, items)?);
            }
        }
    }
    Ok((lines, done))
}

/// Whether a name is what a pattern with `*` and `%` means (RFC 3501 section 6.3.8).
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        ([b'*', rest @ ..], name) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        ([b'%', rest @ ..], name) => {
            let level = name.iter().position(|octet| *octet == b'/').unwrap_or(name.len());
            (0..=level).any(|skipped| matches(rest, &name[skipped..]))
        }
        ([first, pattern @ ..], [letter, name @ ..]) => first.eq_ignore_ascii_case(letter) && matches(pattern, name),
        (_, []) => false,
    }
}

fn status(folder: &Folder, items: &[Argument]) -> Result<Vec<u8>, String> {
    let mut values = Vec::new();
    for item in items {
        let name = item.text().to_ascii_uppercase();
        let value = match name.as_str() {
            "MESSAGES" => folder.messages.len().to_string(),
            "RECENT" => 0.to_string(),
            "UNSEEN" => folder.unseen().to_string(),
            "UIDNEXT" => folder.uid_next().to_string(),
            "UIDVALIDITY" => folder.uid_validity.to_string(),
            "HIGHESTMODSEQ" => folder.highest_mod_seq().to_string(),
            _ => return Err(format!("BAD no status item is called {name}")),
        };
        values.push(format!("{name} {value}"));
    }
    Ok(format!("* STATUS {} ({})\r\n", quote(&folder.name), values.join(" ")).into_bytes())
}

fn examined(folder: &Folder) -> Vec<u8> {
    format!(
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
         * OK [PERMANENTFLAGS ()] nothing can be changed\r\n\
         * {} EXISTS\r\n\
         * 0 RECENT\r\n\
         * OK [UIDVALIDITY {}] the UIDs of this life\r\n\
         * OK [UIDNEXT {}] the next UID\r\n\
         * OK [HIGHESTMODSEQ {}] the last change\r\n",
        folder.messages.len(),
        folder.uid_validity,
        folder.uid_next(),
        folder.highest_mod_seq()
    )
    .into_bytes()
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
