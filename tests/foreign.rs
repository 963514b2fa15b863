//! Mail that others collected goes through all tables, and is understood as Python understands it.
//!
//! The mails come from the sources of the mail-parser crate and from the tests of Python's own email
//! package. Where the two differ on purpose, [`ON_PURPOSE`] says why; any other difference fails, and
//! so does a line there that holds no longer.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod mail;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datafusion::arrow::array::Array;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use mailql::Engine;
use serde_json::Value;

const TABLES: [&str; 7] = [
    "Folder",
    "MessagesInFolder",
    "MessageBody",
    "MessageHeaders",
    "MessageAddresses",
    "MessageAttachments",
    "AttachmentContent",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_mail_comes_out_of_every_table() {
    let (directory, mails) = (tempfile::tempdir().unwrap(), mails());
    write_maildir(directory.path(), &mails);
    let engine = Engine::builder().maildir("mail", directory.path()).build().unwrap();
    let mut tables = BTreeMap::new();
    for table in TABLES {
        tables.insert(table, rows(&engine, &format!("SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5")).await);
    }
    let wanted: Vec<_> = mails.iter().map(|mail| (mail.folder.to_owned(), mail.uid.to_string())).collect();
    for table in ["MessagesInFolder", "MessageBody"] {
        let mut keys: Vec<_> = tables[table].iter().map(key).collect();
        keys.sort_by_key(|(folder, uid)| (folder.clone(), uid.parse::<usize>().unwrap()));
        assert_eq!(keys, wanted, "{table} has exactly one row per mail");
        for row in &tables[table] {
            assert!(row["size"].as_deref().unwrap().parse::<u64>().unwrap() > 0);
        }
    }
    let with_fields: BTreeSet<_> = tables["MessageHeaders"].iter().map(key).collect();
    for mail in mails.iter().filter(|mail| begins_with_a_field(&mail.octets)) {
        let key = (mail.folder.to_owned(), mail.uid.to_string());
        assert!(with_fields.contains(&key), "{} has header fields", mail.name);
    }
    let parts = |table: &str| -> Vec<_> {
        let part = |row: &Row| (key(row), row["part"].clone(), row["name"].clone(), row["encoded_size"].clone());
        tables[table].iter().map(part).collect()
    };
    assert_eq!(parts("MessageAttachments"), parts("AttachmentContent"));
    assert!(tables["AttachmentContent"].len() > 50, "there are attachments");
    for row in &tables["AttachmentContent"] {
        assert!(row["sha256"].is_some() && row["size"].is_some(), "{:?} was read", key(row));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mails_give_the_same_rows_as_maildir_and_as_mbox() {
    let (maildir, mbox, mut mails) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), mails());
    for octets in mails.iter_mut().map(|mail| &mut mail.octets) {
        // An mbox can hold neither a last line without an end nor a header without one.
        if !octets.ends_with(b"\n") {
            octets.push(b'\n');
        }
        if !octets.split_inclusive(|octet| *octet == b'\n').any(|line| matches!(line, b"\n" | b"\r\n")) {
            octets.push(b'\n');
        }
    }
    write_maildir(maildir.path(), &mails);
    write_mbox(mbox.path(), &mails);
    let engine = Engine::builder().maildir("a", maildir.path()).mbox("b", mbox.path()).build().unwrap();
    for table in TABLES.iter().filter(|table| **table != "Folder") {
        // These are what the two kinds of file keep in their own ways.
        let own = ["account", "uid_validity", "received_at", "thread_id", "labels", "flags"];
        let states = ["seen", "answered", "flagged", "deleted", "draft"];
        let mut both = Vec::new();
        for account in ["a", "b"] {
            let select = format!("SELECT * FROM {account}.{table} WHERE folder <> 'INBOX'");
            let mut rows = rows(&engine, &select).await;
            rows.iter_mut().for_each(|row| row.retain(|column, _| !own.contains(&&**column)));
            rows.iter_mut().for_each(|row| row.retain(|column, _| !states.contains(&&**column)));
            rows.sort();
            both.push(rows);
        }
        assert_eq!(both[0].len(), both[1].len(), "{table}");
        for (left, right) in both[0].iter().zip(&both[1]) {
            let differ = left.iter().filter(|(column, value)| right[*column] != **value).collect::<Vec<_>>();
            assert_eq!(differ, Vec::new(), "{table}, {:?}", key(left));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_mails_are_understood_as_python_understands_them() {
    let (directory, mails) = (tempfile::tempdir().unwrap(), mails());
    write_maildir(directory.path(), &mails);
    let engine = Engine::builder().maildir("mail", directory.path()).build().unwrap();
    let ours = ours(&engine).await;
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (mail, theirs) in mails.iter().zip(python("tests/compare.py", directory.path(), &mails)) {
        if mail.is_mail {
            for (field, ours, theirs) in differences(&ours[&(mail.folder.to_owned(), mail.uid.to_string())], &theirs) {
                let what = found.entry(format!("{} {field}", mail.name)).or_default();
                what.push_str(&format!("\n    ours   {ours:.300}\n    Python {theirs:.300}"));
            }
        }
    }
    compare_with_list(&found, ON_PURPOSE);
}

/// A second opinion on addresses and dates: Python's older functions, over the same files and over our own corpus.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_dates_are_read_as_python_reads_them() {
    let (directory, mut mails) = (tempfile::tempdir().unwrap(), mails());
    mails.retain(|mail| mail.is_mail);
    for (uid, odd) in (1..).zip(mail::corpus()) {
        mails.push(Mail { folder: "corpus", uid, name: odd.name.to_owned(), is_mail: true, octets: odd.raw });
    }
    write_maildir(directory.path(), &mails);
    let engine = Engine::builder().maildir("mail", directory.path()).build().unwrap();
    let mut ours: BTreeMap<(String, String), Opinion> = BTreeMap::new();
    for row in rows(&engine, "SELECT folder, uid, CAST(date AS BIGINT) / 1000000 AS date FROM MessagesInFolder").await {
        let date = row["date"].as_deref().map_or(Value::Null, |date| Value::from(date.parse::<i64>().unwrap()));
        ours.insert(key(&row), (date, BTreeMap::new()));
    }
    let addresses = "SELECT folder, uid, role, address FROM MessageAddresses WHERE role IN ('from', 'to', 'cc') AND address IS NOT NULL ORDER BY folder, uid, role, position";
    for row in rows(&engine, addresses).await {
        let role = row["role"].clone().unwrap();
        ours.get_mut(&key(&row)).unwrap().1.entry(role).or_default().extend(row["address"].clone());
    }
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (mail, theirs) in mails.iter().zip(python("tests/opinion.py", directory.path(), &mails)) {
        let (date, addresses) = &ours[&(mail.folder.to_owned(), mail.uid.to_string())];
        if *date != theirs["date"] {
            found.insert(format!("{} date", mail.name), format!("\n    ours   {date}\n    Python {}", theirs["date"]));
        }
        for role in ["from", "to", "cc"] {
            let ours = Value::from(addresses.get(role).cloned().unwrap_or_default());
            if ours != theirs["addresses"][role] {
                let both = format!("\n    ours   {ours:.300}\n    Python {:.300}", theirs["addresses"][role]);
                found.insert(format!("{} {role}", mail.name), both);
            }
        }
    }
    compare_with_list(&found, SECOND_OPINION);
}

/// A date, and the addresses of each field.
type Opinion = (Value, BTreeMap<String, Vec<String>>);

fn compare_with_list(found: &BTreeMap<String, String>, list: &[(&str, &[&str])]) {
    let listed: BTreeSet<&str> = list.iter().flat_map(|(_, places)| places.iter().copied()).collect();
    let news = found.iter().filter(|(place, _)| !listed.contains(place.as_str()));
    let news: Vec<String> = news.map(|(place, what)| format!("{place}{what}")).collect();
    assert!(news.is_empty(), "{} differences are not in the list:\n{}", news.len(), news.join("\n"));
    let gone: Vec<_> = listed.iter().filter(|place| !found.contains_key(**place)).collect();
    assert!(gone.is_empty(), "these are in the list and differ no longer: {gone:#?}");
}

/// Where we differ from Python's older functions, and why.
const SECOND_OPINION: &[(&str, &[&str])] = &[
    (
        "words before a comma or a semicolon that have no address belong to the name that follows; Python makes an address of them",
        &["comma-before from", "comma-in-name from", "company from", "semicolon-in-name from"],
    ),
    (
        "a bracket that is not closed, or words around an address, are its name; Python makes an address of them",
        &["bracket-open from", "mailto from", "no-brackets from", "unclosed from"],
    ),
    (
        "several addresses in one pair of brackets, or two signs, are no address; Python takes them apart or drops a part",
        &["list-in-brackets from", "list-then-author from", "two-ats from"],
    ),
    (
        "a route before an address means nothing (RFC 5322 §4.4); Python takes half of it for an address",
        &["route from"],
    ),
    ("a blank between two addresses separates them; Python drops both", &["separators to"]),
    ("octets that are UTF-8 are that; Python gives up on them", &["idn from"]),
    ("a header ends at its first empty line and nowhere else, as IMAP has it", &["eml/malformed/019.eml to"]),
    ("a CR alone ends no line: the whole header is one field, and its date is text", &["cr-only date", "cr-only from"]),
    (
        "months have names in other languages; Python knows the English ones",
        &["date-de date", "date-es date", "date-es-april date", "date-fr date", "date-it date", "date-pt date"],
    ),
    (
        "a zone is read as it is written, `GMT+0100`, `+2:00` and `CEST` too; Python takes such for UTC or for minutes",
        &[
            "date-cest date",
            "date-gmt-minus date",
            "date-gmt-plus date",
            "date-utc-2 date",
            "date-zone-colon date",
            "date-zone-hour date",
        ],
    ),
    ("the afternoon is the afternoon; Python passes over PM", &["date-pm date"]),
    ("a year before 1601 is a slip; Python makes 2026 of 0026", &["date-year-26 date"]),
    (
        "blanks around colons, RFC 3339, a leap second, and the year first are understood; Python gives up on them",
        &["date-folded date", "date-iso date", "date-leap-second date", "date-year-first date"],
    ),
];

/// Where we differ from Python, and why: a file and what differs in it.
const ON_PURPOSE: &[(&str, &[&str])] = &[
    (
        "octets above ASCII without a declaration are UTF-8 or else windows-1252; Python gives up on each of them",
        &[
            "eml/legacy/010.eml subject",
            "eml/legacy/016.eml name",
            "eml/legacy/020.eml subject",
            "eml/legacy/022.eml subject",
            "eml/legacy/023.eml name",
            "eml/legacy/026.eml name",
            "eml/legacy/027.eml subject",
            "eml/legacy/033.eml text",
            "eml/legacy/052.eml subject",
            "eml/legacy/052.eml text",
            "eml/thirdparty/002.eml text",
            "eml/thirdparty/010.eml text",
        ],
    ),
    (
        "a file has its name even where the disposition before it is missing, as to Dovecot",
        &["eml/malformed/017.eml name"],
    ),
    (
        "a comment after an address is the name of its owner, as it was before there were names",
        &[
            "msg_01.txt from_name",
            "msg_03.txt from_name",
            "msg_04.txt from_name",
            "msg_06.txt from_name",
            "msg_14.txt from_name",
            "msg_20.txt from_name",
            "msg_27.txt from_name",
            "msg_29.txt from_name",
            "msg_44.txt from_name",
        ],
    ),
    (
        "a header ends at its first empty line and nowhere else, as IMAP has it; lines before that are no body",
        &[
            "eml/malformed/019.eml text",
            "maildir/.My Folder.Nested Folder/cur/1276533073.M242911P3632.kurkku;2,FP text",
            "maildir/.My Folder.Nested Folder/new/1035478339.27041_118.foo.org,S=1000,W=1030;2,RDF, text",
            "maildir/.My Folder/cur/1035478339.27041_118.foo.org,S=1000,W=1030;2,TDR text",
            "maildir/.My Folder/new/1276528487.M364837P9451.kurkku,S=1355,W=1394;2, text",
            "maildir/cur/1491941793.M41850P8566V0000000000000015I0000000004F3030E_0.mx1.example.com,S=10956;2,STln text",
            "maildir/new/1234567890.M20046P2137.mailserver,S=4542,W=4642;2,Sb text",
            "msg_19.txt text",
            "msg_35.txt text",
            "msg_38.txt text",
        ],
    ),
    (
        "blanks may stand before the colon of a field (RFC 5322 §4.5); Python takes the rest for the body",
        &[
            "eml/malformed/019.eml fields",
            "eml/malformed/019.eml message_id",
            "eml/malformed/019.eml subject",
            "eml/malformed/019.eml to_addresses",
        ],
    ),
    (
        "a parameter is read although the semicolon before it was forgotten",
        &["eml/malformed/017.eml media_type", "eml/malformed/017.eml sha256"],
    ),
    ("blanks after the name of an encoding are no part of it", &["eml/thirdparty/003.eml text"]),
    ("two boundaries with nothing between them have an empty part between them", &["msg_37.txt attachments"]),
];

type Row = BTreeMap<String, Option<String>>;

fn key(row: &Row) -> (String, String) {
    (row["folder"].clone().unwrap(), row["uid"].clone().unwrap())
}

async fn rows(engine: &Engine, sql: &str) -> Vec<Row> {
    let batches = engine.sql(sql).await.unwrap().collect().await.unwrap();
    let options = FormatOptions::default();
    let mut rows: Vec<Row> = Vec::new();
    for batch in &batches {
        let first = rows.len();
        rows.resize_with(first + batch.num_rows(), Row::new);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
            for (at, row) in rows[first..].iter_mut().enumerate() {
                let value = column.is_valid(at).then(|| formatter.value(at).to_string());
                row.insert(field.name().clone(), value);
            }
        }
    }
    rows
}

/// A message as our tables tell it.
#[derive(Default)]
struct Ours {
    columns: Row,
    fields: Vec<String>,
    attachments: BTreeMap<String, Row>,
}

async fn ours(engine: &Engine) -> BTreeMap<(String, String), Ours> {
    let mut ours: BTreeMap<_, Ours> = BTreeMap::new();
    let columns = "folder, uid, size, subject, from_name, from_address, to_addresses, message_id, body_text";
    let instant = "CAST(date AS BIGINT) / 1000000 AS date";
    for row in rows(engine, &format!("SELECT {columns}, {instant} FROM MessageBody")).await {
        let one = ours.entry(key(&row)).or_default();
        one.columns = row;
    }
    for row in rows(engine, "SELECT folder, uid, name FROM MessageHeaders ORDER BY folder, uid, position").await {
        ours.entry(key(&row)).or_default().fields.extend(row["name"].clone());
    }
    for row in rows(engine, "SELECT folder, uid, part, name, media_type, sha256 FROM AttachmentContent").await {
        ours.entry(key(&row)).or_default().attachments.insert(row["part"].clone().unwrap(), row);
    }
    ours
}

/// What differs: its name, ours, Python's.
fn differences(ours: &Ours, theirs: &Value) -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    let mut compare = |name: &'static str, ours: &Value, theirs: &Value| {
        if ours != theirs {
            all.push((name, ours.to_string(), theirs.to_string()));
        }
    };
    for name in ["size", "subject", "from_name", "from_address", "to_addresses", "date", "message_id"] {
        let theirs = if theirs[name].is_i64() { Value::from(theirs[name].to_string()) } else { theirs[name].clone() };
        compare(name, &Value::from(ours.columns[name].clone()), &theirs);
    }
    compare("fields", &Value::from(ours.fields.clone()), &theirs["fields"]);
    let leaves: BTreeMap<&str, &Value> = theirs["parts"]
        .as_array()
        .map(|parts| parts.iter().map(|leaf| (leaf["part"].as_str().unwrap(), leaf)).collect())
        .unwrap_or_default();
    // Which of its leaves are attachments Python leaves open, but for those that can be nothing else.
    let is_attached = |leaf: &Value| {
        let kind = leaf["media_type"].as_str().unwrap().split('/').next().unwrap();
        leaf["disposition"] == "attachment" || !matches!(kind, "text" | "multipart")
    };
    let numbers: Vec<&str> = ours.attachments.keys().map(String::as_str).collect();
    let is_one = |(number, leaf): &(&&str, &&Value)| is_attached(leaf) || ours.attachments.contains_key(**number);
    let their_numbers: Vec<&str> = leaves.iter().filter(is_one).map(|(number, _)| *number).collect();
    compare("attachments", &Value::from(numbers), &Value::from(their_numbers));
    let body = ours.columns["body_text"].clone().unwrap_or_default();
    for (number, leaf) in leaves {
        if let Some(attachment) = ours.attachments.get(number) {
            compare("media_type", &Value::from(attachment["media_type"].clone()), &leaf["media_type"]);
            let name = attachment["name"].clone().filter(|name| !name.starts_with("attachment-"));
            compare("name", &Value::from(name), &leaf["name"]);
            if !leaf["sha256"].is_null() {
                compare("sha256", &Value::from(attachment["sha256"].clone()), &leaf["sha256"]);
            }
        } else if leaf["text"].as_str().is_some_and(|text| !body.contains(text.trim_end())) {
            compare("text", &Value::from(body.as_str()), &leaf["text"]);
        }
    }
    all
}

