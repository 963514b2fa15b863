//! The program itself, as people and scripts run it: exit status, formats, files, pipes, and the prompt on a terminal.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A home of its own for each test, so that nobody's configuration or history is touched.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let place = |name: &str| self.path(name).display().to_string();
        fs::create_dir_all(self.path("tmp")).unwrap();
        vec![
            ("HOME", place("")),
            ("XDG_CONFIG_HOME", place("config")),
            ("XDG_STATE_HOME", place("state")),
            ("XDG_CACHE_HOME", place("cache")),
            ("TMPDIR", place("tmp")),
        ]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailql"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_remove("MAILQL_CONFIG").env_remove("MAILQL_LOG").envs(self.environment());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it prints, when it succeeds.
    fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Files that a run left in its temporary directory.
    fn left_behind(&self) -> Vec<PathBuf> {
        fs::read_dir(self.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = entries.collect::<Vec<_>>();
    names.sort();
    names
}

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
    let names = listed.lines().skip(2).filter_map(|line| line.split('│').next()).map(str::trim);
    let names = names.filter(|name| !name.is_empty() && !name.starts_with('(')).collect::<Vec<_>>();
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

/// The prompt in a real terminal of 100 columns; dropped, it and what runs in it are gone.
struct Terminal {
    home: Home,
}

impl Terminal {
    fn start() -> Self {
        let terminal = Self { home: Home::new() };
        let environment = terminal.home.environment().into_iter().map(|(name, value)| format!("{name}='{value}'"));
        let environment = environment.collect::<Vec<_>>().join(" ");
        let program = env!("CARGO_BIN_EXE_mailql");
        let command = format!(
            "cd '{}'; env -u MAILQL_CONFIG {environment} EDITOR=./editor LC_ALL=C.UTF-8 '{program}' demo; echo \"status $?\"; read -r _",
            terminal.home.0.path().display()
        );
        terminal.tmux(&["new-session", "-d", "-x", "100", "-y", "50", &command]);
        terminal.until("the first prompt", |screen| screen.trim_end().ends_with("demo=>"));
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.home.path("tmux");
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8").arg("-u").arg("-S").arg(socket).args(["-f", "/dev/null"]);
        let output = command.args(arguments).output().expect("tmux is needed by these tests");
        assert!(output.status.success(), "tmux {arguments:?}: {}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn types(&self, text: &str) {
        // A semicolon at the end would end tmux's own command.
        let text = text.strip_suffix(';').map_or(text.to_owned(), |text| format!("{text}\\;"));
        self.tmux(&["send-keys", "-l", "--", &text]);
    }

    fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line and waits for the next prompt below what it caused; gives that.
    fn says(&self, line: &str) -> String {
        self.tmux(&["send-keys", "-R"]);
        self.tmux(&["clear-history"]);
        self.types(line);
        self.presses("Enter");
        let is_back = |screen: &str| screen.trim_end().lines().count() > 1 && screen.trim_end().ends_with("demo=>");
        self.until(line, is_back)
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-2000"])
    }

    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let start = Instant::now();
        while !is_so(&screen) {
            assert!(start.elapsed() < DEADLINE, "waited for: {what}\n{screen}");
            screen = self.screen();
        }
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = self.home.path("tmux");
        drop(Command::new("tmux").env_remove("TMUX").arg("-S").arg(socket).arg("kill-server").output());
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited for: {what}");
        std::thread::yield_now();
    }
}

const DEADLINE: Duration = Duration::from_secs(30);

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
    terminal.types("SELECT count(*) AS n FROM Mess");
    terminal.presses("Tab");
    terminal.until("a word", |screen| screen.contains("FROM Messages"));
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
    let mut kept = String::new();
    fs::File::open(&file).unwrap().read_to_string(&mut kept).unwrap();
    assert!(kept.contains("SELECT 6 *\\n7 AS answer;"), "{kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[cfg(unix)]
#[test]
fn commands_list_write_include_and_edit() {
    use std::os::unix::fs::PermissionsExt;
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

#[cfg(unix)]
#[test]
fn a_terminal_that_closes_takes_the_sample_with_it() {
    let terminal = Terminal::start();
    assert_eq!(terminal.home.left_behind().len(), 1);
    terminal.tmux(&["kill-session"]);
    until("the sample is gone", || terminal.home.left_behind().is_empty());
}
