//! Structures as servers tell them, and what is seen of the parts.

use bytes::Bytes;

use super::*;
use crate::mail::structure;

/// Reads a structure in which `(leaf)` stands for a part.
fn told(text: &str) -> Result<Told, Broken> {
    let text = text.replace("(leaf)", "(\"a\" \"b\" NIL NIL NIL \"7BIT\" 1)");
    let frame = Bytes::from(text.clone());
    let mut cursor = Cursor::new(&frame);
    let part = parse(&mut cursor)?;
    assert_eq!(cursor.peek(), None, "{text} is read to its end");
    Ok(part)
}

fn read(text: &str) -> Result<Part, Broken> {
    told(text).map(|told| told.root)
}

fn part(text: &str) -> Part {
    read(text).unwrap()
}

/// The numbers and media types of a part and those below it.
fn tree(part: &Part) -> String {
    let number = part.number.as_ref().map_or("-".to_owned(), ToString::to_string);
    let own = format!("{number} {} {}", part.media_type, part.encoded_size);
    part.parts.iter().fold(own, |all, part| format!("{all} ({})", tree(part)))
}

#[test]
fn parts_are_numbered_as_imap_numbers_them() {
    let text = "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 10 1)((\"text\" \"html\" NIL NIL NIL NIL 20 2)(\"image\" \"png\" NIL \"<a@b>\" NIL \"BASE64\" 30) \"RELATED\") \"MIXED\" (\"BOUNDARY\" \"x\") NIL NIL)";
    let root = part(text);
    assert_eq!(
        tree(&root),
        "- multipart/mixed 0 (1 text/plain 10) (2 multipart/related 0 (2.1 text/html 20) (2.2 image/png 30))"
    );
    let image = &root.parts[1].parts[1];
    assert_eq!((image.content_id.as_deref(), image.encoding.as_ref()), (Some("a@b"), "base64"));
    assert_eq!((root.parts[0].charset.as_deref(), root.parts[1].parts[0].encoding.as_ref()), (Some("utf-8"), "7bit"));
    assert_eq!(tree(&part("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1)")), "1 text/plain 3");
}

#[test]
fn a_server_describes_a_message_as_it_is_described_here() {
    let raw = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"m\"\n\n--m\nContent-Type: multipart/alternative; boundary=a\nContent-ID: <alternative@x>\n\n\
        --a\nContent-Type: Text/Plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: Quoted-Printable\n\ncaf=C3=A9\n\
        --a\nContent-Type: text/html\n\n<p>\n--a--\n--m\n\nno header\n--m\nContent-Type: application/pdf; name=\"=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=.pdf\"\n\
        Content-Disposition: attachment; filename*0*=utf-8''caf%C3;\n filename*1*=%A9; filename*2=\".pdf\"\nContent-Transfer-Encoding: BASE64\nContent-ID: <pdf@x>\n\naGVsbG8=\n\
        --m\nContent-Type: image/png; name=\"say \\\"x\\\" \\\\ y.png\"\nContent-Disposition: INLINE\n\nx\n\
        --m\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=mail.eml\n\nSubject: inside\n\ntext\n--m--\n";
    // What Dovecot 2.3.19 says of it.
    let told = r#"((("Text" "Plain" ("charset" "UTF-8" "format" "flowed") NIL NIL "Quoted-Printable" 9 0 NIL NIL NIL NIL)("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "alternative" ("boundary" "a") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 9 0 NIL NIL NIL NIL)("application" "pdf" ("name" "=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=.pdf") "<pdf@x>" NIL "BASE64" 8 NIL ("attachment" ("filename*" "utf-8''caf%C3%A9.pdf")) NIL NIL)("image" "png" ("name" "say \"x\" \\ y.png") NIL NIL "7bit" 1 NIL ("INLINE" NIL) NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 23 (NIL "inside" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL) 2 NIL ("attachment" ("filename" "mail.eml")) NIL NIL) "mixed" ("boundary" "m") NIL NIL NIL)"#;
    assert_eq!(part(told), structure::scan(&Bytes::from(raw.replace('\n', "\r\n"))).root);
}

