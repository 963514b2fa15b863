//! What rows say, and what broken ones keep.

use super::*;
use crate::mail::Flag;

fn row(text: &str) -> Row {
    *Row::parse(7, &mut Cursor::new(&Bytes::copy_from_slice(text.as_bytes())), false)
}

fn whole(text: &str) -> Row {
    let row = row(text);
    assert_eq!(row.broken, None, "{text}");
    row
}

fn id(id: Option<&StoreId>) -> Option<&str> {
    id.and_then(StoreId::given)
}

fn five() -> Option<Uid> {
    Uid::new(5)
}

#[test]
fn scalars_are_read_in_any_order_and_case() {
    let row = whole(
        "(rfc822.size 5000000000 FLAGS (\\Seen $Work \\Recent)  MODSEQ (12) UID 5 INTERNALDATE \" 1-Jan-2024 00:00:01 +0000\")\r\n",
    );
    assert_eq!((row.sequence, row.uid, row.size, row.mod_seq), (7, five(), Some(5_000_000_000), Some(12)));
    let flags = row.flags.unwrap();
    assert_eq!(flags.has(Flag::Seen), Some(true));
    assert_eq!(flags.to_string(), "\\Seen $Work");
    assert_eq!(row.received_at, Some(Timestamp(1_704_067_201_000_000)));
    assert_eq!(row.header, Content::Absent);
}

#[test]
fn values_that_are_none_are_none() {
    let row = whole(
        "(UID 5 INTERNALDATE NIL RFC822.SIZE -1 MODSEQ (-3) THREADID NIL EMAILID () FLAGS NIL X-GM-LABELS NIL)\r\n",
    );
    assert_eq!((row.uid, row.received_at, row.size, row.mod_seq), (five(), None, None, None));
    assert_eq!((row.thread_id, row.email_id), (Some(StoreId::Absent), Some(StoreId::Absent)));
    assert_eq!((row.flags, row.labels), (None, Some(Vec::new())));
    assert_eq!(whole("()\r\n").uid, None);
    assert_eq!(whole("(INTERNALDATE (x) UID 5 )\r\n").uid, five());
}

#[test]
fn identifiers_of_the_server_are_text() {
    let row = whole("(X-GM-THRID 1278455344230334865 X-GM-MSGID 18446744073709551616)");
    assert_eq!(id(row.thread_id.as_ref()), Some("1278455344230334865"));
    assert_eq!(id(row.email_id.as_ref()), Some("18446744073709551616"));
    let row = whole("(EMAILID (M1) THREADID (T-2_x))");
    assert_eq!((id(row.email_id.as_ref()), id(row.thread_id.as_ref())), (Some("M1"), Some("T-2_x")));
}

#[test]
fn labels_are_decoded() {
    let row = whole("(X-GM-LABELS (\"\\\\Inbox\" \\Sent Work \"a \\\"b\\\" &APw-\" {6}\r\n&APw-) R&D))\r\n");
    assert_eq!(row.labels.unwrap(), ["\\Inbox", "\\Sent", "Work", "a \"b\" ü", "ü)", "R&D"]);
}

#[test]
fn sections_are_told_apart() {
    let row = whole(
        "(UID 5 BODY[1.2]<0> {3}\r\nabc BODY[2] NIL BODY[3]<5.9> \"x\" BODY[1.MIME] {1}\r\nm BODY[TEXT] \"t\" BINARY[1] ~{1}\r\n\0)\r\n",
    );
    let shown = |section: &Section| (section.number.to_string(), section.origin, section.octets.clone());
    let octets = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let sections: Vec<_> = row.sections.iter().map(shown).collect();
    let expected =
        [("1.2".into(), Some(0), octets("abc")), ("2".into(), None, None), ("3".into(), Some(5), octets("x"))];
    assert_eq!(sections, expected);
    assert_eq!((row.header, row.raw), (Content::Absent, Content::Absent));
    let row = whole("(BODY[] {4}\r\n)\r\n( RFC822.HEADER {1}\r\nh)\r\n");
    assert_eq!(row.raw.octets().unwrap(), ")\r\n(");
    assert_eq!(row.header.octets().unwrap(), "h");
    let row = whole("(BODY[]<4096> {1}\r\nx BODY[1.0] NIL BODY[1..2] NIL)\r\n");
    assert_eq!((row.raw_origin, row.sections.len()), (Some(4096), 0));
}

#[test]
fn the_whole_header_comes_before_fields_of_it() {
    for text in [
        "(BODY[HEADER] {1}\r\nw BODY[HEADER.FIELDS (A)] {1}\r\nf)",
        "(BODY[HEADER.FIELDS (A)] {1}\r\nf BODY[HEADER] {1}\r\nw)",
    ] {
        assert_eq!(whole(text).header.octets().unwrap(), "w");
    }
    assert_eq!(whole("(BODY.PEEK[header.fields (\"A\" B)] \"f\")").header.octets().unwrap(), "f");
    assert_eq!(whole("(BODY[HEADER] NIL)").header, Content::Nil);
    assert_eq!(whole("(BODY[HEADER.FIELDS.NOT (A)] {1}\r\nf)").header, Content::Absent);
}

