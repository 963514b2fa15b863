//! Which messages are found in a file, and what is known of them.

use std::io::Cursor;

use super::*;
use crate::archive::mbox::record::NO_DATE;

fn scanned(text: &str) -> Result<Vec<Record>, Stopped> {
    scan(&mut Cursor::new(text), 0..text.len() as u64, Vec::new(), 0, |_| Ok(()))
}

fn records(text: &str) -> Vec<Record> {
    scanned(text).unwrap()
}

fn pieces(text: &str) -> Vec<&str> {
    let range = |record: Record| {
        let start = usize::try_from(record.offset).unwrap();
        &text[start..start + usize::try_from(record.length).unwrap()]
    };
    records(text).into_iter().map(range).collect()
}

const FROM_A: &str = "From a@b Sat Jan  3 01:02:03 2026\n";

/// Python's `mailbox` cuts at every line `From `; these are the messages that were written.
#[test]
fn lines_of_text_begin_no_message_and_those_of_programs_do() {
    let one = format!("{FROM_A}Subject: 1\n\nFrom now on\n\nFrom here, at 10:30\nx\n{FROM_A}y\n");
    let two = format!("{FROM_A}Subject: 2\n");
    let text = format!("{one}\n{two}\n{FROM_A}\n\n{FROM_A}a: b");
    assert_eq!(pieces(&text), [one, format!("{two}\n"), format!("{FROM_A}\n"), format!("{FROM_A}a: b")]);
    for prose in [
        "From Russia with love\n",
        "From Russia with love\nNote: bring shoes\n",
        "From Monday 3 June 2024 10:00 the office is closed\nsecond line\n",
        "From Monday 3 June 2024 10:00 the office is closed\nNote: bring shoes\n",
        "From here: see below\nSubject: of it\nand so on\n",
        "From Ann's mail:\nFrom: ann@example.org\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nSubject: x\n\nquoted\n",
        "From ann@example.org\nNote: bring shoes\n",
        "From \nan empty word\n",
        "From -\n\nx\n",
    ] {
        for first in ["From - \r\n", "From \n", FROM_A, "From a@b\n"] {
            let text = format!("{first}Subject: 1\n\nx\n\n{prose}\n{FROM_A}Subject: 2\n\ny\n");
            assert_eq!(records(&text).len(), 2, "{text:?}");
        }
    }
}

#[test]
fn each_way_to_begin_a_message_is_known_after_an_empty_line() {
    let header = "From: a@b\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nSubject: x\n\n";
    let lines = ["From \n", "From -\n", "From - Mon Jan 05 10:00:00 2026\n", FROM_A, "From a@b\n", "From root\n"];
    for lines in
        lines.map(|line| [line; 3]).into_iter().chain([[lines[0], lines[2], lines[4]], [lines[3], lines[0], lines[1]]])
    {
        let text = lines.map(|line| [line, header, "body\n\n"].concat()).concat();
        for text in [text.replace('\n', "\r\n"), text] {
            let found = records(&text);
            assert_eq!(found.len(), 3, "{text:?}");
            assert!(found.iter().all(|record| record.problems().count() == 0), "{text:?}");
            let third = text.rfind("From ").unwrap();
            assert_eq!(found[2].offset, third as u64, "{text:?}");
        }
    }
}

