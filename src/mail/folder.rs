//! Folders: where messages are, and what is known of a folder without reading it.

use super::UidValidity;

/// What a folder is for (RFC 6154, RFC 8457), by its attribute or else by a well-known name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where new mail arrives.
    Inbox,
    /// Copies of what was sent.
    Sent,
    /// Unfinished messages.
    Drafts,
    /// What was deleted.
    Trash,
    /// Spam.
    Junk,
    /// What is kept.
    Archive,
    /// Every message of the account.
    All,
    /// Messages that are marked.
    Flagged,
}

impl Role {
    /// The role's name as shown in the `role` column.
    pub fn name(self) -> &'static str {
        match self {
            Role::Inbox => "inbox",
            Role::Sent => "sent",
            Role::Drafts => "drafts",
            Role::Trash => "trash",
            Role::Junk => "junk",
            Role::Archive => "archive",
            Role::All => "all",
            Role::Flagged => "flagged",
        }
    }

    /// The role that a folder's name suggests, by its last component and in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let known = [
            (Role::Inbox, &["inbox"][..]),
            (Role::Sent, &["sent", "sent items", "sent mail", "sent messages"]),
            (Role::Drafts, &["drafts", "draft"]),
            (Role::Trash, &["trash", "deleted items", "deleted messages", "bin"]),
            (Role::Junk, &["junk", "spam", "junk e-mail", "junk email", "bulk mail"]),
            (Role::Archive, &["archive", "archives"]),
            (Role::All, &["all mail"]),
            (Role::Flagged, &["starred", "flagged"]),
        ];
        let name = name.to_lowercase();
        known.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(role, _)| *role)
    }
}

/// A folder of an account; what was not asked for, or is not known, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The full path, decoded.
    pub path: String,
    /// What separates the levels of the path; none in a flat store.
    pub delimiter: Option<char>,
    /// What it is for.
    pub role: Option<Role>,
    /// Attributes as listed (RFC 9051 §7.3.1), with their backslash.
    pub attributes: Vec<String>,
    /// Whether it can hold messages.
    pub selectable: bool,
    /// Whether the user has subscribed to it, where there is such a thing.
    pub subscribed: Option<bool>,
    /// Number of messages.
    pub messages: Option<u64>,
    /// Number of messages without `\Seen`.
    pub unseen: Option<u64>,
    /// The uid that the next message will get, or more.
    pub uid_next: Option<u64>,
    /// Whether its uids are still the same.
    pub uid_validity: Option<UidValidity>,
    /// The highest mod-sequence (RFC 7162).
    pub highest_modseq: Option<u64>,
    /// Sum of the sizes of its messages, in octets (RFC 8438).
    pub size: Option<u64>,
}

impl Folder {
    /// A folder of which only the path is known; its role is the one that its name suggests.
    pub fn named(path: impl Into<String>, delimiter: Option<char>) -> Self {
        let path = path.into();
        let mut folder = Self {
            path,
            delimiter,
            role: None,
            attributes: Vec::new(),
            selectable: true,
            subscribed: None,
            messages: None,
            unseen: None,
            uid_next: None,
            uid_validity: None,
            highest_modseq: None,
            size: None,
        };
        folder.role = Role::of_name(folder.name());
        folder
    }

    /// The last level of the path.
    pub fn name(&self) -> &str {
        self.delimiter.and_then(|delimiter| self.path.rsplit(delimiter).next()).unwrap_or(&self.path)
    }

    /// The path above the last level, where there is one.
    pub fn parent(&self) -> Option<&str> {
        self.delimiter.and_then(|delimiter| self.path.rsplit_once(delimiter)).map(|(parent, _)| parent)
    }
}

/// Which folders to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderPattern {
    /// All of them.
    All,
    /// Those with exactly these paths; others that are listed too do no harm.
    Named(Vec<String>),
    /// The same, but a store that would have to ask a server may take them for there; reading one that is not is an error
    /// then, of the kind [`NotFound`](crate::ErrorKind::NotFound).
    Presumed(Vec<String>),
}

impl FolderPattern {
    /// The paths that it names; nothing when it names none.
    pub fn names(&self) -> Option<&[String]> {
        match self {
            FolderPattern::All => None,
            FolderPattern::Named(names) | FolderPattern::Presumed(names) => Some(names),
        }
    }

    /// Whether a folder with that path is among those to list.
    pub fn has(&self, path: &str) -> bool {
        self.names().is_none_or(|names| names.iter().any(|name| name == path))
    }
}

/// Which numbers of a folder are wanted; each may cost a look into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusItems {
    /// Number of messages.
    pub messages: bool,
    /// Number of messages without `\Seen`.
    pub unseen: bool,
    /// The next uid.
    pub uid_next: bool,
    /// The uid validity.
    pub uid_validity: bool,
    /// The highest mod-sequence.
    pub highest_modseq: bool,
    /// The sum of sizes.
    pub size: bool,
}

impl StatusItems {
    /// Whether nothing is wanted beyond the names.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
