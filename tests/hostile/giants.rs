//! Mail that is too much on purpose: the program takes it without taking more than is stated here, and without a mail less.
//!
//! Each giant lies between two good mails, in a Maildir, in an mbox and on Dovecot; for each statement the program is run,
//! and held to a peak of memory, to a time and to the rows of all three.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::Home;
use crate::server::dovecot::Dovecot;
use crate::{write_eml, write_maildir, write_mbox};

/// A mail that is too much, and what is to be said of it.
struct Giant {
    name: &'static str,
    raw: fn() -> Vec<u8>,
    /// What its row says in `problems`, where it is in files.
    problem: Option<&'static str>,
    /// The same on a server, which may tell more or less of it.
    problem_live: Option<&'static str>,
}

const GIANTS: [Giant; 7] = [
    Giant {
        name: "multiparts 10,000 deep",
        raw: || {
            let open = |level: usize| format!("Content-Type: multipart/mixed; boundary=\"b{level}\"\n\n--b{level}\n");
            let close = |level: usize| format!("--b{level}--\n");
            let parts: String = (0..10_000).map(open).collect::<String>() + "\nbottom\n";
            (parts + &(0..10_000).rev().map(close).collect::<String>()).into_bytes()
        },
        problem: Some("multiparts more than 100 deep are shown as text"),
        problem_live: Some("multiparts more than 100 deep are shown as text"),
    },
    Giant {
        name: "messages 10,000 deep in messages",
        raw: || ("Content-Type: message/rfc822\n\nSubject: inner\n".repeat(10_000) + "\nbottom\n").into_bytes(),
        // To whoever looks at the outermost, the others are one attachment.
        problem: None,
        problem_live: None,
    },
    Giant {
        name: "a million parts",
        raw: || {
            ("Content-Type: multipart/mixed; boundary=b\n\n".to_owned() + &"--b\n\nx\n".repeat(1_000_000)).into_bytes()
        },
        problem: Some("parts after the first 10000 are left out"),
        problem_live: Some("parts after the first 10000 are left out"),
    },
    Giant {
        name: "a million fields",
        raw: || {
            ((0..1_000_000).map(|number| format!("X-{number}: {number}\n")).collect::<String>() + "\ntext\n")
                .into_bytes()
        },
        problem: Some("header cut: longer than 1024 KiB"),
        problem_live: None,
    },
    Giant {
        name: "a field of 100 MB on one line",
        raw: || ("X-Long: ".to_owned() + &"x".repeat(100 << 20) + "\n\ntext\n").into_bytes(),
        problem: Some("header cut: longer than 1024 KiB"),
        problem_live: None,
    },
    Giant {
        name: "a million recipients",
        raw: || {
            ((0..1_000_000).fold("Cc: a@b".to_owned(), |all, number| all + &format!(", r{number}@example.org"))
                + "\n\ntext\n")
                .into_bytes()
        },
        problem: Some("header cut: longer than 1024 KiB"),
        problem_live: None,
    },
    Giant {
        name: "a file name in 500,000 pieces",
        raw: || {
            let pieces = (0..500_000).map(|number| format!("; filename*{number}*=%41")).collect::<String>();
            format!("Content-Type: application/pdf\nContent-Disposition: attachment{pieces}\n\ntext\n").into_bytes()
        },
        problem: Some("header cut: longer than 1024 KiB"),
        problem_live: None,
    },
];

/// A statement, and what it may take beyond what it takes for good mail: so many times the giant, and 64 MB.
struct Stage {
    sql: &'static str,
    /// In files, where a mail is read whole for its structure: as it is, and with its line ends.
    times: u64,
    /// From a server: as it comes, and once more while it grows; then what is made of it. Of a header, a row for each field.
    times_live: u64,
}