#[test]
fn an_empty_line_before_a_dated_line_may_be_missing_where_a_header_follows_and_this_is_told() {
    let none: [&str; 0] = [];
    let told = |text: &str| {
        records(text).iter().map(|record| record.problems().collect::<Vec<_>>().join("; ")).collect::<Vec<_>>()
    };
    let missing = "no empty line before the message";
    let maybe = "a line \"From …\" in the message may begin another one";
    let mail = format!("{FROM_A}Subject: x\n\ny\n");
    assert_eq!(told(&mail.repeat(3)), ["", missing, missing]);
    assert_eq!(told(&format!("{FROM_A}Subject: x\n\nno end\n{mail}")), ["", missing]);
    let eudora = "From ???@??? Tue Jun 24 09:15:00 1997\r\nX-Sender: a@b\r\n\r\ny\r\n";
    assert_eq!(told(&eudora.repeat(2)), ["", missing]);
    // A message without a body, and without the empty line that ends a header.
    let short = format!("{FROM_A}From: a@b\nSubject: x\n");
    assert_eq!(told(&short.repeat(2)), ["", missing]);
    // What a program puts before the line of a message that it takes from elsewhere.
    assert_eq!(told(&format!("From - \nX-Mozilla-Status: 0001\n{mail}")), [""]);
    // Lines that are not followed by a header.
    assert_eq!(told(&format!("{mail}{FROM_A}text\n")), [maybe]);
    assert_eq!(told(&format!("{mail}{FROM_A}Note: text\n")), [maybe]);
    assert_eq!(told(&format!("{mail}\nFrom a@b\nNote: text\n")), [maybe]);
    assert_eq!(told(&format!("{mail}\nFrom the start\nNote: text\n")), [""]);
    assert_eq!(told("\n"), none);
}

#[test]
fn a_content_length_holds_where_another_message_or_the_end_stands_there() {
    let body = format!("x\n\n{FROM_A}Subject: inner\n\ny\n");
    let mail = |octets: usize| format!("{FROM_A}Subject: x\nContent-Length: {octets}\n\n{body}\n");
    assert_eq!(records(&mail(body.len()).repeat(3)).len(), 3);
    assert_eq!(records(&mail(body.len() + 1).repeat(3)).len(), 3);
    assert!(records(&mail(body.len()))[0].problems().next().is_some(), "it may be another message, and that is told");
    for wrong in [0, 1, body.len() - 2, body.len() + 2, 10 * body.len(), 999_999_999_999] {
        let found = records(&mail(wrong).repeat(3));
        assert_eq!(found.len(), 6, "{wrong}");
    }
    // A length that ends at another of the messages holds for none of those between.
    let far = mail(body.len()).len() * 2 + body.len();
    assert_eq!(records(&format!("{}{}", mail(far), mail(body.len()).repeat(3))).len(), 2);
}

/// Every way to begin a message, wherever a block ends.
#[test]
fn messages_are_found_wherever_a_block_ends() {
    let header = "From: a@b\r\nMessage-ID: <x@y>\r\n\r\n";
    let tail = format!("\r\nFrom \r\n{header}y\r\n\r\n{FROM_A}{header}z\r\n{FROM_A}{header}last");
    let first = format!("{FROM_A}{header}");
    // The end of the first block lies at each octet of the tail.
    for at in 0..tail.len() {
        let fill = "x".repeat(BLOCK - first.len() - at - 2);
        let found = records(&format!("{first}{fill}\r\n{tail}"));
        let offsets: Vec<u64> = found.iter().map(|record| record.offset + at as u64).collect();
        let from = |after: &str| (BLOCK + tail.find(after).unwrap()) as u64;
        let last = (BLOCK + tail.rfind(FROM_A).unwrap()) as u64;
        assert_eq!(offsets, [at as u64, from("From \r"), from(FROM_A), last], "{at}");
        let ends: Vec<u64> = found.iter().map(|record| record.offset + record.length + at as u64).collect();
        assert_eq!(ends, [BLOCK as u64, from(FROM_A) - 2, last, (BLOCK + tail.len()) as u64], "{at}");
    }
}

#[test]
fn lines_that_look_alike_take_no_more_time_than_others() {
    let started = std::time::Instant::now();
    for line in ["From \n", "From a@b\n", FROM_A, "From a@b\nX-Y: z\n", "\nFrom a@b\nContent-Length: 9\n\n"] {
        records(&format!("{FROM_A}\n{}", line.repeat((8 << 20) / line.len())));
    }
    assert!(started.elapsed() < std::time::Duration::from_mins(1), "{:?}", started.elapsed());
}