#[test]
fn an_attached_message_is_a_leaf_however_much_of_it_is_told() {
    let envelope = "(\"date\" NIL NIL NIL NIL NIL NIL NIL NIL \"<id>\")";
    let body = "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1)(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1) \"MIXED\")";
    let end = "NIL (\"attachment\" (\"filename\" \"x.eml\")) NIL NIL";
    for middle in [
        format!("{envelope} {body} 12 {end}"),
        format!("{envelope} {body} {end}"),
        format!("({envelope}) {body} 12 {end}"),
        format!("NIL {body} 12 {end}"),
        format!("NIL NIL 12 {end}"),
        format!("12 {end}"),
        end.to_owned(),
    ] {
        for kind in ["\"MESSAGE\" \"RFC822\"", "\"message\" \"global\""] {
            let leaf = part(&format!("({kind} NIL NIL NIL \"7bit\" 345 {middle})"));
            assert!(leaf.parts.is_empty() && leaf.media_type.starts_with("message/"), "{middle}");
            assert_eq!((leaf.encoded_size, leaf.name.as_deref()), (345, Some("x.eml")), "{middle}");
            assert_eq!(leaf.disposition.as_deref(), Some("attachment"), "{middle}");
        }
    }
}

#[test]
fn multiparts_without_parts_are_multiparts() {
    for (text, expected) in [
        ("(NIL \"MIXED\" (\"boundary\" \"x\") NIL NIL)", "- multipart/mixed 0"),
        ("(\"ALTERNATIVE\")", "- multipart/alternative 0"),
        ("(\"ALTERNATIVE\" (\"BOUNDARY\" \"x\") NIL NIL)", "- multipart/alternative 0"),
        ("(\"mixed\" (\"boundary\" \"x\") NIL NIL)", "- multipart/mixed 0"),
        ("(\"multipart\" \"mixed\" (\"boundary\" \"x\") NIL NIL \"7bit\" 0)", "- multipart/mixed 0"),
        ("((\"ALTERNATIVE\") \"MIXED\")", "- multipart/mixed 0 (1 multipart/alternative 0)"),
        (
            "((NIL \"RELATED\" (\"boundary\" \"x\") NIL)(leaf) \"MIXED\")",
            "- multipart/mixed 0 (1 multipart/related 0) (2 a/b 1)",
        ),
    ] {
        assert_eq!(tree(&part(text)), expected, "{text}");
    }
}

#[test]
fn what_is_left_out_is_not_there() {
    for (text, expected) in [
        ("(NIL NIL NIL NIL NIL NIL 4)", "1 text/plain 4"),
        ("(\"\" \"\" NIL NIL NIL \"7bit\" 4 NIL NIL NIL NIL)", "1 text/plain 4"),
        ("(\"text\" \"\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1)", "1 text/plain 4"),
        ("(\"TEXT\" NIL NIL NIL NIL NIL 5)", "1 text/plain 5"),
        ("(\"X\" NIL () NIL NIL NIL 5)", "1 text/plain 5"),
        ("((leaf))", "- multipart/mixed 0 (1 a/b 1)"),
        ("((leaf) NIL)", "- multipart/mixed 0 (1 a/b 1)"),
        ("((leaf) \"MIXED\")", "- multipart/mixed 0 (1 a/b 1)"),
        ("((leaf)  (leaf)\"MIXED\" NIL NIL)", "- multipart/mixed 0 (1 a/b 1) (2 a/b 1)"),
    ] {
        assert_eq!(tree(&part(text)), expected, "{text}");
    }
    let leaf = part("(\"A\" \"B\" (\"name\" NIL \"charset\" \"\" \"odd\") NIL NIL \"\" 3)");
    assert_eq!((leaf.name, leaf.charset.as_deref(), leaf.encoding.as_ref()), (None, Some(""), "7bit"));
}

#[test]
fn dispositions_are_found_where_they_are() {
    let image = |end: &str| part(&format!("(\"IMAGE\" \"PNG\" NIL NIL NIL \"BASE64\" 9{end})"));
    for end in [
        " NIL (\"INLINE\" (\"FILENAME\" \"x\"))",
        " \"md5==\" (\"INLINE\" (\"FILENAME\" \"x\")) (\"en\" \"de\") \"location\" 5 (6 (7))",
        " (\"INLINE\" (\"FILENAME\" \"x\")) NIL",
        " NIL NIL (\"inline\" (\"filename\" \"x\"))",
    ] {
        let image = image(end);
        assert_eq!((image.disposition.as_deref(), image.name.as_deref()), (Some("inline"), Some("x")), "{end}");
    }
    for (end, disposition) in [
        (" NIL \"inline\" NIL NIL", Some("inline")),
        (" NIL (\"attachment\" NIL)", Some("attachment")),
        (" NIL (\"form-data\" NIL) NIL", Some("form-data")),
        (" NIL (\"x-odd\") NIL", Some("x-odd")),
        (" NIL (\"ATTACHMENT\")", Some("attachment")),
        (" NIL (\"\\\"attachment\\\"\" ())", Some("attachment")),
        (" NIL (NIL (\"x\" \"y\"))", None),
        (" NIL () NIL NIL", None),
        (" NIL NIL (\"en\") NIL", None),
        ("", None),
    ] {
        assert_eq!(image(end).disposition.as_deref(), disposition, "{end}");
    }
    let mixed = part("((leaf)(leaf) \"MIXED\" NIL (\"attachment\" (\"filename\" \"x\")) (\"en\"))");
    assert_eq!((mixed.disposition.as_deref(), mixed.name.as_deref()), (Some("attachment"), Some("x")));
}

