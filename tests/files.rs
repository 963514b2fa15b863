//! Mail files as other programs leave them: compressed by Dovecot and by Python, saved as `.eml`, named on the command line.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod mail;
mod program;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datafusion::arrow::util::pretty::pretty_format_batches;
use mailql::Engine;
use program::{Home, stderr};
use server::conversation::Conversation;
use server::dovecot::{Dovecot, Options, User};

/// A Dovecot that stores mail so.
fn compressing(algorithm: &str) -> Dovecot {
    let more = format!(
        "protocol imap {{\n  mail_plugins = listescape zlib imap_zlib\n}}\nplugin {{\n  zlib_save = {algorithm}\n}}\n"
    );
    Dovecot::start(&Options { more: &more, ..Options::default() })
}

/// A user to whom the mails were handed that a command of a line of text can say.
fn filled(dovecot: &Dovecot) -> User {
    let user = dovecot.user();
    let mut imap = Conversation::plain(dovecot.port());
    imap.login(&user.name, user.password);
    let corpus = mail::corpus();
    let texts = corpus.iter().filter_map(|odd| std::str::from_utf8(&odd.raw).ok());
    let mut number = 0;
    for text in texts.filter(|text| !text.contains('\0')) {
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let flags = if number % 3 == 0 { "(\\Seen \\Flagged)" } else { "()" };
        let answer =
            imap.imap(&format!("APPEND INBOX {flags} \"03-Jan-2026 01:02:03 +0000\" {{{}+}}\r\n{text}", text.len()));
        assert!(answer.contains(" OK "), "{answer}");
        number += 1;
    }
    assert!(number > 100, "{number}");
    user
}

