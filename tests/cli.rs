//! The program itself, as scripts run it: exit status, formats, files, pipes and signals.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use program::{Home, names, stderr, until};

mod program;

const FOLDERS: &str = "SELECT folder, count(*) AS messages FROM MessagesInFolder GROUP BY folder ORDER BY folder";

#[test]
fn the_demo_answers_and_leaves_nothing_behind() {
    let home = Home::new();
    let shown = home.stdout(&["demo", "-c", FOLDERS]);
    assert!(shown.lines().next().unwrap().contains("folder") && shown.contains("INBOX"), "{shown}");
    assert!(shown.trim_end().ends_with("rows)"), "{shown}");
    assert_eq!(home.left_behind(), Vec::<PathBuf>::new());
}

#[test]
fn every_format_says_the_same() {
    let home = Home::new();
    let sql = "SELECT 'a,\"b\"|c' AS text, 12 AS number, NULL AS nothing, TIMESTAMP '2026-01-02 03:04:05' AS time";
    let shown = |format: &str| home.stdout(&["demo", "--format", format, "-c", sql]);
    assert_eq!(shown("csv"), "text,number,nothing,time\n\"a,\"\"b\"\"|c\",12,,2026-01-02T03:04:05\n");
    assert_eq!(shown("tsv"), "text\tnumber\tnothing\ttime\n\"a,\"\"b\"\"|c\"\t12\t\t2026-01-02T03:04:05\n");
    let object = serde_json::json!({"text": "a,\"b\"|c", "number": 12, "nothing": null, "time": "2026-01-02T03:04:05"});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown("json")).unwrap(), serde_json::json!([object]));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown("ndjson")).unwrap(), object);
    assert!(shown("md").ends_with("| a,\"b\"\\|c | 12 |  | 2026-01-02T03:04:05 |\n"), "{}", shown("md"));
    assert!(shown("table").contains("NULL"));
}

#[test]
fn an_empty_answer_is_still_a_whole_document() {
    let home = Home::new();
    let sql = "SELECT 1 AS one WHERE false";
    assert_eq!(home.stdout(&["demo", "--format", "csv", "-c", sql]), "one\n");
    assert_eq!(home.stdout(&["demo", "--format", "json", "-c", sql]), "[]\n");
    assert_eq!(home.stdout(&["demo", "--format", "ndjson", "-c", sql]), "");
    assert!(home.stdout(&["demo", "-c", sql]).contains("(0 rows)"));
}

