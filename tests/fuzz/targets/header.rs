//! Headers: fields, encoded words, parameters, addresses, dates.

use std::borrow::Cow;

use bytes::Bytes;
use mailql::mail::address::Address;
use mailql::mail::{Header, date, encoded_word, parameter};

pub fn check(data: &[u8]) {
    let header = Header::parse(Bytes::copy_from_slice(data));
    let mut octets = 0;
    for field in header.fields() {
        octets += field.name.len() + field.value.len() + 1;
        assert!(!field.name.is_empty() && field.name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':'));
        let unfolded = field.unfolded();
        assert!(!unfolded.contains(['\r', '\n']), "{unfolded:?} is one line");
        assert!(unfolded.len() <= 3 * field.value.len());
        assert!(field.text().len() <= 3 * unfolded.len(), "{} of {unfolded:?}", field.text().len());
        text(&unfolded);
        assert_eq!(header.all(field.name).next().map(|first| first.text()), header.text(field.name));
    }
    assert!(octets <= data.len(), "no octet is in two fields");
    assert!(header.problems().len() <= header.fields().count() + 3);
    for name in ["from", "references", "in-reply-to"] {
        for id in header.message_ids(name) {
            assert!(id.starts_with('<') && id.ends_with('>') && !id.contains(char::is_whitespace), "{id:?}");
        }
    }
    let authors = header.addresses("from");
    let author = authors.iter().find(|author| author.address.is_some()).or(authors.first());
    assert_eq!(header.author(), author);
    text(&String::from_utf8_lossy(data));
}

fn text(text: &str) {
    let decoded = encoded_word::decode(text);
    assert!(decoded.len() <= 3 * text.len(), "{} of {text:?}", decoded.len());
    assert_eq!(encoded_word::decoded(Cow::Borrowed(text)), decoded);
    assert_eq!(encoded_word::decode(&encoded_word::normalise(text)), decoded, "{:?}", encoded_word::normalise(text));
    if let Some(run) = encoded_word::decode_run_only(text) {
        // Blanks after the last word are no part of a run.
        assert_eq!(run.trim_end(), decoded.trim_end());
    }
    if !text.contains("=?") {
        assert!(decoded == text && !encoded_word::is_broken(text));
    }
    // What is read by the quick way, the thorough one reads alike; a blank more keeps it from being quick.
    let instant = date::parse(text);
    assert_eq!(instant.is_some().then(|| date::parse(&format!(" {text}"))), instant.map(Some), "{text:?}");
    if let Some(day) = instant.and_then(date::utc_day) {
        assert_eq!(date::shifted(day, 1).and_then(|next| date::shifted(next, -1)), Some(day));
    }
    let addresses = Address::parse_all(text);
    let is_plain = !text.contains(['(', ':', ';', '\\']) && text.matches('"').count().is_multiple_of(2);
    if is_plain {
        assert_eq!(addresses, Address::parse_all(&format!("{text} ")), "{text:?}");
    }
    assert!(addresses.len() <= text.len());
    for address in &addresses {
        let all = || [&address.name, &address.address].into_iter().flatten();
        assert!(all().count() > 0 && all().all(|text| !text.is_empty()));
        assert_eq!(address.domain().is_some(), address.address.as_deref().is_some_and(|text| text.contains('@')));
    }
    for name in ["filename", "name", "charset", "boundary"] {
        if let Some(value) = parameter::extended(text, name) {
            assert!(value.len() <= 3 * text.len(), "{} of {text:?}", value.len());
        }
    }
}
