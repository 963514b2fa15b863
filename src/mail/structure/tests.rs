//! Messages that are taken apart.

use super::*;

fn leaves(part: &Part) -> Vec<String> {
    let own =
        (part.parts.is_empty()).then(|| part.number.as_ref().map(|number| format!("{number} {}", part.media_type)));
    own.flatten().into_iter().chain(part.parts.iter().flat_map(leaves)).collect()
}

fn content(structure: &Structure, number: &PartNumber) -> String {
    String::from_utf8_lossy(&structure.content(number).unwrap()).into_owned()
}

#[test]
fn parts_are_numbered_as_imap_numbers_them() {
    let raw = "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\n\r\none\r\n--b\r\nContent-Type: TEXT/HTML\r\n\r\n<p>\r\n--b--\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--a--\r\nepilogue";
    let structure = scan(&Bytes::from_static(raw.as_bytes()));
    assert_eq!(leaves(&structure.root), ["1.1 text/plain", "1.2 text/html", "2 message/rfc822"]);
    assert_eq!(content(&structure, &PartNumber::top(1).below(1)), "one");
    assert_eq!(content(&structure, &PartNumber::top(2)), "Subject: x\r\n\r\ny");
}

/// The contents of all parts, in their order.
fn contents(raw: &str) -> Vec<String> {
    let structure = scan(&Bytes::from(raw.replace('\n', "\r\n")));
    let numbers: Vec<_> = structure.contents.keys().cloned().collect();
    numbers.iter().map(|number| format!("{number} {}", content(&structure, number))).collect()
}

#[test]
fn a_line_is_a_boundary_when_it_begins_with_one() {
    let mail = |lines: &str| format!("Content-Type: multipart/mixed; boundary=b\n\n{lines}\n--b--\n");
    assert_eq!(contents(&mail("--b\n\nsee --b here\n-- b\n- -b\nend")), ["1 see --b here\r\n-- b\r\n- -b\r\nend"]);
    assert_eq!(contents(&mail("--b ignored\n\none\n--b-\n\ntwo\n--bcd\n\nthree")), ["1 one", "2 two", "3 three"]);
    assert_eq!(contents(&mail("--b \t\n\none\n--b--ignored\n--b\n\nepilogue")), ["1 one"]);
    let quoted = "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\none\n--b--\n";
    assert_eq!(contents(quoted), ["1 one"]);
}

#[test]
fn a_line_belongs_to_the_longest_boundary_that_it_begins_with() {
    let inner = "Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--bb\n\ntwo\n--bb--\n";
    let outer = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n{inner}\n--b\n\nthree\n--b--\n");
    assert_eq!(contents(&outer), ["1.1 one", "1.2 two", "2 three"]);
    // Those of an attached message, too.
    let attached = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b\n\nthree\n--b--\n"
    );
    assert_eq!(contents(&attached).len(), 2);
    assert!(contents(&attached)[0].ends_with("--bb--\r\n"));
    let swapped =
        outer.replace("bb", "x").replace("=b\n", "=xy\n").replace("--b\n", "--xy\n").replace("--b--", "--xy--");
    assert_eq!(contents(&swapped), ["1.1 one", "1.2 two", "2 three"]);
}

#[test]
fn a_multipart_without_its_end_ends_with_the_one_around_it() {
    let raw = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo";
    assert_eq!(contents(raw), ["1.1 one", "2 two"]);
    let header_only = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/html\n--o\n\ntwo\n--o--\n";
    assert_eq!(contents(header_only), ["1 ", "2 two"]);
}

#[test]
fn a_long_line_of_boundaries_costs_no_more_than_others() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &"--b".repeat(1_000_000);
    assert_eq!(leaves(&scan(&Bytes::from(raw)).root), Vec::<String>::new());
}