/// A file of somebody else's tests.
struct Mail {
    folder: &'static str,
    uid: usize,
    name: String,
    /// Whether it is meant as mail; what is not goes through the tables all the same.
    is_mail: bool,
    octets: Vec<u8>,
}

fn mails() -> Vec<Mail> {
    let mut mails = Vec::new();
    let (crates, python) = (mail_parser_sources().join("resources"), python_data());
    for (folder, root) in [("mail-parser", crates), ("python", python)] {
        let mut files = Vec::new();
        collect(&root, &mut files);
        files.sort();
        let is_chosen = |path: &&PathBuf| folder == "python" || is_mail(path);
        for (uid, path) in (1..).zip(files.iter().filter(is_chosen)) {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            mails.push(Mail { folder, uid, name, is_mail: is_mail(path), octets: fs::read(path).unwrap() });
        }
    }
    assert!(mails.iter().filter(|mail| mail.folder == "mail-parser").count() >= 107 + 6, "mail-parser's are there");
    assert!(mails.iter().filter(|mail| mail.folder == "python" && mail.is_mail).count() >= 47, "Python's are there");
    mails
}

fn is_mail(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.ends_with(".eml")
        || text.contains("/maildir/")
        || path.file_name().unwrap().to_string_lossy().starts_with("msg_")
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn mail_parser_sources() -> PathBuf {
    let version = String::from_utf8(Command::new("rustc").arg("-vV").output().unwrap().stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "mail-parser").expect("it is a dependency");
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

/// Where the system's Python keeps the data of its tests; a package of its own on Debian.
fn python_data() -> PathBuf {
    let script = "import os, test.test_email as tests; print(os.path.dirname(tests.__file__))";
    let output = Command::new(PYTHON).args(["-c", script]).output();
    let data = output.ok().filter(|output| output.status.success()).and_then(|output| {
        let directory = String::from_utf8(output.stdout).ok()?;
        Some(Path::new(directory.trim()).join("data")).filter(|data| data.is_dir())
    });
    data.expect("Python and the tests of its email package are missing; run tests/run, which installs them")
}

/// The system's own, since that is what the package of its tests belongs to.
const PYTHON: &str = if cfg!(unix) { "/usr/bin/python3" } else { "python" };

fn python(script: &str, maildir: &Path, mails: &[Mail]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let files = mails.iter().map(|mail| file(maildir, mail));
    let output = Command::new(PYTHON).arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), mails.len());
    answers
}