#[test]
fn names_are_decoded_in_every_form() {
    let name = |parameters: &str, disposition: &str| {
        part(&format!("(\"A\" \"B\" ({parameters}) NIL NIL NIL 1 NIL (\"attachment\" ({disposition})))")).name
    };
    for (parameters, disposition) in [
        ("\"name\" \"plain\"", "\"FILENAME\" \"=?utf-8?Q?caf=C3=A9?=\""),
        ("\"NAME*0*\" \"utf-8''caf%C3\" \"NAME*1*\" \"%A9\"", ""),
        ("", "\"filename\" \"cafe\" \"filename*\" \"iso-8859-1''caf%E9\""),
        ("\"name\" {5}\r\ncaf\u{e9}", "\"filename\" NIL"),
        ("\"name\" \"caf\u{e9}\"", ""),
    ] {
        assert_eq!(name(parameters, disposition).as_deref(), Some("café"), "{parameters} {disposition}");
    }
    assert_eq!(name("\"name\" \"the \"best\" of.pdf\" \"x\" \"y\"", "").as_deref(), Some("the \"best\" of.pdf"));
    assert_eq!(name("\"name\" \" \"", ""), None);
}

#[test]
fn what_is_no_tree_is_an_error() {
    for text in [
        "NIL",
        "\"TEXT\"",
        "()",
        "(",
        "((",
        "(\"TEXT\" \"PLAIN\"",
        "(\"TEXT\" \"PLAIN",
        "((leaf) \"MIXED\" (",
        "(1 (2 3) \"x\")",
        "(\"TEXT\" \"PLAIN\" NIL NIL 7BIT 3 1)",
        "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\")",
        "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" -1 NIL)",
        "((leaf) NIL (leaf) \"MIXED\")x",
        "((leaf)() \"MIXED\")",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    for depth in [64, 100_000] {
        let text = format!("{}(leaf){}", "(".repeat(depth), ")".repeat(depth));
        assert!(read(&text).is_err());
    }
}

#[test]
fn a_multipart_that_may_have_no_parts_is_for_the_message_itself_to_tell() {
    let empty = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)";
    for text in [
        // What Dovecot 2.3.19 says of a boundary that never comes, of none, and of an empty one.
        &*format!("({empty} \"mixed\" (\"boundary\" \"bb\") NIL NIL NIL)"),
        &*format!("({empty} \"mixed\" NIL NIL NIL NIL)"),
        "((leaf)(leaf) \"mixed\" (\"boundary\" \"\") NIL NIL NIL)",
        &*format!("((leaf)({empty} \"mixed\") \"mixed\")"),
        "((leaf) \"mixed\" NIL NIL NIL)",
        "(((leaf) \"mixed\" (\"boundary\" \"b\"))(leaf) \"mixed\" (\"boundary\" \"b\"))",
        "((leaf) \"mixed\" (\"type\" \"a/b\"))",
        "(\"mixed\" NIL NIL NIL)",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    for text in [format!("({empty}{empty} \"mixed\")"), "((leaf) \"mixed\" (\"boundary\" \"b\"))".to_owned()] {
        assert!(read(&text).is_ok(), "{text}");
    }
}

#[test]
fn deep_and_wide_trees_are_bounded() {
    let deep = format!("{}(leaf){}", "(".repeat(63), " \"MIXED\")".repeat(63));
    assert!(tree(&part(&deep)).contains("1.1.1.1.1.1"));
    let wide = format!("({} \"MIXED\")", "(leaf)".repeat(MAX_PARTS + 500));
    assert_eq!(part(&wide).parts.len(), MAX_PARTS - 1);
}
