//! `SendEmail` as a statement: when it sends, how often, and what it says when it cannot. Mail goes into a directory here.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod answer;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use mailql::engine::sending::approval::{Approval, Request};
use mailql::{Config, Engine, Error, ErrorKind};
use tempfile::TempDir;

/// An engine whose mail goes into a directory, and what is there.
struct Place {
    engine: Engine,
    directory: TempDir,
}

impl Place {
    /// One that may send.
    async fn open() -> Self {
        let place = Self::closed();
        place.run("SET mailql.allow_send = true").await;
        place
    }

    /// One that may not.
    fn closed() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("mail/cur")).unwrap();
        let mut config = Config::default().with_outbox("work", directory.path().join("out"));
        config.outboxes.get_mut("work").unwrap().from = Some("Me <me@example.org>".to_owned());
        config.accounts.insert("work".to_owned(), mailql::AccountConfig::Maildir(directory.path().join("mail")));
        config.accounts.insert("files".to_owned(), mailql::AccountConfig::Maildir(directory.path().join("mail")));
        config.default = Some("work".to_owned());
        let engine = Engine::open(config.with_state(directory.path().join("state"))).unwrap();
        Self { engine, directory }
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, Error> {
        let batches = self.engine.sql(sql).await?.collect().await?;
        Ok(answer::cells(&batches))
    }

    async fn run(&self, sql: &str) -> Vec<Vec<String>> {
        self.rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error} ({:?})", error.way_out()))
    }

    async fn refused(&self, sql: &str) -> (String, String) {
        let error = match self.rows(sql).await {
            Ok(rows) => panic!("{sql} gave {rows:?}"),
            Err(error) => error,
        };
        assert!(self.sent().is_empty(), "{sql} sent before it failed");
        (error.to_string(), error.way_out().unwrap_or_default().to_owned())
    }

    /// The mails that were written, as text.
    fn sent(&self) -> Vec<String> {
        let files = fs::read_dir(self.directory.path().join("out")).into_iter().flatten();
        files.map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned()).collect()
    }

    fn dry_runs(&self) -> usize {
        fs::read_dir(self.directory.path().join("state/dry-runs")).map_or(0, Iterator::count)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

const TO_BOB: &str = "SELECT * FROM SendEmail(to => 'bob@example.org', subject => 'x', body => 'y')";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_read_in_any_case_and_with_names_or_without() {
    let place = Place::open().await;
    for (number, sql) in [
        "SELECT status FROM SendEmail(to => 'bob@example.org', subject => 'x', body => 'y')",
        "SELECT status FROM sendemail(TO => 'bob@example.org', Subject => 'x', BODY => 'y')",
        "SELECT status FROM send_email('bob@example.org', 'x', 'y')",
        "SELECT status FROM work.SENDEMAIL('bob@example.org', subject => 'x')",
        "SELECT status FROM mail.work.SendEmail('bob@example.org', FROM_ADDRESS => 'x@example.org')",
        "SELECT s.status FROM SendEmail('bob@example.org') AS s",
        "SELECT status FROM SendEmail((SELECT 'bob@example.org' AS to, 'x' AS subject))",
        "SELECT status FROM SendEmail(to := 'bob' || '@example.org', subject => (SELECT 'a' || 'b'))",
        "WITH r AS (SELECT * FROM SendEmail('bob@example.org')) SELECT status FROM r",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(place.run(sql).await, [["sent"]], "{sql}");
        assert_eq!(place.sent().len(), number + 1, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_a_row_for_each_recipient() {
    let place = Place::open().await;
    let sql = "SELECT account, recipient, status, smtp_code, sent_at IS NOT NULL, message_id LIKE '%@example.org'
               FROM SendEmail(to => 'a@example.org; \"B, C\" <b@example.org>', cc => 'c@example.org', bcc => 'A@example.org')";
    let row = |recipient: &str| ["work", recipient, "sent", "NULL", "true", "true"].map(str::to_owned).to_vec();
    assert_eq!(place.run(sql).await, [row("a@example.org"), row("b@example.org"), row("c@example.org")]);
    assert_eq!(place.sent().len(), 1);
    let journal = place.run("SELECT recipient, status, from_address FROM SentEmail").await;
    assert_eq!(journal.len(), 3, "{journal:?}");
    assert_eq!(journal[1], ["b@example.org", "sent", "me@example.org"]);
    assert_eq!(place.run("SELECT count(*) FROM accounts.sent_email").await, [["3"]]);
    assert_eq!(place.run("SELECT count(*) FROM files.SentEmail").await, [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_run_sends_nothing_and_what_is_written_once_is_sent_once() {
    for (sql, mails) in [
        (format!("EXPLAIN {TO_BOB}"), 0),
        (format!("EXPLAIN VERBOSE {TO_BOB}"), 0),
        (format!("{TO_BOB} LIMIT 0"), 0),
        (format!("SELECT * FROM ({TO_BOB}) WHERE false"), 0),
        (format!("WITH unused AS ({TO_BOB}) SELECT 1"), 0),
        (format!("PREPARE p AS {TO_BOB}"), 0),
        (TO_BOB.to_owned(), 1),
        ("SELECT 1 FROM SendEmail('bob@example.org')".to_owned(), 1),
        ("SELECT count(*) FROM SendEmail('bob@example.org')".to_owned(), 1),
        (format!("{TO_BOB} LIMIT 1"), 1),
        (format!("SELECT * FROM ({TO_BOB}) WHERE status = 'rejected'"), 1),
        (format!("WITH r AS ({TO_BOB}) SELECT * FROM r UNION ALL SELECT * FROM r"), 1),
        (format!("WITH r AS ({TO_BOB}) SELECT * FROM r a JOIN r b USING (recipient)"), 1),
        (format!("{TO_BOB} UNION ALL {TO_BOB}"), 2),
        ("SELECT (SELECT count(*) FROM SendEmail('bob@example.org')) AS a".to_owned(), 1),
        ("SELECT 1 WHERE 'sent' IN (SELECT status FROM SendEmail('bob@example.org'))".to_owned(), 1),
        ("SELECT * FROM SendEmail((SELECT 'bob@example.org' AS to FROM generate_series(1, 5) ORDER BY value)) LIMIT 2".to_owned(), 5),
        (format!("CREATE TABLE receipts AS {TO_BOB}"), 1),
    ] {
        let place = Place::open().await;
        place.run(&sql).await;
        assert_eq!(place.sent().len(), mails, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn execute_sends_each_time_and_a_data_frame_only_once() {
    let place = Place::open().await;
    place.run("PREPARE p AS SELECT status FROM SendEmail(to => $1, subject => $2, dry_run => $3)").await;
    assert_eq!(place.run("EXECUTE p('bob@example.org', 'one', false)").await, [["sent"]]);
    assert_eq!(place.run("EXECUTE p('bob@example.org', 'two', false)").await, [["sent"]]);
    assert_eq!(place.run("EXECUTE p('bob@example.org', 'two', true)").await, [["dry_run"]]);
    assert_eq!((place.sent().len(), place.dry_runs()), (2, 1));
    assert!(place.sent().iter().any(|mail| mail.contains("Subject: two")));
    let frame = place.engine.sql(TO_BOB).await.unwrap();
    let first = answer::cells(&frame.clone().collect().await.unwrap());
    let second = answer::cells(&frame.clone().collect().await.unwrap());
    assert_eq!(first, second, "the same mail, and not another");
    assert_eq!(frame.count().await.unwrap(), 1);
    assert_eq!(place.sent().len(), 3);
    // A plan that runs again in another partition or after a copy is the same call, too.
    let frame = place.engine.sql(TO_BOB).await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    for _ in 0..3 {
        let again = plan.clone().reset_state().unwrap();
        datafusion::physical_plan::collect(again, frame.task_ctx().into()).await.unwrap();
    }
    assert_eq!(place.sent().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_does_not_stop_the_mails() {
    let place = Place::open().await;
    let frame = place
        .engine
        .sql("SELECT * FROM SendEmail((SELECT 'b' || value || '@example.org' AS to FROM generate_series(1, 200)))")
        .await
        .unwrap();
    let mut stream = frame.execute_stream().await.unwrap();
    // Polled once, and left.
    let _ = futures::poll!(futures::StreamExt::next(&mut stream));
    drop(stream);
    place.engine.sendings().finished(0).await;
    assert_eq!(place.sent().len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_that_is_stopped_ends_after_the_mail_on_its_way() {
    let place = Place::open().await;
    let sql = "SELECT * FROM SendEmail((SELECT 'b' || value || '@example.org' AS to FROM generate_series(1, 5000)))";
    let engine = place.engine.clone();
    let statement = tokio::spawn(async move { engine.sql(sql).await.unwrap().collect().await.map_err(Error::from) });
    while place.sent().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    place.engine.sendings().stop();
    let error = statement.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("of 5000 mails had been handed over"), "{error}");
    place.engine.sendings().finished(0).await;
    let sent = place.sent().len();
    assert!((2..4000).contains(&sent), "{sent}");
    assert_eq!(place.run("SELECT count(*) FROM SentEmail").await, [[sent.to_string()]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_time_is_over_stops_its_own_mails_and_no_others() {
    let place = Place::open().await;
    let mails = |to: &str, number: usize| {
        format!(
            "SELECT * FROM SendEmail((SELECT '{to}' || value || '@example.org' AS to FROM generate_series(1, {number})))"
        )
    };
    // The mail that is on its way has an outcome, and none is begun after it.
    let other = place.engine.sql(&mails("other", 300)).await.unwrap();
    place.run("SET mailql.statement_timeout_seconds = 2").await;
    let other = tokio::spawn(other.collect());
    let error = place.rows(&mails("long", 8_000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("mailql.statement_timeout_seconds is 2"), "{error}");
    assert_eq!(other.await.unwrap().unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(), 300);
    tokio::time::timeout(std::time::Duration::from_secs(10), place.engine.sendings().finished(0)).await.unwrap();
    let sent = place.sent().len();
    assert!((300..8_300).contains(&sent), "{sent}");
    place.run("SET mailql.statement_timeout_seconds = 0").await;
    assert_eq!(place.run("SELECT count(*) FROM SentEmail WHERE status = 'sent'").await, [[sent.to_string()]]);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(place.sent().len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_fails_sends_nothing() {
    let place = Place::open().await;
    for (sql, words, hint) in [
        (
            "SELECT * FROM SendEmail((SELECT 'b@example.org' AS to, CAST(1 / (3 - value) AS TEXT) AS subject FROM generate_series(1, 5)))",
            "divide by zero",
            "",
        ),
        (
            "SELECT * FROM SendEmail((SELECT 'b' || value || CASE WHEN value = 4 THEN '' ELSE '@example.org' END AS to FROM generate_series(1, 5)))",
            "'b4' is no address of mail (argument to, mail 4)",
            "me@example.org",
        ),
        ("SELECT * FROM SendEmail((SELECT NULL AS to, 'x' AS subject))", "nobody to go to", "IS NOT NULL"),
        (
            "SELECT * FROM SendEmail('bob@example.org', attachments => '/nowhere/report.pdf')",
            "cannot attach /nowhere/report.pdf",
            "",
        ),
        ("SELECT * FROM SendEmail('bob@example.org', attachments => make_array('/'))", "/ is no file", ""),
        ("SELECT * FROM SendEmail('bob@example.org', attach_query => (SELECT 1 / 0 AS x))", "divide by zero", ""),
        (
            "SELECT * FROM SendEmail('bob@example.org', attach_query => (SELECT 1 AS x), attach_as => 'x.pdf')",
            "does not say the form",
            ".csv",
        ),
        (
            "SELECT * FROM SendEmail('bob@example.org', priority => 'soon')",
            "priority cannot be 'soon'",
            "high, normal or low",
        ),
        (
            "SELECT * FROM SendEmail('bob@example.org', on_rejected => 'retry')",
            "on_rejected cannot be 'retry'",
            "abort",
        ),
        (
            "SELECT * FROM SendEmail('bob@example.org', subject => 'a' || chr(13) || chr(10) || 'Bcc: eve@example.org')",
            "a subject is one line",
            "replace",
        ),
        (
            "SELECT * FROM SendEmail((SELECT 'bob@example.org' AS to, 'k' AS key FROM generate_series(1, 2)))",
            "it has the key and the recipients of mail 1",
            "own key",
        ),
        (
            "SELECT * FROM SendEmail('bob@example.org', content => 'x', name => make_array('a', 'b'))",
            "1 contents and 2 names",
            "array_agg",
        ),
    ] {
        let (message, way_out) = place.refused(sql).await;
        assert!(message.contains(words) && way_out.contains(hint), "{sql}: {message} / {way_out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn misuse_is_told_with_a_way_out() {
    let place = Place::open().await;
    place.run("CREATE TABLE people AS VALUES ('bob@example.org')").await;
    place.run("CREATE SCHEMA mine").await;
    for (sql, words, hint) in [
        ("SELECT * FROM SendEmail()", "to is missing", "SendEmail(to => "),
        ("SELECT * FROM SendEmail", "needs its parentheses", "SendEmail(to => "),
        ("SELECT * FROM SendEmail(subject => 'x')", "to is missing", "SendEmail(to => "),
        ("SELECT * FROM SendEmail((SELECT 'x' AS subject))", "to is missing", "AS to"),
        (
            "SELECT * FROM SendEmail((SELECT column1 FROM people))",
            "column 'column1' that SendEmail does not know",
            "it takes to, subject",
        ),
        ("SELECT * FROM SendEmail((SELECT 'a' AS to, 'b' AS boddy))", "column 'boddy'", "did you mean body?"),
        ("SELECT * FROM SendEmail((SELECT 'a' AS to, 'b' AS \"To\"))", "has to twice", ""),
        ("SELECT * FROM SendEmail(to => 'a@b.example', subjekt => 'x')", "takes no 'subjekt'", "did you mean subject?"),
        ("SELECT * FROM SendEmail(to => 'a@b.example', zzzz => 'x')", "takes no 'zzzz'", "it takes to, subject"),
        ("SELECT * FROM SendEmail(to => 'a@b.example', To => 'c@d.example')", "to is given twice", ""),
        ("SELECT * FROM SendEmail('a@b.example', to => 'c@d.example')", "to is given twice", ""),
        ("SELECT * FROM SendEmail(to => 'a@b.example', 'x')", "without a name follows one with a name", "come first"),
        ("SELECT * FROM SendEmail(to = 'a@b.example')", "compares", "=>"),
        ("SELECT * FROM SendEmail(to => \"bob@example.org\")", "name of a column", "'bob@example.org'"),
        ("SELECT * FROM people p, SendEmail(to => p.column1)", "sees no columns of other tables", "one mail per row"),
        (
            "SELECT * FROM people p CROSS JOIN LATERAL SendEmail(to => p.column1)",
            "sees no columns of other tables",
            "one mail per row",
        ),
        (
            "SELECT (SELECT status FROM SendEmail(to => p.column1)) FROM people p",
            "sees no columns of other tables",
            "one mail per row",
        ),
        (
            "SELECT * FROM SendEmail(to => make_array('a@b.example'))",
            "to of SendEmail cannot be of the type List",
            "array_to_string",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', dry_run => 'perhaps')",
            "dry_run of SendEmail cannot be",
            "true or false",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', dry_run => 7)",
            "dry_run of SendEmail cannot be",
            "true or false",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', attachments => 7)",
            "attachments of SendEmail cannot be",
            "make_array",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', content => 7, name => 'x')",
            "content of SendEmail cannot be",
            "AttachmentContent",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', attach_query => 'SELECT 1')",
            "attach_query is no query",
            "parentheses",
        ),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', attach_as => 'x.csv')",
            "attach_as is given without attach_query",
            "SELECT",
        ),
        ("SELECT * FROM SendEmail(to => 'a@b.example', content => 'x')", "content is given without name", "file name"),
        (
            "SELECT * FROM SendEmail(to => 'a@b.example', reference_ids => '<a@b>')",
            "reference_ids is given without in_reply_to",
            "",
        ),
        (
            "SELECT * FROM SendEmail((SELECT 'a@b.example' AS to), subject => 'x', subject => 'y')",
            "subject is given twice",
            "",
        ),
        (
            "SELECT * FROM SendEmail((SELECT 'a@b.example' AS to), to => 'c@d.example')",
            "to is given twice",
            "leave one out",
        ),
        ("SELECT * FROM SendEmail(*)", "* is no value", ""),
        ("SELECT * FROM SendEmail(to => 'a@b.example', subject => nothing)", "sees no columns", ""),
        ("SELECT * FROM files.SendEmail(to => 'a@b.example')", "the account files has no way out", "work"),
        (
            "EXPLAIN ANALYZE SELECT * FROM SendEmail(to => 'a@b.example')",
            "EXPLAIN ANALYZE runs the statement",
            "EXPLAIN shows",
        ),
        ("CREATE VIEW v AS SELECT * FROM SendEmail(to => 'a@b.example')", "a view with SendEmail", "PREPARE"),
        ("CREATE VIEW mine.v AS SELECT 1 FROM SendEmail(to => 'a@b.example')", "a view with SendEmail", "PREPARE"),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, SendEmail(to => 'a@b.example') WHERE n < 4) SELECT * FROM r",
            "a recursive query would send again",
            "after it",
        ),
    ] {
        let (message, way_out) = place.refused(sql).await;
        assert!(message.contains(words) && way_out.contains(hint), "{sql}\n  {message}\n  {way_out}");
        assert!(!message.contains("planning") && !message.contains('\n'), "{sql}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_nothing_is_sent() {
    let place = Place::closed();
    let (message, way_out) = place.refused(TO_BOB).await;
    assert_eq!(message, "sending is off: 1 mail would go, and none has");
    assert!(way_out.contains("SET mailql.allow_send = true"), "{way_out}");
    assert_eq!(place.run("SELECT count(*) FROM SentEmail").await, [["0"]]);
    // A dry run needs none.
    let dry = "SELECT status, response LIKE 'written to %.eml' FROM SendEmail('bob@example.org', dry_run => true)";
    assert_eq!(place.run(dry).await, [["dry_run", "true"]]);
    assert_eq!((place.sent().len(), place.dry_runs()), (0, 1));
    assert_eq!(place.run("SELECT count(*) FROM SentEmail").await, [["0"]]);
}

/// Somebody who says what they are told to, and remembers what they were asked.
#[derive(Debug)]
struct Asked(bool, Mutex<Vec<String>>);

#[async_trait]
impl Approval for Asked {
    async fn approve(&self, request: &Request<'_>) -> mailql::Result<bool> {
        let subjects: Vec<_> = request.mails.iter().map(|mail| mail.draft.subject.as_str()).collect();
        let asked = format!(
            "{} {} {} {} {:?}",
            request.account,
            request.mails.len(),
            request.recipients(),
            request.senders().join(","),
            subjects
        );
        self.1.lock().unwrap().push(asked);
        Ok(self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_asked_once_with_all_mails() {
    for (answer, sent) in [(true, 3), (false, 0)] {
        let asked = std::sync::Arc::new(Asked(answer, Mutex::default()));
        let mut place = Place::closed();
        place.engine = place.engine.asking(asked.clone());
        let sql = "SELECT * FROM SendEmail((SELECT 'a@example.org, b' || value || '@example.org' AS to, 'no ' || value AS subject
                   FROM generate_series(1, 3) ORDER BY value))";
        let outcome = place.rows(sql).await;
        assert_eq!(outcome.is_ok(), answer, "{outcome:?}");
        assert_eq!(place.sent().len(), sent);
        let asked = asked.1.lock().unwrap().clone();
        assert_eq!(asked, [r#"work 3 6 me@example.org ["no 1", "no 2", "no 3"]"#]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sends_once_and_tells_what_came_of_it() {
    let place = Place::open().await;
    let sql = |to: &str| {
        format!("SELECT status, message_id, response FROM SendEmail((SELECT 'b' || value || '@example.org' AS to, 'run-7' AS key
                 FROM generate_series(1, {to}) ORDER BY value))")
    };
    let first = place.run(&sql("3")).await;
    assert_eq!(place.sent().len(), 3);
    let again = place.run(&sql("5")).await;
    assert_eq!(place.sent().len(), 5, "{again:?}");
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((&first[0], &first[1]), (&again[0], &again[1]));
        assert!(again[2].contains("before"), "{again:?}");
    }
    let other = place.run("SELECT status FROM SendEmail('b1@example.org', key => 'run-8')").await;
    assert_eq!((other, place.sent().len()), (vec![vec!["sent".to_owned()]], 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_query_are_attached_in_the_form_that_their_name_says() {
    let place = Place::open().await;
    let rows = "(SELECT value AS n, '<b>&' AS text FROM generate_series(1, 3) ORDER BY value)";
    for (name, media_type, begins) in [
        ("report.csv", "text/csv", "n,text\n1,<b>&\n"),
        ("report.tsv", "text/tab-separated-values", "n\ttext\n1\t<b>&\n"),
        ("report.json", "application/json", "[{\"n\":1,"),
        ("report.html", "text/html", "<!DOCTYPE html>"),
        ("report.parquet", "", "PAR1"),
    ] {
        let place = Place::open().await;
        place
            .run(&format!("SELECT * FROM SendEmail('bob@example.org', attach_query => {rows}, attach_as => '{name}')"))
            .await;
        let out = place.directory.path().join("out");
        let file = fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
        let mail = mail_parser::MessageParser::default().parse(&fs::read(file).unwrap()).unwrap().into_owned();
        let attachment = mail.attachments().next().unwrap();
        use mail_parser::MimeHeaders;
        assert_eq!(attachment.attachment_name(), Some(name));
        let kind = attachment.content_type().unwrap();
        let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
        assert!(kind.contains(media_type), "{name}: {kind}");
        let content = attachment.contents();
        assert!(content.starts_with(begins.as_bytes()), "{name}: {:?}", String::from_utf8_lossy(content));
        if name == "report.html" {
            assert!(String::from_utf8_lossy(content).contains("<td class=\"n\">3<td>&lt;b&gt;&amp;"));
        }
    }
    let skipped = "SELECT status, response FROM SendEmail('a@example.org, b@example.org', skip_if_empty => true,
                   attach_query => (SELECT 1 AS x WHERE false))";
    let row = || vec!["not_sent".to_owned(), "nothing to send: the attached query has no rows".to_owned()];
    assert_eq!(place.run(skipped).await, [row(), row()]);
    let kept = "SELECT status FROM SendEmail('a@example.org', skip_if_empty => false, attach_query => (SELECT 1 AS x WHERE 1 = 2))";
    assert_eq!(place.run(kept).await, [["sent"]]);
    assert_eq!(place.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_and_attached_rows_come_in_the_order_of_their_queries() {
    let place = Place::open().await;
    place.run("CREATE TABLE t AS SELECT value AS n, (value * 7) % 20 AS m FROM generate_series(1, 20)").await;
    for (query, order) in [
        ("SELECT 'b' || n || '@x.example' AS to FROM t ORDER BY n DESC", "n DESC"),
        ("SELECT 'b' || n || '@x.example' AS to FROM t ORDER BY m", "m"),
        ("SELECT 'b' || n || '@x.example' AS to FROM t ORDER BY m LIMIT 7", "m LIMIT 7"),
        ("SELECT 'b' || max(n) || '@x.example' AS to FROM t GROUP BY m ORDER BY m DESC", "m DESC"),
    ] {
        let sent: Vec<_> = place.run(&format!("SELECT recipient FROM SendEmail(({query}))")).await;
        let wanted = place.run(&format!("SELECT 'b' || n || '@x.example' FROM t ORDER BY {order}")).await;
        assert_eq!(sent, wanted, "{query}");
    }
    for order in ["n DESC", "m", "m DESC"] {
        let place = Place::open().await;
        place.run("CREATE TABLE t AS SELECT value AS n, (value * 7) % 20 AS m FROM generate_series(1, 20)").await;
        place.run(&format!("SELECT * FROM SendEmail('b@x.example', attach_query => (SELECT n FROM t ORDER BY {order}), attach_as => 'r.csv')")).await;
        let mail = mail_parser::MessageParser::default().parse(place.sent()[0].as_bytes()).unwrap().into_owned();
        let attached = String::from_utf8(mail.attachment(0).unwrap().contents().to_vec()).unwrap();
        let wanted = place.run(&format!("SELECT n FROM t ORDER BY {order}")).await.concat();
        assert_eq!(attached.lines().skip(1).collect::<Vec<_>>(), wanted, "{order}");
    }
}

/// What stands above a call sorts and counts its rows; mails go in the order of their query.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_above_a_call_does_not_change_the_order_of_sending() {
    let order = ["c", "a", "d", "b"];
    let mails = "(VALUES (1, 'c'), (2, 'a'), (3, 'd'), (4, 'b')) AS t(n, name)";
    let call = format!("SendEmail((SELECT name || '@x.example' AS to, name AS subject FROM {mails} ORDER BY n))");
    let row = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    for (sql, expected) in [
        (
            format!("SELECT recipient FROM {call} ORDER BY recipient"),
            vec![row(&["a@x.example"]), row(&["b@x.example"]), row(&["c@x.example"]), row(&["d@x.example"])],
        ),
        (format!("SELECT recipient FROM {call} ORDER BY recipient DESC LIMIT 1"), vec![row(&["d@x.example"])]),
        (
            format!("SELECT recipient FROM {call}"),
            order.iter().map(|name| row(&[&format!("{name}@x.example")])).collect(),
        ),
        (
            format!("SELECT recipient, row_number() OVER (ORDER BY recipient) AS n FROM {call} ORDER BY n"),
            vec![
                row(&["a@x.example", "1"]),
                row(&["b@x.example", "2"]),
                row(&["c@x.example", "3"]),
                row(&["d@x.example", "4"]),
            ],
        ),
        (
            format!(
                "SELECT recipient, lag(recipient) OVER (ORDER BY recipient DESC) AS before FROM {call} ORDER BY recipient LIMIT 1"
            ),
            vec![row(&["a@x.example", "b@x.example"])],
        ),
        (
            format!("SELECT string_agg(recipient, ' ' ORDER BY recipient) FROM {call}"),
            vec![row(&["a@x.example b@x.example c@x.example d@x.example"])],
        ),
        (format!("SELECT first_value(recipient ORDER BY recipient DESC) FROM {call}"), vec![row(&["d@x.example"])]),
        (format!("SELECT status, count(*) FROM {call} GROUP BY status"), vec![row(&["sent", "4"])]),
        (format!("SELECT DISTINCT status FROM {call} ORDER BY 1"), vec![row(&["sent"])]),
        (
            format!(
                "SELECT s.recipient FROM {call} s JOIN {mails} ON s.recipient = name || '@x.example' WHERE n > 2 ORDER BY n"
            ),
            vec![row(&["d@x.example"]), row(&["b@x.example"])],
        ),
        (
            format!("SELECT recipient FROM {call} UNION ALL SELECT 'e' ORDER BY 1 DESC LIMIT 2"),
            vec![row(&["e"]), row(&["d@x.example"])],
        ),
    ] {
        let place = Place::open().await;
        assert_eq!(place.run(&sql).await, expected, "{sql}");
        // The journal has them in the order in which they went.
        let sent = place.run("SELECT recipient FROM SentEmail").await;
        let expected: Vec<_> = order.iter().map(|name| row(&[&format!("{name}@x.example")])).collect();
        assert_eq!(sent, expected, "{sql}");
    }
}

/// The rows of a call cannot be written to a place that takes no file, so no mail goes for them.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_written_sends_nothing() {
    let place = Place::open().await;
    for ending in ["csv", "json", "parquet"] {
        for target in [format!("/proc/x.{ending}"), "/proc/x/".to_owned()] {
            let sql = format!(
                "COPY (SELECT * FROM SendEmail('b@x.example', subject => 'x')) TO '{target}' STORED AS {ending}"
            );
            let (error, hint) = place.refused(&sql).await;
            assert!(error.contains("cannot write there") && hint.contains("another directory"), "{sql}: {error}");
        }
    }
    assert_eq!(place.sent().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_that_name_are_tables() {
    let place = Place::open().await;
    place.run("CREATE TABLE send_email AS VALUES (7)").await;
    assert_eq!(place.run("SELECT * FROM send_email").await, [["7"]]);
    assert_eq!(place.run("WITH \"SendEmail\" AS (SELECT 8) SELECT * FROM \"SendEmail\"").await, [["8"]]);
    assert!(place.sent().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_ask_one_after_the_other() {
    #[derive(Debug, Default)]
    struct OneAtATime(std::sync::atomic::AtomicUsize, std::sync::atomic::AtomicUsize);
    #[async_trait]
    impl Approval for OneAtATime {
        async fn approve(&self, _: &Request<'_>) -> mailql::Result<bool> {
            use std::sync::atomic::Ordering::SeqCst;
            assert_eq!(self.0.fetch_add(1, SeqCst), 0, "somebody else is being asked");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            self.0.fetch_sub(1, SeqCst);
            self.1.fetch_add(1, SeqCst);
            Ok(true)
        }
    }
    let mut place = Place::closed();
    let asked = std::sync::Arc::new(OneAtATime::default());
    place.engine = place.engine.asking(asked.clone());
    let sql = "SELECT status FROM SendEmail('a@b.example') UNION ALL SELECT status FROM SendEmail('c@d.example')";
    assert_eq!(place.run(sql).await, [["sent"], ["sent"]]);
    assert_eq!(asked.1.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_contents_are_attached_byte_for_byte() {
    use mail_parser::MimeHeaders;
    let place = Place::open().await;
    let octets: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let pdf = place.file("Grüße.pdf", &octets);
    let text = place.file("a.txt", b"one\ntwo\r\nthree\rend");
    place
        .run(&format!(
            "SELECT * FROM SendEmail('bob@example.org', 'x', 'y', attachments => make_array('{}', '{}'),
             content => make_array(decode('00ff', 'hex'), CAST(NULL AS BYTEA)), name => make_array('../../x.bin', 'gone'))",
            pdf.display(),
            text.display()
        ))
        .await;
    let file = fs::read_dir(place.directory.path().join("out")).unwrap().next().unwrap().unwrap().path();
    let mail = mail_parser::MessageParser::default().parse(&fs::read(file).unwrap()).unwrap().into_owned();
    let attached: Vec<_> =
        mail.attachments().map(|one| (one.attachment_name().unwrap().to_owned(), one.contents().to_vec())).collect();
    let all = [
        ("x.bin".to_owned(), vec![0, 255]),
        ("Grüße.pdf".to_owned(), octets),
        ("a.txt".to_owned(), b"one\ntwo\r\nthree\rend".to_vec()),
    ];
    assert_eq!(attached, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_who_gets_what_and_the_attached_query() {
    let place = Place::closed();
    let explained = |sql: &str| {
        let sql = format!("EXPLAIN {sql}");
        let place = &place;
        async move { place.run(&sql).await.into_iter().flatten().collect::<Vec<_>>().join("\n") }
    };
    let one = explained("SELECT * FROM SendEmail('bob@example.org', 'Grüße', 'a' || 'bc', attachments => 'r.pdf', attach_query => (SELECT 5 AS five))").await;
    let line = "SendEmail: account=work from=Me <me@example.org> to=bob@example.org subject=Grüße body=3 octets attachments=r.pdf";
    assert_eq!(one.matches(line).count(), 2, "{one}");
    assert!(one.contains("Int64(5) AS five"), "{one}");
    let many = explained(
        "SELECT * FROM SendEmail((SELECT 'a@example.org' AS to, subject FROM MessagesInFolder), body => 'x')",
    )
    .await;
    assert!(
        many.contains("one mail per row of (to, subject, body)") && many.contains("MailScan: MessagesInFolder"),
        "{many}"
    );
    place.run("PREPARE p AS SELECT * FROM SendEmail(to => $1)").await;
    assert!(place.sent().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_belongs_to_its_conversation() {
    let place = Place::open().await;
    place
        .run("SELECT * FROM SendEmail('bob@example.org', 're', in_reply_to => 'c@x.example', reference_ids => '<a@x.example> b@x.example')")
        .await;
    let mail = place.sent().remove(0);
    assert!(mail.contains("In-Reply-To: <c@x.example>\r\n"), "{mail}");
    assert!(mail.contains("References: <a@x.example> <b@x.example> <c@x.example>\r\n"), "{mail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_somebody_else_sends_too_and_keeps_its_planner() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::default().with_outbox("work", directory.path().join("out"));
    config.accounts.insert("work".to_owned(), mailql::AccountConfig::Maildir(directory.path().to_owned()));
    let context = datafusion::prelude::SessionContext::new();
    mailql::register(&context, &config.with_state(directory.path().join("state"))).unwrap();
    context.sql("SET mailql.allow_send = true").await.unwrap().collect().await.unwrap();
    let sql = "SELECT status FROM SendEmail('bob@example.org', from_address => 'me@example.org')";
    let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
    assert_eq!(answer::cells(&rows), [["sent"]]);
    let nobody =
        context.sql("SELECT status FROM SendEmail('bob@example.org')").await.unwrap().collect().await.unwrap_err();
    let nobody = Error::from(nobody);
    assert!(nobody.to_string().contains("no address to send from") && nobody.kind() == ErrorKind::Config, "{nobody}");
    let rows = context.sql("SELECT * FROM generate_series(1, 2)").await.unwrap().collect().await.unwrap();
    assert_eq!(answer::cells(&rows), [["1"], ["2"]]);
}