fn file(maildir: &Path, mail: &Mail) -> PathBuf {
    let separator = if cfg!(windows) { ';' } else { ':' };
    maildir
        .join(format!(".{}", mail.folder))
        .join("cur")
        .join(format!("{}.M1P1.foreign{separator}2,", 1_000_000 + mail.uid))
}

fn write_maildir(directory: &Path, mails: &[Mail]) {
    for folder in ["", ".mail-parser", ".python", ".corpus"] {
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir_all(directory.join(folder).join(inner)).unwrap();
        }
    }
    for mail in mails {
        fs::write(file(directory, mail), &mail.octets).unwrap();
    }
}

/// In the mboxrd way: every line of `>`s and `From ` in a body gets one `>` more.
fn write_mbox(directory: &Path, mails: &[Mail]) {
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for mail in mails {
        let mbox = files.entry(mail.folder).or_default();
        mbox.extend_from_slice(b"From foreign@example.org Sat Jan  3 01:02:03 2026\n");
        let mut in_body = false;
        for line in mail.octets.split_inclusive(|octet| *octet == b'\n') {
            if in_body && line.iter().skip_while(|octet| **octet == b'>').take(5).eq(b"From ") {
                mbox.push(b'>');
            }
            in_body |= matches!(line, b"\n" | b"\r\n");
            mbox.extend_from_slice(line);
        }
        mbox.push(b'\n');
    }
    for (folder, mbox) in files {
        fs::write(directory.join(format!("{folder}.mbox")), mbox).unwrap();
    }
}

fn begins_with_a_field(octets: &[u8]) -> bool {
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}