#[test]
fn a_content_that_a_server_leaves_out_is_nil() {
    let row = whole("(BODY[] UID 5 BODY[1] NILE x BODY[HEADER] )\r\n");
    assert_eq!((row.uid, row.raw, row.header), (five(), Content::Nil, Content::Nil));
    assert_eq!(row.sections[0].octets, None);
}

#[test]
fn what_is_not_known_is_passed_over() {
    let row = whole(
        "(X-ODD (1 (\"x)\" {1}\r\n))) ENVELOPE ((\"d\" \"s) UID 777 (\" ((NIL NIL \"a\" \"b\")))) PREVIEW \"UID 777\" SAVEDATE NIL BODY (\"TEXT\" \"PLAIN\") X-LONG-NAME-THAT-NOBODY-KNOWS 5 UID 5)\r\n",
    );
    assert_eq!((row.uid, row.email_id), (five(), None));
}

#[test]
fn a_row_that_cannot_be_read_to_its_end_keeps_what_was_read() {
    for text in ["(UID 5 FLAGS (\\Seen) BODY[1", "(UID 5 FLAGS (\\Seen)", "(UID 5 FLAGS (\\Seen) ENVELOPE (\"x)"] {
        let row = row(text);
        assert!(row.broken.is_some() && row.flags.is_some(), "{text}");
        assert_eq!(row.uid, five());
    }
    for text in ["", "NIL", "(UID x)", "(UID 0)", "(UID 4294967296)", "(FLAGS (()))", "(FLAGS x)", "(())", "(UID 5))"] {
        assert!(row(text).broken.is_some(), "{text}");
    }
}

#[test]
fn a_structure_that_does_not_hold_spoils_only_itself() {
    let deep = format!("(BODYSTRUCTURE {}\"a\" \"b\"{} UID 5)", "(".repeat(90), ")".repeat(90));
    for text in ["(BODYSTRUCTURE (1 (2 3) \"x\" (X-Y)) UID 5)", "(BODYSTRUCTURE NIL UID 5)", &deep] {
        let row = whole(text);
        assert_eq!(row.uid, five(), "{text}");
        assert!(row.structure.unwrap().is_err(), "{text}");
    }
}

#[test]
fn a_uid_within_a_mail_is_never_taken() {
    // The names of the file are: x") NIL … UID 777 …, from a server that escapes nothing.
    for text in [
        "(UID 5 BODYSTRUCTURE (\"A\" \"B\" (\"NAME\" \"x\") NIL) UID 777 FOO (\"\" NIL) NIL))",
        "(BODYSTRUCTURE (\"A\" \"B\" (\"NAME\" \"x\") NIL) UID 777 FOO (\"\" NIL) UID 5)",
        "(BODYSTRUCTURE (\"A\" \"B\" (\"NAME\" \"x\")) UID 777 FOO ((\"\") NIL NIL \"7BIT\" 3) UID 5)",
        "(BODYSTRUCTURE (\"A\" \"B\" (\"NAME\" \"x\")) UID 777) \") NIL NIL \"7BIT\" 3) UID 5)",
        "(BODY[1] \"x\" UID 777 FOO \"\" UID 5)",
        "(PREVIEW \"x\" UID 777) \" UID 5)",
    ] {
        let row = row(text);
        assert!(row.broken.is_some(), "{text}");
        assert_ne!(row.uid, Uid::new(777), "{text}");
    }
    assert_eq!(row("(UID 5 FLAGS () PREVIEW \"x\" FLAGS (\\Deleted) FOO \"\")").broken, Some(TWICE));
}

#[test]
fn news_tells_less_than_an_answer() {
    assert!(!row("(UID 5 FLAGS (\\Seen) MODSEQ (7))").tells_more);
    // A server may have none of what it was asked for.
    assert!(row("(UID 5 THREADID NIL)").tells_more && row("(UID 5 BODY[] NIL)").tells_more);
}

#[test]
fn a_word_that_is_called_nil_is_a_word_where_no_nil_can_stand() {
    let row = whole("(UID 5 FLAGS (NIL {3}\r\nnix \\Seen) X-GM-LABELS (NIL \"NIL\") EMAILID (M5))");
    assert_eq!(row.flags.unwrap().to_string(), "\\Seen NIL nix");
    assert_eq!(row.labels.unwrap(), ["NIL", "NIL"]);
    // Cyrus 3.6 means that there is none.
    assert_eq!(whole("(UID 5 THREADID (NIL))").thread_id, Some(StoreId::Absent));
    assert!(self::row("(FLAGS ((NIL)) UID 5)").broken.is_some());
}

#[test]
fn headers_of_parts_are_no_contents() {
    let row =
        whole("(UID 5 BODY[1.2.MIME] {1}\r\nm BODY[2.mime] NIL BODY[MIME] \"x\" BODY[x.MIME] \"y\" BODY[1] \"c\")");
    let shown = row.part_headers.iter().map(|(number, octets)| (number.to_string(), octets.as_deref()));
    assert_eq!(shown.collect::<Vec<_>>(), [("1.2".to_owned(), Some(&b"m"[..])), ("2".to_owned(), None)]);
    assert_eq!(row.sections.len(), 1);
}