#[test]
fn sizes_are_those_of_the_unquoted_message_with_crlf() {
    let lf = format!("{FROM_A}a: b\n\n>From x\n>>From y\n> From z\n>Fromage\nend\n\n");
    let wanted = "a: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>Fromage\r\nend\r\n".len() as u64;
    assert_eq!(records(&lf)[0].size, wanted);
    let crlf = lf.replace('\n', "\r\n");
    assert_eq!(records(&crlf)[0].size, wanted);
    assert_eq!(records(&crlf.repeat(3)).iter().map(|record| record.size).collect::<Vec<_>>(), [wanted; 3]);
    assert_eq!(records(&format!("{FROM_A}a: b"))[0].size, 4);
}

#[test]
fn lines_longer_than_a_block_are_read_through() {
    let long = "x".repeat(BLOCK - FROM_A.len() - 8);
    for more in 0..20 {
        let text = format!("{FROM_A}a: b\r\n\r\n{long}{}\r\nFrom \r\n\r\n{FROM_A}c: d\n\nlast", "y".repeat(more));
        let found = records(&text);
        assert_eq!(found.len(), 2, "{more}");
        assert_eq!(found[0].size, (8 + long.len() + more + 2 + 7) as u64, "{more}");
        let text = format!("{FROM_A}a: b\n\n{long}{long}{long}From {}\n\n{FROM_A}c: d\n\nlast", "y".repeat(more));
        assert_eq!(records(&text).len(), 2, "{more}");
    }
}

#[test]
fn a_file_may_begin_with_a_mark_or_empty_lines_but_not_with_something_else() {
    for before in ["", "\n\r\n", "\u{feff}"] {
        let text = format!("{before}{FROM_A}a: b\n\nc\n");
        let found = records(&text);
        assert_eq!((found.len(), found[0].size), (1, 11), "{before:?}");
    }
    // As when two files are put together.
    let text = format!("\u{feff}{FROM_A}a: b\n\nc\n");
    let found = records(&format!("{text}\n{text}"));
    assert_eq!(found.iter().map(|record| record.size).collect::<Vec<_>>(), [11, 11]);
    assert!(records("").is_empty() && records("\n\n").is_empty());
    let stopped = scanned("Subject: x\n\nFrom a");
    assert!(matches!(stopped, Err(Stopped::NoMbox)));
}

#[test]
fn the_date_is_the_from_line_s_or_else_of_the_newest_received_field() {
    let received = "Received: by x;\n Sat, 3 Jan 2026 01:02:04 +0000\nReceived: y; Fri, 2 Jan 2026 00:00:00 +0000\n";
    let first = records(&format!("{FROM_A}{received}\nx\n"))[0].received_at;
    let second = records(&format!("From a@b\n{received}\nx\n"))[0].received_at;
    assert_eq!(second - first, 1_000_000);
    let date = "Date: Fri, 2 Jan 2026 00:00:00 +0000\n";
    assert_eq!(records(&format!("From a@b\n{date}\nx\n"))[0].received_at, NO_DATE);
}

/// The line tells the local time of a download, or nothing.
#[test]
fn the_date_of_mail_that_was_downloaded_is_that_of_its_fields() {
    let received = "Received: by x;\n Sat, 3 Jan 2015 01:02:04 +0000\nReceived: y; Fri, 2 Jan 2015 00:00:00 +0000\n";
    let date = "Date: Fri, 2 Jan 2015 00:00:00 +0000\n";
    for line in ["From - Mon Jan 05 10:00:00 2026", "From -", "From - ", "From "] {
        let of = |header: &str| records(&format!("{line}\r\nX-Mozilla-Status: 0001\n{header}\nx\n"))[0].received_at;
        assert_eq!(of(&format!("{date}{received}")), 1_420_246_924_000_000, "{line}");
        assert_eq!(of(date), 1_420_156_800_000_000, "{line}");
        let neither = if line.len() > 10 { 1_767_607_200_000_000 } else { NO_DATE };
        assert_eq!(of("Date: today\n"), neither, "{line}");
    }
}
