//! The prompt, as people use it: in a real terminal, which tmux gives.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use program::until;
use terminal::Terminal;

mod program;
mod terminal;

#[test]
fn the_prompt_takes_many_lines_and_survives_errors() {
    let terminal = Terminal::start();
    terminal.types("SELECT 'it;");
    terminal.presses("Enter");
    terminal.until("the open quote", |screen| screen.trim_end().ends_with("demo'>"));
    terminal.types("s', 1 +");
    terminal.presses("Enter");
    terminal.until("the open statement", |screen| screen.trim_end().ends_with("demo->"));
    let shown = terminal.says("41 AS answer;");
    assert!(shown.contains("it;␊s") && shown.contains("42") && shown.contains("(1 row)"), "{shown}");
    let shown = terminal.says("SELECT nonsense;");
    assert!(shown.contains("error: "), "{shown}");
    let shown = terminal.says("\\timng");
    assert!(shown.contains("hint: did you mean \\timing?"), "{shown}");
    terminal.types("\\q");
    terminal.presses("Enter");
    terminal.until("the end", |screen| screen.contains("status 0"));
    assert_eq!(terminal.home.left_behind(), Vec::<PathBuf>::new());
}

#[test]
fn a_plain_query_shows_forty_rows_and_says_how_to_see_more() {
    let terminal = Terminal::start();
    let shown = terminal.says("SELECT uid, subject FROM MessagesInFolder;");
    assert!(shown.contains("(first 40 shown; \\limit 0 or a LIMIT clause shows more"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.contains('│')).count(), 41, "{shown}");
    let shown = terminal.says("SELECT value FROM generate_series(1, 40);");
    assert!(shown.contains("(40 rows)"), "{shown}");
    terminal.says("\\limit 0");
    let shown = terminal.says("SELECT value FROM generate_series(1, 45);");
    assert!(shown.contains("(45 rows)"), "{shown}");
}

#[test]
fn control_c_stops_the_query_and_keeps_the_prompt() {
    let terminal = Terminal::start();
    terminal.types("SELECT half");
    terminal.presses("C-c");
    terminal.until("a new prompt", |screen| screen.trim_end().ends_with("demo=>"));
    terminal.types("SELECT count(*) FROM generate_series(1, 1000000000000) AS a WHERE value % 7 = 8;");
    terminal.presses("Enter");
    terminal.until("the progress", |screen| screen.trim_end().ends_with(" s"));
    let start = Instant::now();
    terminal.presses("C-c");
    terminal.until("the word", |screen| screen.contains("cancelled") && screen.trim_end().ends_with("demo=>"));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(terminal.says("SELECT 41 + 1;").contains("42"));
    terminal.presses("C-d");
    terminal.until("the end", |screen| screen.contains("status 0"));
}

#[test]
fn rows_fit_the_terminal_and_stand_in_line() {
    let terminal = Terminal::start();
    let sql = "SELECT * FROM (VALUES (repeat('日本語 ', 40), 1), ('🎉', 22)) AS t (subject, n);";
    let shown = terminal.says(sql);
    let rows = shown.lines().filter(|line| line.contains('│')).collect::<Vec<_>>();
    assert_eq!(rows.len(), 3, "{shown}");
    assert!(rows[1].contains('…') && rows[1].ends_with("  1") && rows[2].ends_with(" 22"), "{shown}");
    let shown = terminal.says("\\x");
    assert!(shown.contains("one line per column"), "{shown}");
    assert!(terminal.says("SELECT 1 AS one;").contains("─[ 1 ]"));
}

#[test]
fn tab_completes_words_and_folders() {
    let terminal = Terminal::start();
    terminal.types("SELECT count(*) AS n FROM messagesi");
    terminal.presses("Tab");
    terminal.until("a word", |screen| screen.contains("FROM MessagesInFolder"));
    terminal.presses("C-u");
    terminal.types("SELECT 1 FROM MessagesInFolder WHERE folder = 'INB");
    terminal.presses("Tab");
    terminal.until("a folder", |screen| screen.contains("folder = 'INBOX"));
}

