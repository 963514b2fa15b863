//! A message, read as far as was asked for.
//!
//! It comes in the same form from a server and from a file. It holds what was read and interprets
//! it on demand; it reads nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::content::Extent;
use super::{Flags, Header, Part, PartNumber, Uid, UidValidity};

/// Microseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// An identifier that a store gives, as it tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreId {
    /// The store says that the message has none.
    Absent,
    /// The identifier.
    Given(String),
}

impl StoreId {
    /// The identifier, if there is one.
    pub fn given(&self) -> Option<&str> {
        match self {
            StoreId::Absent => None,
            StoreId::Given(id) => Some(id),
        }
    }
}

/// A message; what was not asked for, or is not there, is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its uid.
    pub uid: Uid,
    /// The uid validity of its folder while it was read.
    pub uid_validity: UidValidity,
    /// Its flags and keywords.
    pub flags: Option<Flags>,
    /// When the store received it.
    pub received_at: Option<Timestamp>,
    /// Its size in octets, with CRLF line ends.
    pub size: Option<u64>,
    /// Its labels.
    pub labels: Option<Vec<String>>,
    /// The store's own thread identifier.
    pub thread_id: Option<StoreId>,
    /// The store's own message identifier.
    pub email_id: Option<StoreId>,
    /// Its mod-sequence.
    pub mod_seq: Option<u64>,
    /// Its header, or the fields of it that were asked for.
    pub header: Option<Header>,
    /// Its tree of parts.
    pub structure: Option<Part>,
    /// Parts that the store may describe otherwise than their own headers do.
    pub doubtful: Vec<PartNumber>,
    /// The attachments whose contents are wanted; none where all of them are.
    pub wanted_attachments: Option<BTreeSet<PartNumber>>,
    /// Contents of parts, as they were transferred: not decoded.
    pub contents: BTreeMap<PartNumber, Bytes>,
    /// The first octets of parts that a preview is made of, not decoded.
    pub beginnings: BTreeMap<PartNumber, (Bytes, Extent)>,
    /// The part that must be read next to know the preview.
    pub preview_next: Option<(PartNumber, Extent)>,
    /// The whole message, with CRLF line ends.
    pub raw: Option<Bytes>,
    /// What could not be read of it.
    pub problems: Vec<String>,
}

impl Message {
    /// A message of which nothing is known but where it is.
    pub fn new(uid: Uid, uid_validity: UidValidity) -> Self {
        Self {
            uid,
            uid_validity,
            flags: None,
            received_at: None,
            size: None,
            labels: None,
            thread_id: None,
            email_id: None,
            mod_seq: None,
            header: None,
            structure: None,
            doubtful: Vec::new(),
            wanted_attachments: None,
            contents: BTreeMap::new(),
            beginnings: BTreeMap::new(),
            preview_next: None,
            raw: None,
            problems: Vec::new(),
        }
    }
}
