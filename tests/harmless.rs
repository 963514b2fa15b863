//! Nothing that a mail, a server or a file's name says reaches the terminal as it is: whatever it is shown by.
//!
//! Every octet that goes to the terminal is looked at; `script` of util-linux gives one to the program.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod program;
mod server;
mod terminal;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use program::Home;
use server::listener;
use server::scripted::{Action, Folder, Message, Script, Scripted};
use terminal::Terminal;

/// Whatever a terminal obeys or hides: C0, DEL, C1, bidi, line ends of Unicode, what is invisible, tags.
fn letters() -> Vec<char> {
    let ranges = [
        ('\u{1}', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
        ('\u{200b}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{e0001}', '\u{e0001}'),
        ('\u{e0020}', '\u{e007f}'),
    ];
    ranges.into_iter().flat_map(|(first, last)| first..=last).chain(['\u{ad}', '\u{61c}', '\u{feff}']).collect()
}

/// Each of them between two signs that show where it was; then sequences that write the clipboard, the title and the screen.
fn planted() -> String {
    let letters = letters().into_iter().map(|letter| format!("⟦{letter}⟧")).collect::<String>();
    letters + "⟦\u{1b}]52;c;cm0gLXJm\u{7}⟦\u{9d}0;title\u{9c}⟦\u{1b}[2J⟦\u{9b}2J⟦\u{1b}Pq\u{1b}\\⟦\u{1b}c⟧"
}

/// The same in one line.
fn planted_in_a_line() -> String {
    planted().replace("⟦\n⟧", "").replace("⟦\r⟧", "")
}

/// Nothing of what was planted is there as it was, but for `let_through`; something of it is there.
fn assert_harmless(drawn: &str, let_through: &[char], by: &str) {
    for letter in letters().into_iter().filter(|letter| !let_through.contains(letter)) {
        let at = drawn.find(&format!("⟦{letter}"));
        assert_eq!(at, None, "{by} draws {letter:?}: {drawn:?}");
    }
    // Where nothing could be put between signs, the character alone is looked for.
    let hidden = |letter: &char| ('\u{80}'..='\u{9f}').contains(letter) || ('\u{200b}'..='\u{e007f}').contains(letter);
    let hidden = |letter: &char| hidden(letter) && letters().contains(letter);
    assert_eq!(drawn.chars().find(hidden), None, "{by}: {drawn:?}");
    // Markdown has a sign of its own for what may not be in it.
    assert!(drawn.contains("⟦␛") || drawn.contains("⟦\u{fffd}"), "{by} shows nothing of it: {drawn:?}");
}

/// Runs the program at a wide terminal; gives every octet that went there, also when it fails.
fn drawn(home: &Home, arguments: &[&str], typed: &str) -> String {
    let quoted = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
    let words = arguments.iter().map(quoted).collect::<Vec<_>>().join(" ");
    fs::write(
        home.path("drawn.sh"),
        format!("stty rows 50 cols 9000 -echo; '{}' {words}", env!("CARGO_BIN_EXE_mailql")),
    )
    .unwrap();
    let mut command = Command::new("timeout");
    // What waits for an answer that does not come ends, too.
    command.args(["60", "script", "-q", "-e", "-c", "sh drawn.sh", "/dev/null"]).current_dir(home.path(""));
    command.envs(home.environment()).env("SHELL", "/bin/sh").env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    for name in ["MAILQL_CONFIG", "MAILQL_TOKEN"] {
        command.env_remove(name);
    }
    command.env("MAILQL_PASSWORD", "hunter2").env("MAILQL_LOG", if typed == TRACE { "mailql=trace" } else { "" });
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    // The terminal's own line ends.
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

/// Instead of what is typed: everything is logged.
const TRACE: &str = "\n";

/// A name as IMAP and Maildirs spell it (modified UTF-7).
fn spelled(name: &str) -> String {
    let is_direct = |letter: &char| matches!(letter, ' '..='~');
    let (mut spelled, mut letters) = (String::new(), name.chars().peekable());
    while let Some(letter) = letters.next() {
        if is_direct(&letter) {
            spelled.push(letter);
            continue;
        }
        let mut run = letter.to_string();
        while let Some(letter) = letters.next_if(|letter| !is_direct(letter)) {
            run.push(letter);
        }
        let units: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
        spelled += &format!("&{}-", STANDARD_NO_PAD.encode(units).replace('/', ","));
    }
    spelled
}

fn encoded(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text))
}

