//! What a server says of folders: LIST, LSUB, and STATUS (RFC 9051 §7.3).
//!
//! Gives names both as people know them and as the server wrote them, which is what must be sent back. Which folder
//! is which is not decided here. Next: [`super::response`].

use bytes::Bytes;

use super::token::{After, Broken, Cursor};
use crate::mail::charset::header_text;
use crate::mail::{UidValidity, mutf7};

/// A folder as LIST or LSUB names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its attributes as written, with their backslash.
    pub attributes: Vec<String>,
    /// What separates the levels of its path; none in a flat store.
    pub delimiter: Option<char>,
    /// Its path, decoded.
    pub path: String,
    /// Its path as the server wrote it, quotes and escapes taken off.
    pub wire: Bytes,
}

/// The numbers of a folder; what was not said, or is no number, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderStatus {
    /// Its path, decoded.
    pub path: String,
    /// Its path as the server wrote it, quotes and escapes taken off.
    pub wire: Bytes,
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
    /// The sum of sizes, in octets (RFC 8438).
    pub size: Option<u64>,
}

impl Listed {
    /// Reads what comes after LIST or LSUB.
    ///
    /// # Errors
    /// When it is not that: a folder must not get lost.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Broken> {
        let mut attributes = Vec::new();
        if cursor.open()? {
            while !cursor.close() {
                attributes.extend(cursor.text(After::Token)?.map(String::from));
            }
        } else if cursor.string(After::Token)?.is_some() {
            return Err(Broken("the attributes of a folder are no list"));
        }
        let delimiter = delimiter(cursor)?;
        let wire = cursor.folder_name()?;
        // What comes after it (RFC 5258 §6) is not asked for.
        Ok(Self { attributes, delimiter, path: decoded(&wire), wire })
    }

    /// Whether it has the attribute, in any case and with its backslash.
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
    }

    /// Whether LIST told that the user has subscribed to it (RFC 5258 §3.4).
    pub fn is_subscribed(&self) -> bool {
        self.has("\\Subscribed")
    }
}

impl FolderStatus {
    /// Reads what comes after STATUS.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Broken> {
        let wire = cursor.folder_name()?;
        let mut status = Self {
            path: decoded(&wire),
            wire,
            messages: None,
            unseen: None,
            uid_next: None,
            uid_validity: None,
            highest_modseq: None,
            size: None,
        };
        if !cursor.open()? {
            return Err(Broken("the status of a folder is no list"));
        }
        while !cursor.close() {
            let name = cursor.atom().to_ascii_uppercase();
            match name.as_slice() {
                b"" => return Err(Broken("the status of a folder does not hold")),
                b"MESSAGES" => status.messages = cursor.number()?,
                b"UNSEEN" => status.unseen = cursor.number()?,
                b"UIDNEXT" => status.uid_next = cursor.number()?,
                b"UIDVALIDITY" => {
                    let number = cursor.number()?.and_then(|number| u32::try_from(number).ok());
                    status.uid_validity = number.map(UidValidity);
                }
                b"HIGHESTMODSEQ" => status.highest_modseq = cursor.number()?,
                b"SIZE" => status.size = cursor.number()?,
                _ => cursor.skip(After::Token)?,
            }
        }
        Ok(status)
    }
}

/// A name as people know it: modified UTF-7, or else whatever a server writes that does not spell names so.
pub(super) fn decoded(wire: &[u8]) -> String {
    let text = header_text(wire);
    mutf7::decode(&text).unwrap_or_else(|| text.into_owned())
}

fn delimiter(cursor: &mut Cursor<'_>) -> Result<Option<char>, Broken> {
    cursor.peek();
    // A backslash that a server did not escape.
    if cursor.rest().starts_with(b"\"\\\" ") {
        cursor.advance(3);
        return Ok(Some('\\'));
    }
    Ok(cursor.text(After::Token)?.and_then(|text| text.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Result<Listed, Broken> {
        Listed::parse(&mut Cursor::new(&Bytes::copy_from_slice(text.as_bytes())))
    }

    fn names(text: &str) -> (Option<char>, String, String) {
        let listed = listed(text).unwrap();
        (listed.delimiter, listed.path, String::from_utf8_lossy(&listed.wire).into_owned())
    }

    fn status(text: &str) -> Result<FolderStatus, Broken> {
        FolderStatus::parse(&mut Cursor::new(&Bytes::copy_from_slice(text.as_bytes())))
    }

    #[test]
    fn a_name_is_decoded_and_kept_as_it_was_written() {
        let expected = (Some('/'), "Entwürfe".to_owned(), "Entw&APw-rfe".to_owned());
        assert_eq!(names("(\\HasNoChildren) \"/\" \"Entw&APw-rfe\"\r\n"), expected);
        assert_eq!(names("() \"/\" {12}\r\nEntw&APw-rfe\r\n"), expected);
        assert_eq!(names("() \"/\" Entw&APw-rfe (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"), expected);
        assert_eq!(names("() \".\" \"say \\\"x\\\" \\\\ y\"\r\n").1, "say \"x\" \\ y");
        assert_eq!(names("() \".\" R&D\r\n").1, "R&D");
        assert_eq!(names("() \".\" \"Entwürfe\"\r\n").1, "Entwürfe");
    }

    #[test]
    fn delimiters_are_read_however_they_are_written() {
        assert_eq!(names("() \"\\\\\" a\\b\r\n"), (Some('\\'), "a\\b".into(), "a\\b".into()));
        assert_eq!(names("() \"\\\" \"x\"\r\n").0, Some('\\'));
        assert_eq!(names("() NIL INBOX\r\n").0, None);
        assert_eq!(names("NIL \"\" INBOX\r\n").0, None);
        assert_eq!(
            names("(\\Noselect)  .  Public Folders\r\n"),
            (Some('.'), "Public Folders".into(), "Public Folders".into())
        );
    }

    #[test]
    fn attributes_are_found_in_any_case() {
        let folder = listed("(\\HasChildren \\subscribed \\Sent) \"/\" x\r\n").unwrap();
        assert!(folder.is_subscribed() && folder.has("\\sent") && !folder.has("Sent"));
        assert_eq!(folder.attributes[0], "\\HasChildren");
    }

    #[test]
    fn what_is_no_listing_is_an_error() {
        for text in ["", "()", "() \"/\"", "(", "x \"/\" y", "() \"/\" \"x", "(()) \"/\" y", "() ("] {
            assert!(listed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_a_folder_are_read_past_unknown_ones() {
        let text = "\"Entw&APw-rfe\" (MESSAGES 3 X-ODD (1 (2)) MAILBOXID (F2) UNSEEN -1 uidnext 7 UIDVALIDITY 5 SIZE 9000000000 HIGHESTMODSEQ NIL )\r\n";
        let status = status(text).unwrap();
        assert_eq!((status.path.as_str(), status.messages, status.unseen), ("Entwürfe", Some(3), None));
        assert_eq!((status.uid_next, status.uid_validity), (Some(7), Some(UidValidity(5))));
        assert_eq!((status.size, status.highest_modseq), (Some(9_000_000_000), None));
    }

    #[test]
    fn what_is_no_status_of_a_folder_is_an_error() {
        assert_eq!(status("Sent Items ()\r\n").unwrap().path, "Sent Items");
        for text in ["", "x", "x (MESSAGES", "x (MESSAGES 3", "\"x (MESSAGES 3)", "x ((MESSAGES 3))"] {
            assert!(status(text).is_err(), "{text}");
        }
    }
}