/// The files of the messages, in no order.
fn files(maildir: &Path) -> Vec<PathBuf> {
    let entries = ["cur", "new"].iter().flat_map(|part| fs::read_dir(maildir.join(part)).unwrap());
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// What a statement gives over a Maildir, drawn as a table.
async fn drawn(maildir: &Path, statement: &str) -> String {
    let engine = Engine::builder().maildir("mail", maildir).build().unwrap();
    let batches = engine.sql(statement).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// Columns that do not tell when and where the mail was stored.
const STATEMENTS: [&str; 6] = [
    "SELECT * EXCEPT (uid, uid_validity) FROM MessagesInFolder ORDER BY size, subject, message_id, problems, flags",
    "SELECT * EXCEPT (uid, uid_validity) FROM MessageBody ORDER BY size, subject, message_id, problems, raw, flags",
    "SELECT subject, size FROM MessagesInFolder WHERE size > 1000 AND NOT seen ORDER BY size, subject",
    "SELECT subject FROM MessagesInFolder ORDER BY subject",
    "SELECT name, size, sha256 FROM AttachmentContent ORDER BY 1, 2, 3",
    "SELECT folder, messages, unseen, size FROM Folder",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_maildir_that_dovecot_compressed_says_what_it_says_uncompressed() {
    let plain = filled(Dovecot::shared());
    for (algorithm, magic) in [("gz", &b"\x1f\x8b"[..]), ("zstd", b"\x28\xb5\x2f\xfd")] {
        let dovecot = compressing(algorithm);
        let user = filled(&dovecot);
        for file in files(user.maildir()) {
            assert!(fs::read(&file).unwrap().starts_with(magic), "{algorithm}: {}", file.display());
        }
        // The names tell the sizes; without them, they are counted.
        let renamed = tempfile::tempdir().unwrap();
        for part in ["cur", "new"] {
            fs::create_dir(renamed.path().join(part)).unwrap();
        }
        for (number, file) in files(user.maildir()).into_iter().enumerate() {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
            let copy = renamed.path().join(format!("cur/{number}.x:2,{flags}"));
            fs::copy(&file, &copy).unwrap();
            let times = fs::metadata(&file).unwrap().modified().unwrap();
            fs::File::options().write(true).open(copy).unwrap().set_modified(times).unwrap();
        }
        for statement in STATEMENTS {
            let expected = drawn(plain.maildir(), statement).await;
            assert!(expected.lines().count() > 4, "{statement}");
            for maildir in [user.maildir(), renamed.path()] {
                let told = drawn(maildir, statement).await;
                let differs = told.lines().zip(expected.lines()).find(|(told, expected)| told != expected);
                assert!(told == expected, "{algorithm}: {statement}: {differs:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dovecot_compressed_in_another_way_is_named() {
    for (algorithm, said) in [("bz2", "bzip2"), ("lz4", "lz4")] {
        let dovecot = compressing(algorithm);
        let user = filled(&dovecot);
        let all = drawn(
            user.maildir(),
            "SELECT problems, count(*) > 100 AS many, count(subject) AS known, count(size) > 100 AS sized, count(seen) > 100 AS flags FROM MessagesInFolder GROUP BY 1",
        )
        .await;
        let line = format!("| the file is compressed ({said}) | true | 0     | true  | true  |");
        assert!(all.contains(&line) && all.lines().count() == 5, "{all}");
        let body = drawn(
            user.maildir(),
            "SELECT DISTINCT problems, preview, body_text, body_html, raw, has_attachments, attachment_count FROM MessageBody",
        )
        .await;
        assert!(body.lines().count() == 5 && !body.contains("true") && !body.contains("false"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_compressors_of_python_are_read_or_named() {
    let place = tempfile::tempdir().unwrap();
    let script = r#"
import bz2, gzip, lzma, os, sys, zlib
mail = b"From: a@example.org\nDate: Sat, 3 Jan 2026 01:02:03 +0000\nSubject: %s\n\ntext\n"
for part in ("cur", "new"):
    os.makedirs(os.path.join(sys.argv[1], part))
def write(number, name, pack):
    with open(os.path.join(sys.argv[1], "cur", "%d.x:2," % number), "wb") as file:
        file.write(pack(mail % name.encode()))
write(1, "gzip", gzip.compress)
write(2, "gzip with a name", lambda text: gzip_named(text))
write(3, "xz", lzma.compress)
write(4, "bzip2", bz2.compress)
write(5, "lzma", lambda text: lzma.compress(text, format=lzma.FORMAT_ALONE))
"#;
    let named = r#"
import io
def gzip_named(text):
    out = io.BytesIO()
    with gzip.GzipFile("mail.txt", "wb", 9, out) as file:
        file.write(text)
    return out.getvalue()
"#;
    let script = script.replace("def write(", &format!("{named}\ndef write("));
    let output = Command::new("python3").args(["-c", &script]).arg(place.path().join("mail")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = drawn(
        &place.path().join("mail"),
        "SELECT subject, body_text, size, problems FROM MessageBody ORDER BY problems, subject",
    )
    .await;
    for (predicate, messages) in
        [("size > 0", 2), ("NOT (size > 0)", 0), ("NOT (size > 0) OR seen", 0), ("size IS NULL", 3)]
    {
        let count = format!("SELECT count(*) AS n FROM MessagesInFolder WHERE {predicate}");
        let told = drawn(&place.path().join("mail"), &count).await;
        assert!(told.contains(&format!("\n| {messages} |\n")), "{predicate}: {told}");
    }
    assert!(drawn(&place.path().join("mail"), "SELECT size IS NULL AS unknown FROM Folder").await.contains("true"));
    let rows: Vec<String> =
        all.lines().skip(3).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows[..5],
        [
            "| | | | the file is compressed (bzip2) |",
            "| | | | the file is compressed (lzma) |",
            "| | | | the file is compressed (xz) |",
            "| gzip | text | 82 | |",
            "| | | | |",
        ],
        "{all}"
    );
}

const MAIL: &str = "From: a@example.org\nDate: Sat, 3 Jan 2026 01:02:03 +0000\nSubject: one\n\ntext\n";

/// A directory with what people have: mail of several programs, and other files.
fn home() -> Home {
    let home = Home::new();
    for (name, content) in [
        ("one.eml", MAIL.to_owned()),
        ("empty.eml", String::new()),
        ("saved/1.eml", MAIL.to_owned()),
        ("saved/2.EML", MAIL.replace("one", "two")),
        ("saved/notes.txt", "notes".to_owned()),
        ("saved/Work/3.eml", MAIL.replace("one", "three")),
        ("saved/Work/binary.eml", "\u{0}\u{1}\u{2}".to_owned()),
        ("mixed/1.eml", MAIL.to_owned()),
        ("mixed/Sent", format!("From a@b Sat Jan  3 01:02:03 2026\n{MAIL}\n")),
        ("boxes/Sent.mbox", format!("From a@b Sat Jan  3 01:02:03 2026\n{MAIL}\n")),
        ("dir/cur/1.x:2,", MAIL.to_owned()),
        ("letter.txt", MAIL.to_owned()),
    ] {
        fs::create_dir_all(home.path(name).parent().unwrap()).unwrap();
        fs::write(home.path(name), content).unwrap();
    }
    fs::create_dir(home.path("nothing")).unwrap();
    home
}

#[test]
fn an_eml_file_and_a_directory_of_them_are_accounts() {
    let home = home();
    let select = |account: &str, sql: &str| home.stdout(&[account, "--format", "csv", "-c", sql]);
    let all = "SELECT account, folder, uid, subject, received_at, seen, size, problems FROM MessagesInFolder ORDER BY folder, uid";
    let head = "account,folder,uid,subject,received_at,seen,size,problems\n";
    let one = "2026-01-03T01:02:03Z,false,81,";
    assert_eq!(select("one.eml", all), format!("{head}one,one,1,one,{one}\n"));
    let empty = "empty,empty,1,,,false,0,no Date field; no From field\n";
    assert_eq!(select("./empty.eml", all), format!("{head}{empty}"));
    let rows = format!(
        "saved,Work,1,three,{}\nsaved,Work,2,,,false,3,header has a line that is no field; no Date field; no From field\n\
         saved,saved,1,one,{one}\nsaved,saved,2,two,{one}\n",
        one.replace(",81,", ",83,")
    );
    assert_eq!(select("saved", all), format!("{head}{rows}"));
    let folders = "SELECT folder, messages, unseen FROM Folder ORDER BY 1";
    assert_eq!(select("./saved/", folders), "folder,messages,unseen\nWork,2,2\nsaved,2,2\n");
    // Between statements files come and go; the uids of the others stay, also for the next program.
    fs::remove_file(home.path("saved/1.eml")).unwrap();
    fs::write(home.path("saved/0.eml"), MAIL.replace("one", "new")).unwrap();
    assert_eq!(
        select("saved", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'saved' ORDER BY 1"),
        "uid,subject\n2,two\n3,new\n"
    );
    fs::write(home.path("config.toml"), "[accounts.kept]\neml = 'saved'\n").unwrap();
    let listed = home.stdout(&["--config", "config.toml", "accounts", "--format", "csv"]);
    assert!(listed.contains("kept,eml ") && listed.contains("saved"), "{listed}");
    let count = home.stdout(&[
        "--config",
        "config.toml",
        "--format",
        "csv",
        "-c",
        "SELECT count(*) AS n FROM kept.MessagesInFolder",
    ]);
    assert_eq!(count, "n\n4\n");
    assert!(home.stdout(&["--config", "config.toml", "test", "kept"]).contains("2 folders"));
}

#[test]
fn a_path_without_mail_or_with_two_kinds_of_it_says_what_to_do() {
    let home = home();
    let config = "[accounts.maildir]\nmaildir = 'dir'\n[accounts.boxes]\neml = 'boxes'\n[accounts.a]\nmbox = 'saved'\n[accounts.c]\neml = 'dir'\n[accounts.d]\neml = 'no'\n";
    fs::write(home.path("config.toml"), config).unwrap();
    for (arguments, said, hint) in [
        (&["./nothing"][..], "there is no mail in ", ".eml"),
        (&["./mixed"], "holds both mbox files (Sent) and .eml files (1.eml)", "eml = "),
        (&["./letter.txt"], "letter.txt is no mbox file", ".eml"),
        (&["./no.eml"], "cannot open ./no.eml", ".eml file"),
        (&["--config", "config.toml", "boxes"], "no .eml file in ", "mbox = "),
        (&["--config", "config.toml", "a"], "no mbox file in ", "eml = "),
        (&["--config", "config.toml", "c"], "no .eml file in ", "maildir = "),
        (&["--config", "config.toml", "d"], "cannot open ", "check the path"),
    ] {
        let output = home.run(&[arguments, &["-c", "SELECT count(*) FROM MessagesInFolder"]].concat());
        let told = stderr(&output);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {told}");
        assert!(told.starts_with("error: ") && told.contains(said), "{arguments:?}: {told}");
        assert!(told.split("hint: ").nth(1).is_some_and(|way_out| way_out.contains(hint)), "{arguments:?}: {told}");
    }
    let mixed = ["./mixed/1.eml", "./mixed/Sent"]
        .map(|path| home.stdout(&[path, "--format", "csv", "-c", "SELECT count(*) AS n FROM MessagesInFolder"]));
    assert_eq!(mixed, ["n\n1\n", "n\n1\n"]);
}