/// A server whose folder, mail and words are as bad as they can be.
fn evil() -> Scripted {
    let planted = planted();
    let word = encoded(&planted);
    let raw = format!(
        "From: {word} <a@example.org>\nSubject: {word}\nX-Word: {word}\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n{planted}\n"
    );
    let message = Message::new(1, "", &raw);
    let folders = vec![Folder::new(&spelled(&format!("X{planted}")), vec![message]), Folder::new("INBOX", Vec::new())];
    Script::new().folders(folders).start()
}

fn url(port: u16) -> String {
    format!("imap://me@127.0.0.1:{port}")
}

#[test]
fn rows_are_harmless_in_every_format() {
    let (server, home) = (evil(), Home::new());
    let url = url(server.port());
    for format in ["table", "csv", "tsv", "json", "ndjson", "md"] {
        let let_through: &[char] = match format {
            "tsv" => &['\n', '\t'],
            "table" => &[],
            _ => &['\n'],
        };
        for sql in [
            "SELECT folder, subject, from_name FROM MessagesInFolder",
            "SELECT body_text, preview FROM MessageBody",
            "SELECT name, value FROM MessageHeaders",
            "SELECT folder, name FROM Folder",
        ] {
            let shown = drawn(&home, &[&url, "--format", format, "-c", sql], "");
            if ["json", "ndjson"].contains(&format) {
                // JSON has a way of its own to say C0.
                let shown = shown.replace("\\u001b", "␛");
                assert_harmless(&shown, &[], format);
            } else {
                assert_harmless(&shown, let_through, format);
            }
            let file = format!("to-terminal.{format}");
            if format != "table" && sql.contains("FROM Folder") {
                let shown = drawn(&home, &[&url, "-o", "/dev/tty", "--format", format, "-c", sql], "");
                assert_harmless(&shown.replace("\\u001b", "␛"), let_through, "-o /dev/tty");
                drop(drawn(&home, &[&url, "-o", &file, "--format", format, "-c", sql], ""));
                let kept = fs::read_to_string(home.path(&file)).unwrap();
                let has_all = kept.contains("⟦\u{202e}⟧") || format == "md";
                assert!(has_all, "a file has what is there: {kept:?}");
            }
        }
    }
    let heading = format!("SELECT 1 AS \"{}\"", planted_in_a_line());
    for format in ["table", "csv", "tsv", "json", "ndjson", "md"] {
        let shown = drawn(&home, &[&url, "--format", format, "-c", &heading], "");
        assert_harmless(&shown.replace("\\u001b", "␛"), &['\t'], "a heading");
    }
}

