//! The program: it asks before mail goes, and tells by its exit status what came of it.

use crate::place::{Place, table};
use crate::program::{Home, stderr};
use crate::terminal::Terminal;

#[test]
fn the_prompt_asks_and_sends_what_somebody_says_yes_to() {
    let mut place = Place::new();
    let terminal = Terminal::at(std::mem::replace(&mut place.home, Home::new()), "");
    let prompt = |what: &str| {
        terminal.until(what, |screen| screen.contains(what) && screen.trim_end().ends_with("me=>"));
    };
    let send = |subject: &str| {
        terminal.tmux(&["send-keys", "-R"]);
        terminal.tmux(&["clear-history"]);
        terminal.types(&format!("SELECT status FROM SendEmail('user2@example.com', '{subject}', 'Dear Bob');"));
        terminal.presses("Enter");
        terminal.until("the question", |screen| screen.trim_end().ends_with("Send? (yes, no, show):"));
        terminal.text()
    };
    terminal.until("the prompt", |screen| screen.trim_end().ends_with("me=>"));
    let asked = send("first");
    let words = "This will send 1 mail (first) from user1@example.com by localhost to user2@example.com.";
    assert!(asked.contains(words), "{asked}");
    terminal.answers("Send? (yes, no, show):", "show");
    terminal.until("the mail", |screen| screen.contains("| Dear Bob"));
    terminal.answers("Send? (yes, no, show):", "perhaps");
    terminal.until("what can be said", |screen| screen.contains("yes sends, no does not"));
    terminal.answers("Send? (yes, no, show):", "no");
    prompt("nothing was sent");
    send("second");
    terminal.presses("C-c");
    // Whoever hears it first says so: the question, or what waits for the statement.
    terminal.until("the end of the question", |screen| {
        let is_said = screen.contains("cancelled") || screen.contains("nothing was sent");
        is_said && screen.trim_end().ends_with("me=>")
    });
    terminal.types("SELECT 40 + 2 AS answer;");
    terminal.presses("Enter");
    prompt("42");
    assert!(place.inbox(&place.people[1]).is_empty());
    send("third");
    terminal.types("yes");
    terminal.presses("Enter");
    prompt("(1 row)");
    let there = place.inbox(&place.people[1]);
    assert!(there.len() == 1 && there[0].contains("Subject: third"), "{there:?}");
    terminal.types("SELECT subject, status FROM SentEmail;");
    terminal.presses("Enter");
    prompt("third");
    let screen = terminal.screen();
    assert!(!screen.contains("│ first") && !screen.contains("second │"), "nothing is known of the others: {screen}");
}

#[test]
fn a_script_sends_only_with_leave_and_tells_who_got_nothing() {
    let place = Place::new();
    let run = |sql: &str| {
        let output = place.home.run(&["--format", "csv", "-c", sql]);
        (output.status.code(), table(&output.stdout), stderr(&output))
    };
    let sql = "SELECT recipient, status, smtp_code FROM SendEmail('user2@example.com, nobody@example.com', 'x', on_rejected => 'continue')";
    let (status, rows, error) = run(sql);
    assert_eq!((status, rows.len()), (Some(1), 0), "{error}");
    assert!(error.contains("sending is off: 1 mail would go, and none has"), "{error}");
    assert!(error.contains("hint: SET mailql.allow_send = true"), "{error}");
    assert!(place.inbox(&place.people[1]).is_empty());
    let (status, rows, error) = run(&format!("SET mailql.allow_send = true; {sql}"));
    assert_eq!(status, Some(1), "{error}");
    assert_eq!(rows, [["user2@example.com", "sent", "250"], ["nobody@example.com", "rejected", "550"]]);
    assert!(error.contains("mail did not get out to 1 recipient") && error.contains("hint: "), "{error}");
    let (status, rows, error) = run("SET mailql.allow_send = true; SELECT status FROM SendEmail('user2@example.com')");
    assert_eq!((status, rows), (Some(0), vec![vec!["sent".to_owned()]]), "{error}");
    assert_eq!(place.inbox(&place.people[1]).len(), 2);
    let (status, rows, error) = run("SELECT status FROM SendEmail('user2@example.com', dry_run => true)");
    assert_eq!((status, rows), (Some(0), vec![vec!["dry_run".to_owned()]]), "no leave is needed: {error}");
    assert_eq!(place.inbox(&place.people[1]).len(), 2);
}

#[test]
fn the_sample_sends_into_its_directory_and_asks_as_well() {
    let terminal = Terminal::start();
    terminal.types("SELECT status, response FROM SendEmail('bob@example.org', 'from the sample');");
    terminal.presses("Enter");
    terminal.answers("Send? (yes, no, show):", "yes");
    let shown = terminal.until("the row", |screen| screen.contains("(1 row)"));
    assert!(shown.contains("│ sent") || shown.contains("sent "), "{shown}");
    let outbox = terminal.home.path("state/mailql/demo/outbox");
    let files: Vec<_> = std::fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let mail = std::fs::read_to_string(&files[0]).unwrap();
    assert!(
        files[0].extension().is_some_and(|ending| ending == "eml") && mail.contains("Subject: from the sample\r\n")
    );
    assert!(!mail.contains("Bcc:") && mail.contains("To: bob@example.org\r\n"), "{mail}");
}
