//! What a statement may download: held before contents are asked for, and while they come.

use mailql::{Error, ErrorKind};

use crate::server::scripted::{Action, Folder, Message, Script, Scripted};
use crate::{engine, mail, rows, script};

/// Twenty mails of 200,000 octets each, and a folder with one more.
fn heavy() -> Scripted {
    let letter = |uid: u32| {
        let mail = mail(uid, "", &format!("number {uid}"), "");
        let mut raw = mail.raw.clone();
        raw.resize(199_998, b'x');
        raw.extend_from_slice(b"\r\n");
        Message { raw, ..mail }
    };
    let inbox = (1..=20).map(letter).collect();
    Script::new().folders(vec![Folder::new("INBOX", inbox), Folder::new("Archive", vec![letter(1)])]).start()
}

async fn asked(server: &Scripted, megabytes: u32, sql: &str) -> Result<Vec<String>, Error> {
    let engine = engine(server.port()).await;
    rows(&engine, &format!("SET mailql.max_download_mb = {megabytes}")).await.unwrap();
    rows(&engine, sql).await
}

const CONTENTS: [&str; 3] = [
    "SELECT count(raw) FROM MessageBody WHERE folder = 'INBOX'",
    "SELECT count(body_text) FROM MessageBody WHERE folder = 'INBOX'",
    "SELECT count(raw) FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE 'number%'",
];

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_are_too_much_are_refused_before_they_are_asked_for() {
    for sql in CONTENTS {
        let server = heavy();
        let error = asked(&server, 3, sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let said = error.to_string();
        assert!(said.contains("would download about 4 MB, and mailql.max_download_mb is 3"), "{sql}: {said}");
        assert!(error.way_out().unwrap().contains("SET mailql.max_download_mb"), "{said}");
        let transcript = server.transcript();
        assert!(!transcript.contains("BODY.PEEK[]") && !transcript.contains("BODY.PEEK[1]"), "{transcript}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_much_as_there_may_be_comes_and_without_a_limit_everything() {
    for sql in CONTENTS {
        let server = heavy();
        assert_eq!(asked(&server, 5, sql).await.unwrap(), ["20"], "{sql}");
        assert_eq!(asked(&server, 0, sql).await.unwrap(), ["20"], "{sql}");
    }
    // What is not read costs nothing.
    let server = heavy();
    let few = "SELECT count(raw) FROM MessageBody WHERE folder = 'INBOX' AND subject IN ('number 7', 'number 8')";
    assert_eq!(asked(&server, 1, few).await.unwrap(), ["2"]);
    let limited = "SELECT count(raw) FROM (SELECT raw FROM MessageBody LIMIT 2)";
    assert_eq!(asked(&server, 1, limited).await.unwrap(), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_folders_and_scans_of_a_statement_share_it() {
    let server = heavy();
    let both = "SELECT count(raw) FROM MessageBody WHERE folder = 'INBOX' UNION ALL \
                SELECT count(raw) FROM MessageBody WHERE uid < 11";
    let error = asked(&server, 5, both).await.unwrap_err().to_string();
    assert!(error.contains("mailql.max_download_mb is 5"), "{error}");
    assert_eq!(asked(&server, 8, both).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_counts_where_no_size_was_told() {
    // The server gives much that nobody asked for.
    let server = Script::new()
        .folders(vec![Folder::new("INBOX", (1..=200).map(|uid| mail(uid, "", &"x".repeat(9000), "")).collect())])
        .start();
    let sql = "SELECT count(subject) FROM MessagesInFolder WHERE folder = 'INBOX'";
    let error = asked(&server, 1, sql).await.unwrap_err();
    assert!(error.to_string().contains("has downloaded 2 MB, and mailql.max_download_mb is 1"), "{error}");
    assert_eq!(asked(&server, 2, sql).await.unwrap(), ["200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_and_searched_for_counts_too() {
    let long = "x".repeat(2_000);
    for (name, sql) in [
        ("LIST", "SELECT folder FROM Folder"),
        ("UID SEARCH", "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen"),
    ] {
        let news = format!("* X-NEWS {long}\r\n").repeat(600);
        let chatty = script().on_command(move |command, _, _| {
            (command.name == name).then(|| vec![Action::send(news.clone()), Action::Answer])
        });
        let server = chatty.start();
        let error = asked(&server, 1, sql).await.unwrap_err().to_string();
        assert!(error.contains("has downloaded 2 MB"), "{sql}: {error}");
        asked(&server, 4, sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_small_part_costs_as_much_as_there_is() {
    let inbox = (1..=1000).map(|uid| mail(uid, "", "small", "")).collect();
    let server = Script::new().folders(vec![Folder::new("INBOX", inbox)]).start();
    // A thousand beginnings of as many octets as they may have are four megabytes.
    let sql = "SELECT count(preview) FROM MessageBody WHERE folder = 'INBOX'";
    assert_eq!(asked(&server, 1, sql).await.unwrap(), ["1000"]);
}

/// So many octets that nobody asked for.
fn news(kilobytes: usize) -> Action {
    Action::send(format!("* OK {}\r\n", "x".repeat(993)).repeat(kilobytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_before_it_lets_anybody_in_is_bounded() {
    let sql = "SELECT count(*) FROM Folder";
    for name in ["greeting", "CAPABILITY", "AUTHENTICATE"] {
        for (kilobytes, passes) in [(900, true), (3_000, false)] {
            let talking = match name {
                "greeting" => script().on_greeting(move |_| vec![Action::Answer, news(kilobytes)]),
                name => script().on_command(move |command, _, _| {
                    (command.name == name).then(|| vec![news(kilobytes), Action::Answer])
                }),
            };
            // A greeting without capabilities has them asked for.
            let talking = match name {
                "CAPABILITY" => talking.on_greeting(|_| vec![Action::send("* OK ready\r\n")]),
                _ => talking,
            };
            let server = talking.start();
            match asked(&server, 0, sql).await {
                Ok(rows) => assert!(passes && rows == ["2"], "{name}, {kilobytes} kB: {rows:?}"),
                Err(error) => {
                    assert!(!passes && error.kind() == ErrorKind::Server, "{name}, {kilobytes} kB: {error}");
                    assert!(error.to_string().contains("has let nobody in yet"), "{name}: {error}");
                    assert!(error.way_out().is_some());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_the_first_statement_of_a_session_counts() {
    let talking = |before: usize, after: usize| {
        let script = script().on_greeting(move |_| vec![Action::Answer, news(before)]);
        script.on_command(move |command, _, _| (command.name == "EXAMINE").then(|| vec![news(after), Action::Answer]))
    };
    let sql = "SELECT count(subject) FROM MessagesInFolder WHERE folder = 'INBOX'";
    let error = asked(&talking(600, 600).start(), 1, sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("has downloaded 2 MB, and mailql.max_download_mb is 1"), "{error}");
    assert_eq!(asked(&talking(600, 300).start(), 1, sql).await.unwrap(), ["4"]);
    assert_eq!(asked(&talking(100, 800).start(), 1, sql).await.unwrap(), ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_that_talks_on_and_on_is_left() {
    let sql = "SELECT count(subject) FROM MessagesInFolder WHERE folder = 'INBOX'";
    for (kilobytes, connections) in [(100, 1), (3_000, 2)] {
        let script = script().on_command(move |command, count, _| {
            (command.name == "UID FETCH" && count == 1).then(|| vec![Action::Answer, news(kilobytes)])
        });
        let server = script.start();
        let engine = engine(server.port()).await;
        assert_eq!(rows(&engine, sql).await.unwrap(), ["4"]);
        // It talks while nobody listens.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(rows(&engine, sql).await.unwrap(), ["4"]);
        assert_eq!(server.accepted(), connections, "{kilobytes} kB");
    }
}