#[test]
fn plans_errors_hints_and_the_log_are_harmless() {
    let (server, home) = (evil(), Home::new());
    let url = url(server.port());
    let planted = planted_in_a_line();
    let name = format!("X{planted}");
    let of_folder = format!("SELECT subject FROM MessagesInFolder WHERE folder = '{name}'");
    assert_harmless(&drawn(&home, &[&url, "-c", &format!("EXPLAIN {of_folder}")], ""), &[], "EXPLAIN");
    assert_harmless(&drawn(&home, &[&url, "-c", &of_folder], ""), &[], "a folder that is not there");
    assert_harmless(
        &drawn(&home, &[&url, "-c", &format!("SELECT \"{planted}\"")], ""),
        &[],
        "a column that is not there",
    );
    assert_harmless(&drawn(&home, &[&url, "-o", &format!("{planted}/x.csv"), "-c", "SELECT 1"], ""), &[], "a file");
    for wrong in [["demo", &planted], ["--format", &planted]] {
        // Here they are left out.
        let shown = drawn(&home, &wrong, "");
        assert_harmless(&(shown + "⟦␛"), &[], "a wrong command line");
    }
    assert_harmless(&drawn(&home, &["--config", &planted, "config", "path"], ""), &[], "a path");
    assert_harmless(&drawn(&home, &["--config", &planted, "accounts"], ""), &[], "a configuration");
    // The log has all of what is read, and one line for each event.
    let logged =
        drawn(&home, &[&url, "-c", "SELECT folder, messages FROM Folder; SELECT folder FROM MessagesInFolder"], TRACE);
    assert_harmless(&logged, &[], "the log");
    let logged = drawn(&home, &["-v", &url, "-c", "SELECT count(body_text) FROM MessageBody"], "");
    assert!(logged.contains("DEBUG"), "{logged}");
    assert!(!letters().iter().any(|letter| logged.contains(&format!("⟦{letter}"))), "{logged:?}");
}