#[test]
fn a_parameter_without_its_semicolon_is_read() {
    let raw = "Content-Type: multipart/mixed\r\n\tboundary=\"b\"\r\n\r\n--b\r\nContent-Disposition: attachment filename=x.txt; size=3\r\n\r\nx\r\n--b--\r\n";
    let structure = scan(&Bytes::from_static(raw.as_bytes()));
    assert_eq!(leaves(&structure.root), ["1 text/plain"]);
    assert_eq!(structure.root.parts[0].name.as_deref(), Some("x.txt"));
}

#[test]
fn a_name_without_a_disposition_is_read() {
    let raw = "Content-Type: ; name=y\r\nContent-Disposition: ; filename=x.txt\r\n\r\nx";
    let root = scan(&Bytes::from_static(raw.as_bytes())).root;
    assert_eq!((root.media_type.as_ref(), root.disposition, root.name.as_deref()), ("text/plain", None, Some("x.txt")));
}

#[test]
fn what_cannot_be_taken_apart_is_text() {
    let structure = scan(&Bytes::from_static(b"Content-Type: multipart/mixed\r\n\r\nbody"));
    assert_eq!(leaves(&structure.root), ["1 text/plain"]);
    let mut deep = String::new();
    for level in 0..MAX_DEPTH + 50 {
        let part = format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
        deep.push_str(&part);
    }
    assert_eq!(leaves(&scan(&Bytes::from(deep)).root).len(), 1);
}

#[test]
fn names_are_decoded_in_every_form() {
    let name = |fields: &'static str| scan(&Bytes::from_static(fields.as_bytes())).root.name;
    assert_eq!(name("Content-Disposition: attachment; filename=\r\n \"x y.pdf\"\r\n\r\n").as_deref(), Some("x y.pdf"));
    assert_eq!(name("Content-Type: a/b; name=\"=?utf-8?Q?caf=C3=A9?=\"\r\n\r\n").as_deref(), Some("café"));
    assert_eq!(
        name("Content-Disposition: attachment; filename*0*=utf-8''caf%C3%A9; filename*1=\".txt\"\r\n\r\n").as_deref(),
        Some("café.txt")
    );
    assert_eq!(
        name("Content-Disposition: attachment; filename=\"=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=.txt\"\r\n\r\n").as_deref(),
        Some("café.txt")
    );
    assert_eq!(
        name("Content-Disposition: attachment; filename=cafe.txt; filename*=utf-8''caf%C3%A9.txt\r\n\r\n").as_deref(),
        Some("café.txt")
    );
}

#[test]
fn a_raw_name_is_read_in_the_character_set_of_the_text() {
    let mail = |charset: &str, name: &[u8]| {
        let text = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset={charset}\r\n\r\nx\r\n--b\r\n"
        );
        let mut raw = text.into_bytes();
        raw.extend(b"Content-Disposition: attachment; filename=\"");
        raw.extend(name);
        raw.extend(b"\"\r\n\r\nx\r\n--b--\r\n");
        let part = scan(&Bytes::from(raw)).root.parts.remove(1);
        (part.name.unwrap_or_default(), part.raw_name.is_some())
    };
    assert_eq!(mail("gbk", b"\xb7\xa2\xc6\xb12026.pdf"), ("发票2026.pdf".to_owned(), true));
    // The second octet of this letter is a backslash.
    assert_eq!(mail("shift_jis", b"\x95\x5c.pdf"), ("表.pdf".to_owned(), true));
    assert_eq!(mail("gbk", "发票.pdf".as_bytes()), ("发票.pdf".to_owned(), false));
    assert_eq!(mail("utf-8", b"caf\xe9.pdf"), ("café.pdf".to_owned(), true));
}

#[test]
fn the_root_of_a_related_multipart_is_told() {
    let raw = "Content-Type: multipart/related; boundary=b; start=\"<root@x>\"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n";
    assert_eq!(scan(&Bytes::from(raw)).root.start.as_deref(), Some("root@x"));
}
