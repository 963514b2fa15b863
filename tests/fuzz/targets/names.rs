//! Names of folders, spelled in modified UTF-7: every name has one spelling, and every spelling one name.

use mailql::mail::mutf7;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let spelled = mutf7::encode(&text);
    assert!(spelled.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{spelled:?} is printable ASCII");
    assert!(spelled.len() <= 4 * text.len() + 2, "{} of {}", spelled.len(), text.len());
    assert_eq!(mutf7::decode(&spelled).as_deref(), Some(&*text), "what is spelled is read as it was");
    if let Some(name) = mutf7::decode(&text) {
        assert_eq!(mutf7::encode(&name), text, "a name has one spelling");
    }
}
