//! What to read of each message: the fetch items of RFC 9051 §6.4.5, as plain data.
//!
//! Columns decide what is in it; backends read that and nothing else. The uid always comes along.

use std::collections::BTreeSet;
use std::fmt;

/// Which header fields to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeaderFetch {
    /// None.
    #[default]
    None,
    /// Those with these names, in lower case.
    Fields(BTreeSet<&'static str>),
    /// The whole header.
    All,
}

/// What to read of each message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Flags and keywords.
    pub flags: bool,
    /// When the store received it (INTERNALDATE).
    pub received_at: bool,
    /// Its size in octets, with CRLF line ends (RFC822.SIZE).
    pub size: bool,
    /// Labels, where the store has them (`X-GM-LABELS`).
    pub labels: bool,
    /// The store's own thread identifier (RFC 8474, `X-GM-THRID`).
    pub thread_id: bool,
    /// The store's own message identifier (RFC 8474, `X-GM-MSGID`).
    pub email_id: bool,
    /// The mod-sequence (RFC 7162).
    pub mod_seq: bool,
    /// Header fields.
    pub header: HeaderFetch,
    /// The tree of parts (BODYSTRUCTURE).
    pub structure: bool,
    /// The first octets of the part that a preview is made of.
    pub preview: bool,
    /// The contents of the parts that are the message's text; implies its structure.
    pub text: bool,
    /// The contents of attachments; implies its structure.
    pub attachments: bool,
    /// The whole message as it is.
    pub raw: bool,
}

impl Fetch {
    /// Adds header fields.
    pub fn fields(&mut self, names: &[&'static str]) {
        match &mut self.header {
            HeaderFetch::All => {}
            HeaderFetch::Fields(fields) => fields.extend(names),
            HeaderFetch::None => self.header = HeaderFetch::Fields(names.iter().copied().collect()),
        }
    }

    /// Whether contents of parts, or the whole message, are among it.
    pub fn has_content(&self) -> bool {
        self.preview || self.text || self.attachments || self.raw
    }

    /// Whether there is nothing to read but the uid.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is in this one and not in `other`; a header that is there in part is read again whole.
    #[must_use]
    pub fn without(&self, other: &Fetch) -> Fetch {
        let header = match (&self.header, &other.header) {
            (HeaderFetch::None, _) | (_, HeaderFetch::All) => HeaderFetch::None,
            (HeaderFetch::Fields(wanted), HeaderFetch::Fields(there)) if wanted.is_subset(there) => HeaderFetch::None,
            (HeaderFetch::Fields(wanted), HeaderFetch::Fields(there)) => {
                HeaderFetch::Fields(wanted.union(there).copied().collect())
            }
            (wanted, _) => wanted.clone(),
        };
        Fetch {
            flags: self.flags && !other.flags,
            received_at: self.received_at && !other.received_at,
            size: self.size && !other.size,
            labels: self.labels && !other.labels,
            thread_id: self.thread_id && !other.thread_id,
            email_id: self.email_id && !other.email_id,
            mod_seq: self.mod_seq && !other.mod_seq,
            header,
            structure: self.structure && !other.structure,
            preview: self.preview && !other.preview,
            text: self.text && !other.text,
            attachments: self.attachments && !other.attachments,
            raw: self.raw && !other.raw,
        }
    }
}

impl fmt::Display for Fetch {
    /// As IMAP names the items; parts whose numbers only the structure tells are named for what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UID")?;
        let before = [
            (self.flags, " FLAGS"),
            (self.received_at, " INTERNALDATE"),
            (self.size, " RFC822.SIZE"),
            (self.labels, " LABELS"),
            (self.thread_id, " THREADID"),
            (self.email_id, " EMAILID"),
            (self.mod_seq, " MODSEQ"),
        ];
        let after = [
            (self.structure, " BODYSTRUCTURE"),
            (self.preview, " BODY[preview]"),
            (self.text, " BODY[text]"),
            (self.attachments, " BODY[attachments]"),
            (self.raw, " BODY[]"),
        ];
        before.iter().filter(|(wanted, _)| *wanted).try_for_each(|(_, name)| f.write_str(name))?;
        match &self.header {
            HeaderFetch::None => {}
            HeaderFetch::Fields(names) => {
                let names: Vec<_> = names.iter().map(|name| name.to_uppercase()).collect();
                write!(f, " HEADER.FIELDS ({})", names.join(" "))?;
            }
            HeaderFetch::All => f.write_str(" HEADER")?,
        }
        after.iter().filter(|(wanted, _)| *wanted).try_for_each(|(_, name)| f.write_str(name))
    }
}
