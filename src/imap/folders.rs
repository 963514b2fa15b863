//! Listing folders: their names, and the numbers that a server tells without opening them.
//!
//! One flight where the server can (RFC 5819), two where it cannot. Reads no message.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use super::command::{self, Command, WireName};
use super::listing::{FolderStatus, Listed};
use super::pool::Lease;
use super::refusal::{accepted, kind};
use super::response::Response;
use super::resume::Resume;
use super::session::Event;
use super::status::Condition;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{Folder, FolderPattern, Role, StatusItems};

/// The folders of an account, with the names by which the server knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    folders: BTreeMap<String, (Folder, WireName)>,
}

impl Listing {
    /// The folders, by path.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders.values().map(|(folder, _)| folder)
    }

    /// A folder.
    pub fn folder(&self, path: &str) -> Option<&Folder> {
        self.folders.get(path).map(|(folder, _)| folder)
    }

    /// The name by which the server knows a folder.
    pub fn name(&self, path: &str) -> Option<&WireName> {
        self.folders.get(path).map(|(_, name)| name)
    }
}

/// Lists the folders that match, with the numbers that are asked for.
///
/// # Errors
/// When the server refuses to list, or the connection is lost.
pub async fn list(lease: &mut Lease, pattern: &FolderPattern, status: StatusItems, resume: &Resume) -> Result<Listing> {
    let able = lease.capabilities.clone();
    let in_one = status.is_empty() || able.has("LIST-STATUS");
    let names = pattern.names().filter(|names| names.len() <= FEW).unwrap_or_default();
    let extended = able.has("LIST-EXTENDED");
    let mut answers = Answers::default();
    if !names.is_empty() {
        let mut commands: Vec<Command> =
            names.iter().map(|name| command::list_one(&WireName::of(name), status, &able)).collect();
        commands.extend((!extended).then(command::list_subscribed));
        answers.hear(lease, commands, resume).await?;
    }
    // A name that is not spelled as names are spelled is found among all only.
    if names.is_empty() || !names.iter().all(|name| answers.listed.contains_key(name)) {
        let mut commands = vec![command::list_all(status, &able)];
        commands.extend((!extended && names.is_empty()).then(command::list_subscribed));
        answers.hear(lease, commands, resume).await?;
        if answers.listed.is_empty() {
            return Err(Error::new(ErrorKind::Server, "the server says that there are no folders at all")
                .hint("every account has an INBOX; it may work again in a moment"));
        }
    }
    if !in_one {
        let selectable = answers.listed.iter().filter(|(path, listed)| pattern.has(path) && is_selectable(listed));
        let commands: Vec<Command> = selectable
            .map(|(_, listed)| command::status(&WireName::listed(listed.wire.clone()), status, &able))
            .collect();
        for some in commands.chunks(TOGETHER) {
            answers.hear(lease, some.to_vec(), resume).await?;
        }
    }
    Ok(answers.listing(extended))
}

/// What a server said of its folders.
#[derive(Debug, Default)]
struct Answers {
    listed: BTreeMap<String, Listed>,
    subscribed: Option<Vec<String>>,
    statuses: Vec<FolderStatus>,
}

