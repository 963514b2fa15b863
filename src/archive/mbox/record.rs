//! What the index of an mbox knows of one message.
//!
//! Filled by [`super::scan`], kept by [`super::kept`], read by [`super::entry`].

use crate::mail::{Flag, Flags};

/// Where a message is, how large it is, and its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Where its `From ` line starts.
    pub(super) offset: u64,
    /// Octets from there to its end; the empty line before the next message is not in it.
    pub(super) length: u64,
    /// Octets of the message itself, unquoted and with CRLF line ends.
    pub(super) size: u64,
    /// When it was received, in microseconds; [`NO_DATE`] where nothing tells.
    pub(super) received_at: i64,
    /// Octets from the offset to the end of the header.
    pub(super) header: u32,
    /// Its flags, a bit each in their order, and the bits below.
    pub(super) state: u16,
}

/// Stands for no date.
pub(super) const NO_DATE: i64 = i64::MIN;

/// Flags that are not set and that a label could tell are not known: the labels are in no language that is known.
const LABELS_UNKNOWN: u16 = 0x20;

/// The message has keywords, which its header tells.
pub(super) const HAS_KEYWORDS: u16 = 0x40;

/// Its state is kept in its header, where it may be changed.
pub(super) const KEPT_IN_PLACE: u16 = 0x80;

/// There is no empty line before its `From ` line.
pub(super) const NO_EMPTY_LINE: u16 = 0x100;

/// Its `From ` line has none of the usual forms.
pub(super) const UNUSUAL_LINE: u16 = 0x200;

/// A line of it may have been meant to begin another message.
pub(super) const MAY_HOLD_ANOTHER: u16 = 0x400;

/// Its Content-Length points to the end of the file or beyond: when the file grows, it may hold.
pub(super) const LENGTH_OPEN: u16 = 0x800;

/// The bits that tell of its first line.
pub(super) const OF_ITS_LINE: u16 = NO_EMPTY_LINE | UNUSUAL_LINE;

impl Record {
    /// Whether the message has the flag, where that is known.
    pub(super) fn has(&self, flag: Flag) -> Option<bool> {
        let is_set = self.state & bit(flag) != 0;
        let is_known = is_set || self.state & LABELS_UNKNOWN == 0 || !OF_LABELS.contains(&flag);
        is_known.then_some(is_set)
    }

    /// What is to be told of how it was found in the file.
    pub(super) fn problems(&self) -> impl Iterator<Item = &'static str> {
        let told = [
            (NO_EMPTY_LINE, "no empty line before the message"),
            (UNUSUAL_LINE, "the line \"From …\" before the message has no usual form"),
            (MAY_HOLD_ANOTHER, "a line \"From …\" in the message may begin another one"),
        ];
        let state = self.state;
        told.into_iter().filter(move |(bit, _)| state & bit != 0).map(|(_, problem)| problem)
    }
}

/// The flags that labels tell.
pub(super) const OF_LABELS: [Flag; 3] = [Flag::Seen, Flag::Flagged, Flag::Draft];

/// The bits for the flags.
pub(super) fn bits_of(flags: &Flags) -> u16 {
    let set = Flag::ALL.into_iter().filter(|flag| flags.has(*flag) == Some(true)).map(bit).sum::<u16>();
    let is_unknown = Flag::ALL.into_iter().any(|flag| flags.has(flag).is_none());
    set | if is_unknown { LABELS_UNKNOWN } else { 0 }
}

/// The bit of a flag; part of the format of the index on disk.
fn bit(flag: Flag) -> u16 {
    match flag {
        Flag::Answered => 1,
        Flag::Flagged => 2,
        Flag::Deleted => 4,
        Flag::Seen => 8,
        Flag::Draft => 16,
    }
}
