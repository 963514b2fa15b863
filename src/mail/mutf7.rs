//! Modified UTF-7: how folder names are spelled in IMAP and in directories (RFC 3501 §5.1.3).
//!
//! Pure and strict: what is not exactly how a name must be spelled is refused, so that every name
//! has one spelling. Nothing here knows folders; `archive` and the wire use it.

/// The name that is spelled so; nothing when it is no valid spelling.
pub fn decode(spelled: &str) -> Option<String> {
    let mut name = String::with_capacity(spelled.len());
    let mut rest = spelled;
    let mut shifted_before = false;
    while let Some(first) = rest.chars().next() {
        if first != '&' {
            if !is_direct(first) {
                return None;
            }
            name.push(first);
            rest = &rest[1..];
            shifted_before = false;
            continue;
        }
        let (run, after) = rest[1..].split_once('-')?;
        if run.is_empty() {
            name.push('&');
            shifted_before = false;
        } else {
            // Two shifts in a row could have been one: not a valid spelling.
            if shifted_before {
                return None;
            }
            name.push_str(&decoded_run(run)?);
            shifted_before = true;
        }
        rest = after;
    }
    Some(name)
}

/// How a name is spelled.
pub fn encode(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    let mut run: Vec<u16> = Vec::new();
    for letter in name.chars() {
        if !is_direct(letter) && letter != '&' {
            let mut units = [0; 2];
            run.extend_from_slice(letter.encode_utf16(&mut units));
            continue;
        }
        push_run(&mut spelled, &mut run);
        spelled.push(letter);
        if letter == '&' {
            spelled.push('-');
        }
    }
    push_run(&mut spelled, &mut run);
    spelled
}

/// Whether the character stands for itself; `&` does not.
fn is_direct(letter: char) -> bool {
    matches!(letter, ' '..='~') && letter != '&'
}

fn decoded_run(run: &str) -> Option<String> {
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut units: Vec<u16> = Vec::new();
    for digit in run.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == digit)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push(u16::try_from(bits >> held).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    let text = String::from_utf16(&units).ok()?;
    let minimal = held < 6 && bits == 0 && !text.is_empty();
    let needed = text.chars().all(|letter| !is_direct(letter) && letter != '&');
    (minimal && needed).then_some(text)
}

fn push_run(spelled: &mut String, run: &mut Vec<u16>) {
    if run.is_empty() {
        return;
    }
    spelled.push('&');
    let (mut bits, mut held) = (0_u32, 0_u32);
    for unit in run.drain(..) {
        bits = (bits << 16) | u32::from(unit);
        held += 16;
        while held >= 6 {
            held -= 6;
            spelled.push(digit(bits >> held));
            bits &= (1 << held) - 1;
        }
    }
    if held > 0 {
        spelled.push(digit(bits << (6 - held)));
    }
    spelled.push('-');
}

fn digit(value: u32) -> char {
    // Masked to six bits, which index the 64 letters.
    char::from(ALPHABET[(value & 0x3f) as usize])
}

/// Base64 with `,` in the place of `/`.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_rfc_spells_them() {
        let pairs = [
            ("INBOX", "INBOX"),
            ("R&-D", "R&D"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("&2D3eAA-", "😀"),
            ("&IKw-&-&IKw-", "€&€"),
        ];
        for (spelled, name) in pairs {
            assert_eq!(decode(spelled).as_deref(), Some(name), "{spelled}");
            assert_eq!(encode(name), spelled);
        }
    }

    #[test]
    fn what_is_no_exact_spelling_is_refused() {
        for bad in ["R&D", "&", "&AC8-", "&IKw-&IKw-", "&IKx-", "&IKwA-", "&2D0-", "über", "a\tb", "&A-"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_name_comes_back() {
        for name in ["", "&", "&&", "-", "a-&-b", "ü", "üü", "üüü", "a😀b\u{7f}\u{0}c", "/,/"] {
            assert_eq!(decode(&encode(name)).as_deref(), Some(name));
        }
    }
}
