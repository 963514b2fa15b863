//! Character sets in which some octets change what the following ones mean (RFC 1468, 1557, 1843, 1922).
//!
//! Those that no library decodes become another set of the same characters first.

use std::borrow::Cow;

/// ISO-2022-JP without escape sequences that another one follows at once; decoders take those for an error.
pub(super) fn without_idle_escapes(octets: &[u8]) -> Cow<'_, [u8]> {
    let is_idle = |at: usize| {
        let length = escape(&octets[at..]);
        length > 0 && escape(&octets[at + length..]) > 0
    };
    if !memchr::memchr_iter(ESCAPE, octets).any(is_idle) {
        return octets.into();
    }
    let mut kept = Vec::with_capacity(octets.len());
    let mut at = 0;
    while at < octets.len() {
        let length = escape(&octets[at..]);
        if length > 0 && escape(&octets[at + length..]) > 0 {
            at += length;
        } else {
            kept.extend_from_slice(&octets[at..at + length.max(1)]);
            at += length.max(1);
        }
    }
    kept.into()
}

/// The length of the escape sequence that octets begin with; 0 when there is none.
fn escape(octets: &[u8]) -> usize {
    match octets {
        [ESCAPE, b'$', b'(', b'@'..=b'~', ..] => 4,
        [ESCAPE, b'$', b'@' | b'A' | b'B', ..] | [ESCAPE, b'(', b'@'..=b'~', ..] => 3,
        _ => 0,
    }
}

/// ISO-2022-KR as EUC-KR, or ISO-2022-CN as GB 2312, and whether all of it is that.
pub(super) fn shifted(octets: &[u8], designation: &[u8]) -> (Vec<u8>, bool) {
    let mut plain = Vec::with_capacity(octets.len());
    let (mut is_shifted, mut held) = (false, true);
    let mut rest = octets;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            &ESCAPE => match rest.get(..3) {
                Some([b'$', b')' | b'*' | b'+', _]) => {
                    held &= rest.starts_with(designation);
                    rest = &rest[3..];
                }
                _ => held = false,
            },
            &SHIFT_OUT => is_shifted = true,
            &SHIFT_IN => is_shifted = false,
            b'\n' => {
                // A line begins unshifted (RFC 1557 §2).
                is_shifted = false;
                plain.push(b'\n');
            }
            octet if is_shifted && (0x21..=0x7e).contains(octet) => plain.push(octet | 0x80),
            octet => plain.push(*octet),
        }
    }
    (plain, held)
}

/// HZ as GB 2312, and whether all of it is that.
pub(super) fn unshifted_hz(octets: &[u8]) -> (Vec<u8>, bool) {
    let mut plain = Vec::with_capacity(octets.len());
    let (mut is_double, mut held) = (false, true);
    let mut rest = octets;
    loop {
        rest = match rest {
            [] => return (plain, held),
            [b'~', b'{', tail @ ..] if !is_double => {
                is_double = true;
                tail
            }
            [b'~', b'}', tail @ ..] if is_double => {
                is_double = false;
                tail
            }
            [b'~', b'~', tail @ ..] if !is_double => {
                plain.push(b'~');
                tail
            }
            // A line may go on in the next one.
            [b'~', b'\r', b'\n', tail @ ..] | [b'~', b'\n', tail @ ..] if !is_double => tail,
            [b'\n', tail @ ..] => {
                is_double = false;
                plain.push(b'\n');
                tail
            }
            [high @ 0x21..=0x7e, low @ 0x21..=0x7e, tail @ ..] if is_double => {
                plain.extend([high | 0x80, low | 0x80]);
                tail
            }
            [octet, tail @ ..] => {
                held &= *octet != b'~' && octet.is_ascii();
                plain.push(*octet);
                tail
            }
        };
    }
}

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