#[test]
fn statements_come_from_options_files_and_standard_input_in_order() {
    let home = Home::new();
    fs::write(home.path("two.sql"), "\u{feff}SELECT 2 AS n; -- and\nSELECT 3 AS n").unwrap();
    let arguments = ["--format", "csv", "-c", "SELECT 1 AS n", "demo", "-f", "two.sql", "-c", "SELECT 4 AS n"];
    assert_eq!(home.stdout(&arguments), "n\n1\nn\n2\nn\n3\nn\n4\n");
    let mut child = home.command(&["demo", "--format", "csv"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 5 AS n;").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"n\n5\n");
}

#[test]
fn each_wrong_input_is_one_line_a_hint_and_a_status() {
    let home = Home::new();
    fs::write(home.path("broken.toml"), "[accounts.x\n").unwrap();
    for (status, arguments) in [
        (1, vec!["demo", "-c", "SELECT nonsense"]),
        (1, vec!["demo", "-c", "SELEC 1"]),
        (1, vec!["demo", "-f", "missing.sql"]),
        (1, vec!["demo", "-o", "missing/x.csv", "-c", "SELECT 1"]),
        (2, vec!["demo", "-o", "x.xyz", "-c", "SELECT 1"]),
        (2, vec!["demo", "-o", "x.csv", "-c", "SELECT 1; SELECT 2"]),
        (2, vec!["demo", "-o", "files/", "-c", "SELECT 1 AS n"]),
        (2, vec!["--nonsense"]),
        (2, vec!["work", "demo"]),
        (2, vec!["nobody", "-c", "SELECT 1"]),
        (2, vec!["-c", "SELECT 1"]),
        (2, vec!["queries", "nothing-like-it"]),
    ] {
        let output = home.run(&arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(
            said.starts_with("error: ") && !said.contains("panicked") && !said.contains("RUST_BACKTRACE"),
            "{said}"
        );
        assert_eq!(output.stdout, b"", "{arguments:?}");
    }
    let missing = home.run(&["--config", "missing.toml", "-c", "SELECT 1"]);
    assert!(matches!(missing.status.code(), Some(1 | 2)) && stderr(&missing).contains("missing.toml"));
    assert_eq!(home.left_behind(), Vec::<PathBuf>::new());
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = Home::new();
    let sql = "SELECT value FROM generate_series(1, 3000000)";
    for format in ["table", "csv", "ndjson"] {
        let mut child = home.command(&["demo", "--format", format, "-c", sql]);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{format}: {}", stderr(&output));
    }
}

#[test]
fn an_export_appears_whole_or_not_at_all() {
    let home = Home::new();
    home.stdout(&["demo", "-o", "mail.parquet", "-c", "SELECT * FROM MessagesInFolder"]);
    let back = "CREATE EXTERNAL TABLE m STORED AS PARQUET LOCATION 'mail.parquet'; SELECT count(*) > 0 AS some FROM m";
    assert_eq!(home.stdout(&["demo", "--format", "csv", "-c", back]), "some\ntrue\n");
    fs::write(home.path("keep.csv"), "old").unwrap();
    let fails_late = "SELECT 10 / (value - 100000) AS n FROM generate_series(1, 200000)";
    let output = home.run(&["demo", "-o", "keep.csv", "-c", fails_late]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(home.path("keep.csv")).unwrap(), "old");
    assert_eq!(names(home.0.path()).into_iter().filter(|name| name.contains("part")).count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_line_and_a_hint() {
    let home = Home::new();
    let output = home.run(&["demo", "-o", "/dev/full", "--format", "csv", "-c", FOLDERS]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no space left") && said.contains("\nhint: ") && said.lines().count() == 2, "{said}");
}

#[test]
fn files_with_hostile_names_stay_inside() {
    let home = Home::new();
    let sql = "SELECT * FROM (VALUES ('../../x.txt', 'a'), ('x.txt', 'b'), ('x.txt', 'c'), ('gone', NULL), \
               (chr(8238) || 'fdp.exe', 'd'), ('CON', 'e')) AS t (name, content)";
    let output = home.run(&["demo", "-o", "files/", "-c", sql]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("5 files, 5 B saved in files/; 1 row without content skipped"),
        "{}",
        stderr(&output)
    );
    assert_eq!(names(&home.path("files")), ["_CON", "__.._x.txt", "_fdp.exe", "x (2).txt", "x.txt"]);
}

#[test]
fn a_table_is_harmless_and_aligned() {
    let home = Home::new();
    let sql = "SELECT * FROM (VALUES (chr(27) || '[2J', 1), ('日本語', 2), (chr(8238) || 'x', 3), ('a' || chr(10) || 'b', 4)) \
               AS t (s, n)";
    let shown = home.stdout(&["demo", "-c", sql]);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    for visible in ["␛[2J      │ 1", "日本語    │ 2", "\\u{202e}x │ 3", "a␊b       │ 4"] {
        assert!(shown.contains(visible), "{shown}");
    }
}

#[test]
fn ready_made_queries_are_listed_and_run() {
    let home = Home::new();
    let listed = home.stdout(&["queries", "--format", "csv"]);
    let names = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect::<Vec<_>>();
    assert!(names.len() > 1, "{listed}");
    home.stdout(&["queries", names[0], "demo"]);
}

#[cfg(unix)]
#[test]
fn being_told_to_end_deletes_the_sample_and_the_half_file() {
    let home = Home::new();
    let sql = "SELECT value FROM generate_series(1, 100000000000)";
    let mut child = home.command(&["demo", "-o", "endless.csv", "-c", sql]).spawn().unwrap();
    let half = || names(home.0.path()).into_iter().any(|name| name.ends_with(".part"));
    until("the export begins", half);
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!half() && !home.path("endless.csv").exists());
    assert_eq!(home.left_behind(), Vec::<PathBuf>::new());
}

/// Whoever may see everything is not asked: then somebody else runs the program.
#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_looked_into_is_an_error_and_no_folder_less() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let place = tempfile::tempdir().unwrap();
    let allow =
        |path: &str, mode| fs::set_permissions(place.path().join(path), PermissionsExt::from_mode(mode)).unwrap();
    let mail = "Subject: x\n\nx\n";
    for folder in ["mail", "mail/.Shared"] {
        fs::create_dir_all(place.path().join(folder).join("cur")).unwrap();
        fs::create_dir_all(place.path().join(folder).join("new")).unwrap();
        fs::write(place.path().join(folder).join("cur/1.x:2,"), mail).unwrap();
    }
    fs::create_dir(place.path().join("boxes")).unwrap();
    fs::write(place.path().join("boxes/a.mbox"), format!("From a@b Sat Jan  3 01:02:03 2026\n{mail}\n")).unwrap();
    allow("", 0o755);
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_mailql"));
    let is_root = fs::metadata(place.path()).unwrap().uid() == 0;
    if is_root {
        // Another process copies it: a program that this one has open for writing, or a child that another test starts
        // meanwhile, could not be started ("text file busy").
        assert!(Command::new("cp").arg(&program).arg(place.path().join("mailql")).status().unwrap().success());
        program = place.path().join("mailql");
    }
    let run = |mailbox: &str| {
        let mut command = Command::new(&program);
        command.args([mailbox, "--format", "csv", "-c", "SELECT count(*) AS n FROM MessagesInFolder"]);
        command
            .current_dir(place.path())
            .env("HOME", place.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME");
        if is_root {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for (mailbox, hidden, mode, messages) in [("./mail", "mail/.Shared", 0o000, 2), ("./boxes", "boxes", 0o444, 1)] {
        let (status, shown, said) = run(mailbox);
        assert_eq!((status, shown), (Some(0), format!("n\n{messages}\n")), "{said}");
        allow(hidden, mode);
        let (status, shown, said) = run(mailbox);
        allow(hidden, 0o755);
        assert!(status == Some(1) && !shown.contains(char::is_numeric), "{shown}{said}");
        assert!(said.contains("cannot look into") && said.contains("ermission denied"), "{said}");
    }
}