impl Answers {
    /// Sends commands together and takes what comes.
    async fn hear(&mut self, lease: &mut Lease, commands: Vec<Command>, resume: &Resume) -> Result<()> {
        let meter = resume.meter();
        meter.connections.add(lease.number);
        meter.round_trips.add(1);
        meter.commands.add(commands.len());
        for command in &commands {
            meter.asked.note(command.to_string());
        }
        lease.send(commands).await?;
        let mut refusal = None;
        while !lease.is_idle() {
            let event = lease.next().await;
            resume.count(lease.take_counts());
            match event? {
                Event::Untagged(Response::List(listed)) => {
                    let mut path = listed.path.clone();
                    // Names of two folders may be decoded to one: `R&D` and `R&-D`.
                    while self.listed.get(&path).is_some_and(|known| known.wire != listed.wire) {
                        path.push('~');
                    }
                    self.listed.insert(path, listed);
                    within(self.listed.len())?;
                }
                Event::Untagged(Response::Lsub(listed)) => {
                    let subscribed = self.subscribed.get_or_insert_default();
                    subscribed.push(listed.path);
                    within(subscribed.len())?;
                }
                Event::Untagged(Response::FolderStatus(status)) => {
                    self.statuses.push(status);
                    within(self.statuses.len())?;
                }
                Event::Untagged(_) => {}
                // One folder that cannot be looked into hides no other; its numbers are not known then.
                Event::Done(command, status)
                    if command.verb() == "STATUS"
                        && status.condition == Condition::No
                        && match kind(&status) {
                            ErrorKind::Throttled => false,
                            ErrorKind::Unavailable => resume.is_last(),
                            _ => true,
                        } => {}
                // Who does not say what is subscribed may still list all folders.
                Event::Done(command, status) if command.verb() == "LSUB" => {
                    if status.condition == Condition::Ok {
                        self.subscribed.get_or_insert_default();
                    }
                }
                Event::Done(command, status) => {
                    refusal = refusal.or(accepted(&command, status, lease.family).err());
                }
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// The folders; `extended` when LIST itself told which are subscribed.
    fn listing(self, extended: bool) -> Listing {
        let mut folders = BTreeMap::new();
        // A status may spell a name otherwise than the list does.
        let wires: HashSet<&Bytes> = self.listed.values().map(|listed| &listed.wire).collect();
        let (same, other): (Vec<_>, Vec<_>) =
            self.statuses.into_iter().partition(|status| wires.contains(&status.wire));
        let mut by_wire: HashMap<_, _> = same.into_iter().map(|status| (status.wire.clone(), status)).collect();
        let mut by_path: HashMap<_, _> = other.into_iter().map(|status| (status.path.clone(), status)).collect();
        // Some are listed only because of what is below them.
        for (path, listed) in self.listed.into_iter().filter(|(_, listed)| !listed.has("\\NonExistent")) {
            let mut folder = Folder::named(path.clone(), listed.delimiter);
            folder.selectable = is_selectable(&listed);
            folder.role = role(&listed).or(folder.role);
            folder.subscribed = match &self.subscribed {
                Some(subscribed) => Some(subscribed.contains(&listed.path)),
                None => extended.then(|| listed.is_subscribed()),
            };
            folder.attributes = listed.attributes;
            if let Some(status) = by_wire.remove(&listed.wire).or_else(|| by_path.remove(&listed.path)) {
                folder.messages = status.messages;
                folder.unseen = status.unseen;
                folder.uid_next = status.uid_next;
                folder.uid_validity = status.uid_validity;
                folder.highest_modseq = status.highest_modseq;
                folder.size = status.size;
            }
            folders.insert(path, (folder, WireName::listed(listed.wire)));
        }
        Listing { folders }
    }
}

/// So many folders may be listed.
///
/// # Errors
/// When there are more: a list without an end would fill the memory.
fn within(folders: usize) -> Result<()> {
    if folders <= MOST_FOLDERS {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Server, format!("the server lists more than {MOST_FOLDERS} folders")))
}

fn is_selectable(listed: &Listed) -> bool {
    !listed.has("\\Noselect") && !listed.has("\\NonExistent")
}

/// What a folder is for, by its attributes (RFC 6154).
fn role(listed: &Listed) -> Option<Role> {
    let known = [
        ("\\Sent", Role::Sent),
        ("\\Drafts", Role::Drafts),
        ("\\Trash", Role::Trash),
        ("\\Junk", Role::Junk),
        ("\\Archive", Role::Archive),
        ("\\All", Role::All),
        ("\\Flagged", Role::Flagged),
    ];
    known.iter().find(|(attribute, _)| listed.has(attribute)).map(|(_, role)| *role)
}

/// More folders than any account has.
const MOST_FOLDERS: usize = 100_000;

/// So many names are asked for one by one.
const FEW: usize = 20;

/// Commands that are sent together.
const TOGETHER: usize = 100;
