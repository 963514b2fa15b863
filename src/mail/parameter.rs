//! Extended parameters of header fields (RFC 2231): with a character set, or cut into segments.
//!
//! The parser of whole fields decodes each segment for itself, and mailers cut them within a character;
//! so they are joined as octets here. Plain parameters are not its matter: see [`super::structure`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::charset;
use super::encoded_word::hex;

/// The extended value of a parameter in an unfolded field; nothing when there is none.
pub fn extended(field: &str, name: &str) -> Option<String> {
    let all = parameters(field);
    joined(all.iter().map(|(key, value)| (*key, value.as_str())), name)
}

/// The value of a parameter among those of a field, their quotes taken off: extended, or else plain.
pub fn value<'a>(all: &'a [(impl AsRef<str>, impl AsRef<str>)], name: &str) -> Option<Cow<'a, str>> {
    let pairs = || all.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
    if let Some(value) = joined(pairs(), name) {
        return Some(value.trim().to_owned().into());
    }
    pairs().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().into())
}

fn joined<'a>(all: impl Iterator<Item = (&'a str, &'a str)>, name: &str) -> Option<String> {
    let mut segments: BTreeMap<u32, Segment> = BTreeMap::new();
    for (key, value) in all {
        let own = key.split_once('*').filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let Some((_, star)) = own else { continue };
        let (number, is_encoded) = match star.strip_suffix('*') {
            Some(number) => (number, true),
            None => (star, star.is_empty()),
        };
        let number = if number.is_empty() { 0 } else { number.parse().ok()? };
        segments.entry(number).or_insert(Segment { value, is_encoded });
    }
    let first = segments.get(&0)?;
    let label = match first.is_encoded.then(|| first.value.splitn(3, '\'').collect::<Vec<_>>()).as_deref() {
        Some([label, _, _]) => (*label).to_owned(),
        _ => String::new(),
    };
    let mut octets = Vec::new();
    for (number, segment) in &segments {
        let text = match segment.value.splitn(3, '\'').nth(2) {
            Some(text) if *number == 0 && segment.is_encoded => text,
            _ => segment.value,
        };
        let text = charset::encode(text, &label);
        if segment.is_encoded { percent_decoded(&text, &mut octets) } else { octets.extend_from_slice(&text) }
    }
    Some(charset::decode(&octets, Some(&label)).text)
}

struct Segment<'a> {
    value: &'a str,
    is_encoded: bool,
}

/// The parameters after the first semicolon, quotes taken off.
fn parameters(field: &str) -> Vec<(&str, String)> {
    let mut all = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    let mut end = |at: usize| {
        if let Some((name, value)) = field[start..at].split_once('=') {
            all.push((name.trim(), unquoted(value.trim())));
        }
        start = at + 1;
    };
    for (at, octet) in field.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b';' if !quoted => end(at),
            _ => {}
        }
    }
    end(field.len());
    all
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

fn percent_decoded(mut text: &[u8], octets: &mut Vec<u8>) {
    while let [first, rest @ ..] = text {
        text = rest;
        match (first, rest) {
            (b'%', [high, low, rest @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                octets.push(hex(*high) << 4 | hex(*low));
                text = rest;
            }
            (octet, _) => octets.push(*octet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(field: &str) -> Option<String> {
        extended(field, "filename")
    }

    #[test]
    fn a_character_cut_by_two_segments_is_whole() {
        let wanted = Some("café.txt".to_owned());
        assert_eq!(name("attachment; filename*0*=utf-8''caf%C3; filename*1*=%A9.txt"), wanted);
        assert_eq!(name("attachment; FILENAME*1*=%A9.txt; filename*0*=\"UTF-8'en'caf%C3\""), wanted);
        assert_eq!(name("attachment; filename*0*=iso-8859-1''caf%E9; filename*1=\".t\"; filename*2=xt"), wanted);
    }

    #[test]
    fn an_extended_value_is_found_wherever_it_stands() {
        let wanted = Some("x y".to_owned());
        assert_eq!(name("a; filename=\"z; filename*=utf-8''n\\\"o\"; filename*=''x%20y"), wanted);
        assert_eq!(name("a; filename*=utf-8''x%20y; filename=z"), wanted);
        assert_eq!(name("a; filename*0=x; filename*1=\" \"; filename*3=y"), wanted);
    }

    #[test]
    fn an_extended_value_comes_before_a_plain_one() {
        let all = [("Name", "plain "), ("name*", "utf-8''caf%C3%A9"), ("name", "second"), ("size", "3")];
        assert_eq!(value(&all, "name").as_deref(), Some("café"));
        assert_eq!(value(&all[..1], "name").as_deref(), Some("plain"));
        assert_eq!(value(&all, "charset"), None);
    }

    #[test]
    fn what_is_no_extended_value_is_left_to_others() {
        for field in ["a", "a; filename=x", "a; filename*1=x", "a; filename*x=y", "a; filename", ";;=;*=;\""] {
            assert_eq!(name(field), None, "{field}");
        }
        assert_eq!(name("a; filename*=100%").as_deref(), Some("100%"));
        assert_eq!(name("a; filename*=it's").as_deref(), Some("it's"));
    }
}
