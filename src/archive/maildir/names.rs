//! What the name of a file in a Maildir tells: which message it is, its flags, its size.
//!
//! Pure: reads no file. The names come from [`super::listing`].

use std::collections::BTreeMap;

use crate::mail::{Flag, Flags};

/// The name up to the flags, which stays the same for as long as the message is there.
pub(super) fn base(name: &[u8]) -> &[u8] {
    split(name).0
}

/// Whether the name has the flag.
pub(super) fn has(name: &[u8], flag: Flag) -> bool {
    LETTERS.iter().any(|(letter, meant)| *meant == flag && split(name).1.contains(letter))
}

/// The flags that the name tells, and the keywords, whose letters a file of the folder explains.
pub(super) fn flags(name: &[u8], keywords: &BTreeMap<u8, String>) -> Flags {
    let mut flags = Flags::default();
    for letter in split(name).1 {
        if let Some((_, flag)) = LETTERS.iter().find(|(known, _)| known == letter) {
            flags.set(*flag);
        } else if let Some(keyword) = keywords.get(letter) {
            flags.set_name(keyword);
        }
    }
    flags
}

/// The size with CRLF line ends, where the name tells it.
pub(super) fn size_with_crlf(name: &[u8]) -> Option<u64> {
    let base = base(name);
    let from = memchr::memmem::rfind(base, b",W=")? + 3;
    let digits = base[from..].iter().take_while(|octet| octet.is_ascii_digit()).count();
    std::str::from_utf8(&base[from..from + digits]).ok()?.parse().ok()
}

/// Keywords by their letters, from lines such as `0 $Forwarded`.
pub(super) fn keywords(text: &str) -> BTreeMap<u8, String> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter_map(|(number, keyword)| {
            let number: u8 = number.parse().ok().filter(|number| *number < 26)?;
            Some((b'a' + number, keyword.trim().to_owned()))
        })
        .collect()
}

const LETTERS: [(u8, Flag); 5] =
    [(b'R', Flag::Answered), (b'F', Flag::Flagged), (b'T', Flag::Deleted), (b'S', Flag::Seen), (b'D', Flag::Draft)];

/// The base and the letters of the flags. Where `:` cannot be in a name, `;` or `!` stands for it.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let starts = name.windows(3).rposition(|three| matches!(three, [b':' | b';' | b'!', b'1' | b'2', b',']));
    match starts {
        Some(at) if name[at + 1] == b'2' => (&name[..at], &name[at + 3..]),
        Some(at) => (&name[..at], b""),
        None => (name, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_from_the_end_of_the_name_on_every_system() {
        let none = BTreeMap::new();
        for name in ["1.a.host:2,FRS", "1.a.host;2,FRS", "1.a.host!2,FRS"] {
            assert_eq!(base(name.as_bytes()), b"1.a.host");
            assert_eq!(flags(name.as_bytes(), &none).to_string(), "\\Answered \\Flagged \\Seen");
            assert!(has(name.as_bytes(), Flag::Seen) && !has(name.as_bytes(), Flag::Draft));
        }
        assert_eq!(flags(b"1.a:2,DPT", &none).to_string(), "\\Deleted \\Draft");
        assert_eq!(flags(b"1.a:1,S", &none).to_string(), "");
        assert_eq!((base(b"1.a!x:2,"), base(b"1.a")), (&b"1.a!x"[..], &b"1.a"[..]));
    }

    #[test]
    fn small_letters_are_keywords_of_the_folder() {
        let keywords = keywords("0 $Forwarded\n1 work\n26 no\nbad\n");
        assert_eq!(flags(b"1.a:2,Sabz", &keywords).to_string(), "\\Seen $Forwarded work");
        assert_eq!(keywords.len(), 2);
    }

    #[test]
    fn sizes_are_read_from_the_base_of_the_name() {
        assert_eq!(size_with_crlf(b"1.a,S=10,W=12:2,S"), Some(12));
        assert_eq!(size_with_crlf(b"1.a,S=10:2,W=3"), None);
        assert_eq!(size_with_crlf(b"1.a,W=:2,"), None);
        assert_eq!(size_with_crlf(b"1.a,W=99999999999999999999999"), None);
    }
}
