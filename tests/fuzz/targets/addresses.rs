//! Addresses: each is one mailbox and no list, and what is written for a name is read as that and nothing else.

use mailql::mail::Mailbox;
use mailql::mail::address::{Address, Fault};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (all, fault) = Address::read(&text);
    let octets: usize = all.iter().flat_map(|one| [&one.name, &one.address]).flatten().map(String::len).sum();
    // A name may be decoded: each octet of an old character set is three of UTF-8 at most; a comma that was left out is added.
    assert!(octets <= 4 * text.len() + 8, "{octets} of {}", text.len());
    for one in &all {
        assert!(one.name.is_some() || one.address.is_some(), "{all:?}");
        let is_folded =
            |name: &String| !name.is_empty() && name.split_whitespace().collect::<Vec<_>>().join(" ") == *name;
        assert!(one.name.as_ref().is_none_or(is_folded), "{:?}", one.name);
        one.address.as_deref().inspect(|address| mailbox(address));
    }
    if all.iter().any(|one| one.address.is_none()) {
        assert_eq!(fault, Some(Fault::Unreadable), "{all:?}");
    }
    // Two lists next to each other are both, where neither needs to be guessed at and no word or quote goes over both.
    if !text.contains("=?")
        && fault.is_none()
        && !all.is_empty()
        && all.iter().all(|one| one.name.is_none())
        && !text.contains([':', ';', '(', '"', '['])
    {
        let twice = Address::parse_all(&format!("{text}, {text}"));
        assert_eq!(twice, [all.clone(), all].concat());
    }
    name(&text);
}

/// No comma, no blank and one sign outside of quotes.
fn mailbox(address: &str) {
    let (mut is_quoted, mut is_escaped, mut signs) = (false, false, 0);
    for letter in address.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            '@' if !is_quoted => signs += 1,
            letter => assert!(is_quoted || !(letter.is_ascii_whitespace() || ",;<>".contains(letter)), "{address:?}"),
        }
    }
    assert!(signs <= 1 && !address.is_empty(), "{address:?}");
}

/// Whatever a name is, the mailbox that is written for it has one recipient.
fn name(text: &str) {
    let written = Mailbox::written(Some(text), "me@example.org").expect("the address is one");
    let strict = Mailbox::parse_list(&written).expect("what is written is read");
    assert_eq!(strict.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(), ["me@example.org"], "{written:?}");
    if !text.contains("=?") {
        let read = Address::parse_all(&written);
        let addresses: Vec<_> = read.iter().map(|one| one.address.as_deref()).collect();
        assert_eq!(addresses, [Some("me@example.org")], "{written:?}");
    }
}