const STAGES: [Stage; 5] = [
    Stage {
        sql: "SELECT uid, message_id, subject, to_addresses, attachment_count, problems FROM MessagesInFolder ORDER BY uid",
        times: 2,
        times_live: 3,
    },
    Stage {
        sql: "SELECT uid, message_id, preview, length(body_text) AS text, length(raw) AS raw, problems FROM MessageBody ORDER BY uid",
        times: 2,
        times_live: 4,
    },
    // A header is read to its first MiB in files.
    Stage {
        sql: "SELECT uid, max(CASE WHEN name = 'Message-ID' THEN value END) AS message_id, count(*) AS fields FROM MessageHeaders GROUP BY uid ORDER BY uid",
        times: 0,
        times_live: 10,
    },
    Stage {
        sql: "SELECT uid, '<' || split_part(max(address), '@', 1) || '@example.org>' AS message_id, count(*) AS addresses FROM MessageAddresses WHERE role = 'from' GROUP BY uid ORDER BY uid",
        times: 0,
        times_live: 3,
    },
    Stage {
        sql: "SELECT uid, count(*) AS files, sum(size) AS size FROM AttachmentContent GROUP BY uid ORDER BY uid",
        times: 2,
        times_live: 1,
    },
];

#[test]
fn mail_that_is_too_much_is_a_row_in_a_maildir_within_bounds() {
    in_files(|home, mails| {
        let maildir = home.path("mail");
        write_maildir(&maildir, mails);
        maildir.display().to_string()
    });
}

#[test]
fn mail_that_is_too_much_is_a_row_in_an_mbox_within_bounds() {
    in_files(|home, mails| {
        let file = home.path("mail.mbox");
        write_mbox(&file, mails);
        file.display().to_string()
    });
}

/// A little that becomes a lot: a message that is larger than one may be, compressed to some kilobytes.
#[test]
fn what_inflates_to_too_much_is_a_row_within_bounds() {
    let mut bomb = Vec::new();
    let mut encoder = zstd::Encoder::new(&mut bomb, 1).unwrap();
    let mut beginning = mail("giant", b"\n");
    beginning.resize(1 << 20, b'x');
    for _ in 0..(LARGEST >> 20) + 64 {
        encoder.write_all(&beginning).unwrap();
    }
    encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let home = Home::new();
    for (name, write) in [("mail", write_maildir as fn(&Path, &[&[u8]])), ("saved", write_eml)] {
        let (first, last) = (mail("first", b"\ntext\n"), mail("last", b"\ntext\n"));
        write(&home.path(&format!("good-{name}")), &[&first, &last]);
        write(&home.path(name), &[&first, &bomb, &last]);
        for stage in &STAGES[..2] {
            let usual = run(&home, &format!("./good-{name}"), "", stage.sql).peak;
            let giant = run(&home, &format!("./{name}"), "", stage.sql);
            assert_eq!(giant.failure, None, "{name}: {}", stage.sql);
            let bound = usual + LARGEST + SLACK;
            assert!(giant.peak <= bound, "{} MB, and {} MB at most: {name}", giant.peak >> 20, bound >> 20);
            let told: Vec<_> =
                giant.rows.iter().map(|row| [row["message_id"].as_str(), row["problems"].as_str()]).collect();
            let expected = [
                [Some("<first@example.org>"), None],
                [Some("<giant@example.org>"), Some("not loaded: larger than 256 MiB")],
                [Some("<last@example.org>"), None],
            ];
            assert_eq!(told, expected, "{name}: {}", stage.sql);
        }
    }
}

/// The largest message that is read.
const LARGEST: u64 = 256 << 20;

#[test]
fn mail_that_is_too_much_is_a_row_on_a_server_within_bounds() {
    let dovecot = Dovecot::shared();
    let url = |mails: &[&[u8]]| {
        let user = dovecot.user_with(|maildir| write_maildir(maildir, mails));
        (format!("imap://{}@127.0.0.1:{}", user.name.replace('@', "%40"), dovecot.port()), user.password)
    };
    let (good, password) = url(&[&mail("first", b"\ntext\n"), &mail("last", b"\ntext\n")]);
    let home = Home::new();
    let usual = STAGES.map(|stage| run(&home, &good, password, stage.sql).peak);
    for giant in GIANTS {
        let raw = mail("giant", &(giant.raw)());
        let (account, password) = url(&[&mail("first", b"\ntext\n"), &raw, &mail("last", b"\ntext\n")]);
        for (stage, usual) in STAGES.iter().zip(usual) {
            let bound = usual + stage.times_live * raw.len() as u64 + SLACK;
            let run = run(&home, &account, password, stage.sql);
            // Dovecot itself gives up over so many in one field: that is an error, and no answer without them.
            if giant.name == "a million recipients" && stage.sql.contains("MessageAddresses") && run.failure.is_some() {
                assert!(
                    run.failure.as_ref().is_some_and(|said| said.contains("closed the connection")),
                    "{:?}",
                    run.failure
                );
                assert!(run.rows.is_empty() && run.peak <= bound, "{} MB", run.peak >> 20);
                continue;
            }
            held(&giant, giant.problem_live, stage, bound, &run);
        }
    }
}

