//! The ready-made queries: each answers something on the sample mailbox, and runs on the oddest one.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod mail;

use std::fs;
use std::path::Path;
use std::process::Command;

use mailql::Engine;

/// Queries that rightly find nothing in the sample mailbox.
const EMPTY_ON_THE_SAMPLE: [&str; 2] = ["mail-with-problems", "mail-without-subject"];

#[test]
fn every_query_answers_on_the_sample() {
    let names = names();
    assert!(names.len() >= 12, "there are queries");
    for name in names {
        let output = mailql(&["queries", &name, "demo", "--format", "csv"]);
        let rows = output.lines().count() - 1;
        assert_eq!(rows == 0, EMPTY_ON_THE_SAMPLE.contains(&name.as_str()), "{name} gave {rows} rows");
    }
}

#[test]
fn the_program_lists_every_file() {
    let listed = mailql(&["queries", "--format", "csv"]);
    let listed: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(listed, names());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_runs_on_the_oddest_mail() {
    let directory = tempfile::tempdir().unwrap();
    mail::write_maildir(directory.path());
    let engine = Engine::builder().maildir("mail", directory.path()).build().unwrap();
    for name in names() {
        let text = fs::read_to_string(queries().join(format!("{name}.sql"))).unwrap();
        let rows = engine.sql(&text).await.unwrap().collect().await;
        assert!(rows.is_ok(), "{name}: {}", rows.unwrap_err());
    }
}

fn mailql(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mailql")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn names() -> Vec<String> {
    let files = fs::read_dir(queries()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn queries() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")
}