#[test]
fn what_servers_say_is_harmless() {
    let home = Home::new();
    for (command, said) in [("LOGIN", "NO"), ("LIST", "NO"), ("EXAMINE", "NO"), ("UID FETCH", "NO"), ("LIST", "BAD")] {
        let words = planted_in_a_line();
        let server = Script::new()
            .capabilities("IMAP4rev1")
            .on_command(move |heard, _, _| {
                (heard.name == command).then(|| vec![Action::tagged(heard, &format!("{said} {words}"))])
            })
            .start();
        let url = url(server.port());
        let sql = "SELECT subject FROM MessagesInFolder";
        assert_harmless(&drawn(&home, &[&url, "-c", sql], ""), &[], command);
        assert_harmless(&drawn(&home, &[&url, "-c", sql], TRACE), &[], command);
        let transcript = format!("{command}-{said}.log").replace(' ', "-");
        let shown = drawn(&home, &["test", &url, "--transcript", &transcript], "");
        if ["LOGIN", "LIST"].contains(&command) {
            assert_harmless(&shown, &[], "mailql test");
            assert_harmless(&fs::read_to_string(home.path(&transcript)).unwrap(), &[], "a transcript");
        }
    }
    let words = planted_in_a_line();
    let greeted = listener::listen(move |mut stream| {
        let _ = stream.write_all(format!("* BYE {words}\r\n").as_bytes());
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    assert_harmless(&drawn(&home, &["test", &url(greeted)], ""), &[], "a greeting");
}

#[test]
fn the_prompt_is_harmless_and_what_tab_writes_is_the_folder() {
    let (server, home) = (evil(), Home::new());
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    fs::create_dir_all(home.path("state/mailql")).unwrap();
    let config = format!(
        "[accounts.me]\nimap = {{ host = '127.0.0.1', port = {}, tls = 'none' }}\nuser = 'me'\npassword_command = 'echo x'\n",
        server.port()
    );
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    // What is in the history may have been pasted from a mail.
    let pasted = planted_in_a_line().replace(['\u{1b}', '\t'], "");
    fs::write(home.path("state/mailql/history"), format!("#V2\nSELECT '{pasted}' AS pasted;\n")).unwrap();
    let terminal = Terminal::recorded(home, "me");
    let prompt = |what: &str| {
        terminal.until(what, |screen| screen.contains(what) && screen.trim_end().ends_with("me=>"));
    };
    terminal.until("the prompt", |screen| screen.trim_end().ends_with("me=>"));
    terminal.types("SELECT folder, subject, 41 + 1 AS answer FROM MessagesInFolder WHERE folder = 'X");
    terminal.presses("Tab");
    terminal.until("the folder", |screen| screen.replace('\n', "").contains("|| 'c⟧'"));
    terminal.types(";");
    terminal.presses("Enter");
    prompt("(1 row)");
    assert_eq!(server.count("EXAMINE"), 1, "it is the folder, and no other was opened");
    terminal.types("SELECT 1 FROM Folder WHERE folder = '");
    terminal.presses("Tab");
    terminal.presses("Tab");
    terminal.until("the list", |screen| screen.contains("\nINBOX") && screen.trim_end().ends_with("folder = '"));
    terminal.presses("C-c");
    terminal.until("a new line", |screen| screen.trim_end().ends_with("me=>"));
    terminal.types("\\folders");
    terminal.presses("Enter");
    prompt("(2 rows)");
    terminal.types("\\x");
    terminal.presses("Enter");
    prompt("one line per column");
    terminal.types("SELECT subject, body_text FROM MessageBody;");
    terminal.presses("Enter");
    prompt("(1 row)");
    // Past what was typed here, to what was there before.
    for _ in 0..5 {
        terminal.presses("Up");
    }
    terminal.until("the history", |screen| screen.contains("AS pasted;"));
    // The editor itself begins lines, where one is full.
    assert_harmless(&terminal.drawn().replace("\r\n", "\n"), &['\n', '\r'], "the prompt");
}

#[test]
fn questions_are_harmless() {
    let home = Home::new();
    let planted = planted_in_a_line();
    let json = serde_json::Value::from(planted.clone()).to_string();
    // What a keyboard cannot be told apart from a name's letters does not get into a configuration.
    let key = json.replace("\u{7f}", "\\u007f");
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let config = format!(
        "[credentials.{key}]\nclient_id = 'x'\nauthorization_endpoint = 'http://127.0.0.1:1/'\ntoken_endpoint = 'http://127.0.0.1:1/'\n\
         [accounts.{key}]\nmaildir = {key}\n"
    );
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    assert_harmless(&drawn(&home, &["accounts"], ""), &[], "mailql accounts");
    assert_harmless(&drawn(&home, &["-c", "SELECT * FROM Folder"], ""), &[], "a Maildir that is not there");
    // Up to the choice of a registration, in which the credential stands.
    let typed = "me@example.org\n10\nwork\nlocalhost\n993\n-\n1\n\u{4}";
    assert_harmless(&drawn(&home, &["login"], typed), &[], "mailql login");
}

#[test]
fn what_providers_say_is_harmless() {
    let planted = planted_in_a_line();
    let json = serde_json::Value::from(planted.clone());
    let device = serde_json::json!({
        "device_code": "d", "user_code": json, "verification_uri": format!("http://127.0.0.1/{planted}"), "expires_in": 600, "interval": 1,
    });
    let refusal = serde_json::json!({"error": "access_denied", "error_description": json});
    let (device, refusal) = (device.to_string(), refusal.to_string());
    let port = listener::http(move |request| match request.starts_with("POST /device ") {
        true => ("200 OK", device.clone()),
        false => ("400 Bad Request", refusal.clone()),
    });
    let home = Home::new();
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let endpoint = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let config = format!(
        "[credentials.corp]\nclient_id = 'x'\ngrant = 'device_code'\nstore = 'file'\ndevice_authorization_endpoint = '{}'\ntoken_endpoint = '{}'\n\
         [accounts.work]\nimap = {{ host = 'localhost' }}\nuser = 'me@example.org'\ncredential = 'corp'\n",
        endpoint("device"),
        endpoint("token")
    );
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    let shown = drawn(&home, &["login", "work"], "");
    assert!(shown.contains("enter this code") && shown.contains("the sign-in was declined"), "{shown}");
    assert_harmless(&shown, &[], "mailql login");
    assert_harmless(&drawn(&home, &["login", "work"], TRACE), &[], "mailql login, logged");
}