#[test]
fn the_history_keeps_statements_whole_and_closed_to_others() {
    let terminal = Terminal::start();
    terminal.types("SELECT 6 *");
    terminal.presses("Enter");
    terminal.until("the open statement", |screen| screen.trim_end().ends_with("demo->"));
    terminal.says("7 AS answer;");
    terminal.tmux(&["send-keys", "-R"]);
    terminal.presses("Up");
    terminal.until("both lines", |screen| screen.contains("SELECT 6 *") && screen.contains("7 AS answer;"));
    terminal.presses("Enter");
    terminal.until("the answer", |screen| screen.contains("42"));
    let file = terminal.home.path("state/mailql/history");
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("SELECT 6 *\\n7 AS answer;"), "{kept}");
    {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn commands_list_write_include_and_edit() {
    let terminal = Terminal::start();
    let shown = terminal.says("\\?");
    assert!(shown.contains("\\folders [ACCOUNT]") && shown.contains("\\timing"), "{shown}");
    assert!(terminal.says("\\d").contains("MessagesInFolder"));
    let shown = terminal.says("\\d messages_in_folder");
    assert!(shown.contains("subject") && shown.contains("timestamp with time zone"), "{shown}");
    assert!(terminal.says("\\dn").contains("maildir"));
    assert!(terminal.says("\\df substr").contains("scalar"));
    terminal.says("\\o out.csv");
    assert!(terminal.says("SELECT 1 AS one;").contains("1 row, "));
    assert_eq!(fs::read_to_string(terminal.home.path("out.csv")).unwrap(), "one\n1\n");
    terminal.says("\\o");
    fs::write(terminal.home.path("in.sql"), "SELECT 'from a file' AS place;").unwrap();
    assert!(terminal.says("\\i in.sql").contains("from a file"));
    let editor = terminal.home.path("editor");
    fs::write(&editor, "#!/bin/sh\nsed 's/from a file/from the editor/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n")
        .unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
    let shown = terminal.says("\\e");
    assert!(shown.contains(" from the editor\n(1 row)"), "{shown}");
}

#[test]
fn a_terminal_that_closes_takes_the_sample_with_it() {
    let terminal = Terminal::start();
    assert_eq!(terminal.home.left_behind().len(), 1);
    terminal.tmux(&["kill-session"]);
    until("the sample is gone", || terminal.home.left_behind().is_empty());
}

#[test]
fn a_typed_password_is_not_on_the_screen() {
    let terminal = Terminal::with("imap://me@127.0.0.1:1 -c 'SELECT * FROM Folder'");
    terminal.until("the question", |screen| screen.trim_end().ends_with("password of me@127.0.0.1:"));
    terminal.types("hunter2");
    terminal.presses("Enter");
    let screen = terminal.until("the end", |screen| screen.contains("status "));
    assert!(!screen.contains("hunter2") && !screen.contains("no password"), "{screen}");
    terminal.until("echo", |screen| terminal.echoes(screen));
}

#[test]
fn control_c_and_nothing_end_the_question_and_leave_echo_on() {
    for (key, status) in [("C-c", "status 130"), ("C-d", "status 2"), ("Enter", "status 2")] {
        let terminal = Terminal::with("imap://me@127.0.0.1:1");
        terminal.until("the question", |screen| screen.trim_end().ends_with("password of me@127.0.0.1:"));
        terminal.presses(key);
        let screen = terminal.until("the end", |screen| screen.contains("status "));
        assert!(screen.contains(status), "{key}: {screen}");
        terminal.until("echo", |screen| terminal.echoes(screen));
    }
}

#[test]
fn being_told_to_end_while_asking_leaves_echo_on() {
    let terminal = Terminal::with("imap://me@127.0.0.1:1");
    terminal.until("the question", |screen| screen.trim_end().ends_with("password of me@127.0.0.1:"));
    let children = Command::new("pgrep").args(["-P", terminal.tmux(&["display", "-p", "#{pane_pid}"]).trim()]).output();
    let process = String::from_utf8(children.unwrap().stdout).unwrap();
    assert!(Command::new("kill").args(["-TERM", process.trim()]).status().unwrap().success());
    let screen = terminal.until("the end", |screen| screen.contains("status "));
    assert!(screen.contains("status 143"), "{screen}");
    terminal.until("echo", |screen| terminal.echoes(screen));
}
