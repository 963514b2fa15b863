//! Tokens as servers write them, and as they should not.

use super::*;

/// What a response is taken for: lists in parentheses, strings in `<>`, NIL as `-`.
fn shown(text: &str, after: After) -> Result<String, Broken> {
    let frame = Bytes::copy_from_slice(text.as_bytes());
    let mut cursor = Cursor::new(&frame);
    let mut shown = String::new();
    while let Some(next) = cursor.peek() {
        if cursor.open()? {
            shown.push('(');
        } else if cursor.close() {
            shown.push(')');
        } else if next == b')' {
            return Err(Broken("a list ends that has not begun"));
        } else {
            let string = cursor.text(after)?;
            shown.push_str(&string.map_or("-".to_owned(), |text| format!("<{text}>")));
        }
    }
    Ok(shown)
}

fn any(text: &str) -> String {
    shown(text, After::Token).unwrap()
}

#[test]
fn tokens_are_found_whatever_stands_between_them() {
    assert_eq!(any("a  (b\tNIL ())\r\n"), "<a>(<b>-())");
    assert_eq!(any("(\"x\" (nil)y)\n"), "(<x>(-)<y>)");
    assert_eq!(any("\\Seen $x {a nil] 8"), "<\\Seen><$x><{a><nil]><8>");
}

#[test]
fn literals_are_taken_whole() {
    assert_eq!(any("({3}\r\na)\" ~{2}\r\n\r\n {1+}\nx {0}\r\n)\r\n"), "(<a)\"><\r\n><x><>)");
    assert_eq!(shown("({5}\r\nabc)\r\n", After::Token), Err(Broken("a literal is longer than its response")));
    assert!(shown("{99999999999999999999999}\r\nabc)\r\n", After::Token).is_err());
}

#[test]
fn quoted_strings_are_unescaped() {
    assert_eq!(any(r#""say \"hi\"" "\\Inbox" "" "a\nb" "\\""#), r#"<say "hi"><\Inbox><><a\nb><\>"#);
    assert_eq!(any("\"gr\u{fc}n\""), "<gr\u{fc}n>");
    assert!(shown("(\"abc)\r\n", After::Token).is_err());
}

#[test]
fn quotes_that_nobody_escaped_are_text() {
    assert_eq!(any(r#"("the "best"of" NIL)"#), r#"(<the "best"of>-)"#);
    let shown = |text, after| shown(text, after).unwrap();
    assert_eq!(shown(r#"("a "b" c" NIL "x" 3)"#, After::Value), r#"(<a "b" c>-<x><3>)"#);
    assert_eq!(shown(r#""a "b" c""#, After::Name), r#"<a "b" c>"#);
    assert_eq!(shown(r#"("a" nilpotent" NIL)"#, After::Value), r#"(<a" nilpotent>-)"#);
}

#[test]
fn octets_share_the_frame() {
    let frame = Bytes::from_static(b"{3}\r\nabc \"d\\\"e\"\r\n");
    let mut cursor = Cursor::new(&frame);
    let shared = cursor.octets(After::Token).unwrap().unwrap();
    assert_eq!(shared.as_ptr(), frame[5..].as_ptr());
    assert_eq!(cursor.octets(After::Token).unwrap().unwrap(), "d\"e");
}

#[test]
fn a_section_is_one_name() {
    let text = b"BODY[HEADER.FIELDS (A \"B]\" {2}\r\n]C)]<0> BODY[]{1} UID RFC822.SIZE(\r\n";
    let frame = Bytes::from_static(text);
    let mut cursor = Cursor::new(&frame);
    let mut names = Vec::new();
    while !matches!(cursor.peek(), None | Some(b'(')) {
        names.push(String::from_utf8_lossy(cursor.item_name().unwrap()).into_owned());
    }
    let section = "BODY[HEADER.FIELDS (A \"B]\" {2}\r\n]C)]<0>";
    assert_eq!(names, [section, "BODY[]", "{1}", "UID", "RFC822.SIZE"]);
    let frame = Bytes::from_static(b"BODY[1 UID 5)");
    assert!(Cursor::new(&frame).item_name().is_err());
}

#[test]
fn names_of_folders_are_read_however_they_are_written() {
    for (text, name, rest) in [
        ("\"Sent \\\"Items\\\"\" (MESSAGES 1)\r\n", "Sent \"Items\"", " (MESSAGES 1)"),
        ("\"a \"b\" c\"\r\n", "a \"b\" c", ""),
        ("Sent Items (X)\r\n", "Sent Items", " (X)"),
        ("[Gmail]/All(1)\r\n", "[Gmail]/All(1)", ""),
        ("NIL\r\n", "NIL", ""),
        ("{5}\r\na (b) (X)\r\n", "a (b)", " (X)"),
    ] {
        let frame = Bytes::from_static(text.as_bytes());
        let mut cursor = Cursor::new(&frame);
        assert_eq!(cursor.folder_name().unwrap(), name);
        assert_eq!(cursor.rest(), rest.as_bytes());
    }
}

#[test]
fn nesting_has_a_limit_and_passing_over_has_none() {
    let deep = "(".repeat(100_000) + &")".repeat(100_000);
    assert_eq!(shown(&deep, After::Token), Err(TOO_DEEP));
    let frame = Bytes::from(deep);
    let mut cursor = Cursor::new(&frame);
    cursor.skip(After::Value).unwrap();
    assert_eq!(cursor.peek(), None);
}

#[test]
fn numbers_are_digits_alone() {
    let frame = Bytes::from_static(b"18446744073709551615 18446744073709551616 -1 x (1 2) \"7\" NIL 5000000000 )");
    let mut cursor = Cursor::new(&frame);
    let numbers: Vec<_> = (0..9).map(|_| cursor.number().unwrap()).collect();
    assert_eq!(numbers, [Some(u64::MAX), None, None, None, None, Some(7), None, Some(5_000_000_000), None]);
}

#[test]
fn lists_are_as_deep_in_lists_as_they_may_be() {
    for (nesting, depth, opens) in [(5, 4, true), (5, 5, true), (5, 6, false), (MAX_DEPTH, MAX_DEPTH, true)] {
        let frame = Frame { nesting, ..Frame::new("(".repeat(depth)) };
        let mut cursor = Cursor::of(&frame);
        assert_eq!((0..depth).all(|_| cursor.open().is_ok()), opens, "{depth} of {nesting}");
    }
}