fn in_files(write: impl Fn(&Home, &[&[u8]]) -> String) {
    let home = Home::new();
    let good = write(&home, &[&mail("first", b"\ntext\n"), &mail("last", b"\ntext\n")]);
    let usual = STAGES.map(|stage| run(&home, &good, "", stage.sql).peak);
    for giant in GIANTS {
        let home = Home::new();
        let raw = mail("giant", &(giant.raw)());
        let account = write(&home, &[&mail("first", b"\ntext\n"), &raw, &mail("last", b"\ntext\n")]);
        for (stage, usual) in STAGES.iter().zip(usual) {
            let bound = usual + stage.times * raw.len() as u64 + SLACK;
            held(&giant, giant.problem, stage, bound, &run(&home, &account, "", stage.sql));
        }
    }
}

fn held(giant: &Giant, problem: Option<&str>, stage: &Stage, bound: u64, run: &Run) {
    let place = format!("{}: {}", giant.name, stage.sql);
    let mb = |octets: u64| octets >> 20;
    assert_eq!(run.failure, None, "{place}");
    assert!(run.peak <= bound, "{} MB, and {} MB at most: {place}", mb(run.peak), mb(bound));
    assert!(run.time <= LONGEST, "{:?}: {place}", run.time);
    if stage.sql.contains("AttachmentContent") {
        return;
    }
    let ids: Vec<&str> = run.rows.iter().map(|row| row["message_id"].as_str().unwrap_or_default()).collect();
    assert_eq!(ids, ["<first@example.org>", "<giant@example.org>", "<last@example.org>"], "{place}");
    if stage.sql.contains("problems") {
        let problems: Vec<&str> = run.rows.iter().map(|row| row["problems"].as_str().unwrap_or_default()).collect();
        assert_eq!([problems[0], problems[2]], ["", ""], "{place}");
        match problem {
            // Where a header is cut, half a line may be left, which is told, too.
            Some(problem) => assert!(problems[1].starts_with(problem), "{place}: {}", problems[1]),
            None => assert_eq!(problems[1], "", "{place}"),
        }
    }
}

/// What a run of the program gave, and what it took.
struct Run {
    rows: Vec<Value>,
    peak: u64,
    time: Duration,
    /// What it said, when it failed.
    failure: Option<String>,
}

fn run(home: &Home, account: &str, password: &str, sql: &str) -> Run {
    let answer = home.path("answer");
    let mut command = home.command(&[account, "--format", "ndjson", "-c", sql]);
    command.env("MAILQL_PASSWORD", password).stdout(File::create(&answer).unwrap()).stderr(Stdio::piped());
    let start = Instant::now();
    let (peak, failure) = watched(command);
    let time = start.elapsed();
    let text = fs::read_to_string(answer).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Run { rows, peak, time, failure }
}

/// Runs a program to its end; gives the most memory that it had, and what it said if it failed.
fn watched(mut command: Command) -> (u64, Option<String>) {
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        // It only grows, so that a look shortly before the end tells of all that was before.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = line.map_or(peak, |line| line.parse::<u64>().unwrap() << 10);
        sleep(Duration::from_millis(2));
    }
    assert!(peak > 0, "the system tells");
    let output = child.wait_with_output().unwrap();
    (peak, (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// A mail whose header ends with what is given, and its body.
fn mail(id: &str, more: &[u8]) -> Vec<u8> {
    let header = format!(
        "From: {id}@example.org\nTo: me@example.com\nDate: Mon, 6 Jan 2025 10:00:00 +0000\nMessage-ID: <{id}@example.org>\nSubject: {id}\nMIME-Version: 1.0\n"
    );
    [header.as_bytes(), more].concat()
}

/// Of what reading, decoding and showing a mail takes whatever its size: buffers, batches, the MiB of its header.
const SLACK: u64 = 64 << 20;
/// In a build for tests, on a machine with other things to do.
const LONGEST: Duration = Duration::from_secs(120);
