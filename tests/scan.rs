//! What a statement reads: as much as it needs and no more, told by the metrics of its scans.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod answer;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use futures::StreamExt;
use mailql::Engine;
use mailql::table::scan::MailScanExec;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn only_bodies_of_rows_that_match_are_decoded() {
    let (_place, engine) = sample();
    let invoices = "SELECT subject, body_text FROM MessageBody WHERE subject LIKE '%invoice%'";
    let read = Answer::of(&engine, invoices).await;
    assert_eq!(read.rows.len(), INVOICES);
    assert_eq!(read.sum("MessageBody", "bodies_decoded"), INVOICES);
    assert_eq!(read.sum("MessageBody", "messages_fetched"), INBOX + WORK);
    for table in ["MessageAttachments", "MessagesInFolder", "MessageHeaders", "MessageAddresses"] {
        let read = Answer::of(&engine, &format!("SELECT * FROM {table}")).await;
        assert!(read.rows.len() >= INBOX / 10, "{table}");
        assert_eq!(read.sum(table, "bodies_decoded"), 0, "{table}");
    }
    let looked_at = "SELECT * FROM MessageBody WHERE folder = 'Work' LIMIT 3";
    assert!(Answer::of(&engine, looked_at).await.sum("MessageBody", "bodies_decoded") <= 64);
}

/// The matching side is read in full, and of the other side nothing but what matches.
#[tokio::test(flavor = "multi_thread")]
async fn a_join_by_key_reads_only_what_matches() {
    let (place, engine) = sample();
    let (_other, plain) = sample();
    turn_all_off(&plain).await;
    let csv = place.path().join("keys.csv");
    fs::write(&csv, "folder,uid\nINBOX,40\nINBOX,80\nWork,40\n").unwrap();
    for engine in [&engine, &plain] {
        let create = format!("CREATE EXTERNAL TABLE keys STORED AS CSV LOCATION '{}'", csv.display());
        Answer::of(engine, &create).await;
        Answer::of(engine, "CREATE VIEW invoices AS SELECT * FROM MessagesInFolder WHERE subject LIKE '%invoice%'")
            .await;
    }
    let named = |statement: &str| statement.replace("'keys.", &format!("'{}/keys.", place.path().display()));
    Answer::of(&engine, &named("COPY (SELECT * FROM 'keys.csv') TO 'keys.parquet'")).await;
    let inbox = INBOX / 40;
    let forms = [
        (
            "JOIN USING",
            INVOICES,
            "SELECT h.* FROM MessagesInFolder m JOIN MessageHeaders h USING (account, folder, uid_validity, uid) WHERE m.subject LIKE '%invoice%'",
        ),
        (
            "JOIN USING, the other order",
            INVOICES,
            "SELECT h.* FROM MessageHeaders h JOIN MessagesInFolder m USING (account, folder, uid_validity, uid) WHERE m.subject LIKE '%invoice%'",
        ),
        (
            "ON folder and uid",
            INVOICES,
            "SELECT h.* FROM MessagesInFolder m JOIN MessageHeaders h ON m.folder = h.folder AND m.uid = h.uid WHERE m.subject LIKE '%invoice%'",
        ),
        (
            "ON folder and uid, the other order",
            INVOICES,
            "SELECT h.* FROM MessageHeaders h JOIN MessagesInFolder m ON m.folder = h.folder AND m.uid = h.uid WHERE m.subject LIKE '%invoice%'",
        ),
        (
            "ON uid in one folder",
            inbox,
            "SELECT h.* FROM MessagesInFolder m JOIN MessageHeaders h ON m.uid = h.uid WHERE m.folder = 'INBOX' AND h.folder = 'INBOX' AND m.subject LIKE '%invoice%'",
        ),
        (
            "ON uid in one folder, the other order",
            inbox,
            "SELECT h.* FROM MessageHeaders h JOIN MessagesInFolder m ON m.uid = h.uid WHERE m.folder = 'INBOX' AND h.folder = 'INBOX' AND m.subject LIKE '%invoice%'",
        ),
        (
            "a comma",
            INVOICES,
            "SELECT h.* FROM MessagesInFolder m, MessageHeaders h WHERE m.folder = h.folder AND m.uid = h.uid AND m.subject LIKE '%invoice%'",
        ),
        (
            "a comma, the other order",
            INVOICES,
            "SELECT h.* FROM MessageHeaders h, MessagesInFolder m WHERE m.folder = h.folder AND m.uid = h.uid AND m.subject LIKE '%invoice%'",
        ),
        (
            "IN with a subquery",
            inbox,
            "SELECT * FROM MessageHeaders WHERE folder = 'INBOX' AND uid IN (SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE '%invoice%')",
        ),
        (
            "EXISTS",
            INVOICES,
            "SELECT * FROM MessageHeaders h WHERE EXISTS (SELECT 1 FROM MessagesInFolder m WHERE m.folder = h.folder AND m.uid = h.uid AND m.subject LIKE '%invoice%')",
        ),
        (
            "NATURAL JOIN of a subquery",
            INVOICES,
            "SELECT * FROM MessageHeaders NATURAL JOIN (SELECT account, folder, uid FROM MessagesInFolder WHERE subject LIKE '%invoice%')",
        ),
        (
            "a CTE",
            INVOICES,
            "WITH m AS (SELECT folder, uid FROM MessagesInFolder WHERE subject LIKE '%invoice%') SELECT h.* FROM m JOIN MessageHeaders h USING (folder, uid)",
        ),
        (
            "a CTE, the other order",
            INVOICES,
            "WITH m AS (SELECT folder, uid FROM MessagesInFolder WHERE subject LIKE '%invoice%') SELECT h.* FROM MessageHeaders h JOIN m USING (folder, uid)",
        ),
        (
            "a view",
            INVOICES,
            "SELECT h.* FROM MessageHeaders h JOIN invoices i ON i.folder = h.folder AND i.uid = h.uid",
        ),
        (
            "LEFT JOIN",
            INVOICES,
            "SELECT m.uid, h.* FROM MessagesInFolder m LEFT JOIN MessageHeaders h ON m.folder = h.folder AND m.uid = h.uid AND h.name = 'X-None' WHERE m.subject LIKE '%invoice%'",
        ),
        (
            "a predicate on both",
            INVOICES,
            "SELECT h.value FROM MessagesInFolder m JOIN MessageHeaders h ON m.folder = h.folder AND m.uid = h.uid WHERE m.subject LIKE '%invoice%' AND h.name = 'Subject'",
        ),
        (
            "ORDER BY and LIMIT",
            INVOICES,
            "SELECT h.* FROM MessageHeaders h JOIN MessagesInFolder m ON m.folder = h.folder AND m.uid = h.uid WHERE m.subject LIKE '%invoice%' ORDER BY h.folder, h.uid, h.position LIMIT 4",
        ),
        (
            "GROUP BY",
            INVOICES,
            "SELECT h.name, count(*), max(m.size) FROM MessageHeaders h JOIN MessagesInFolder m ON m.folder = h.folder AND m.uid = h.uid WHERE m.subject LIKE '%invoice%' GROUP BY h.name",
        ),
        (
            "uids cast",
            inbox,
            "SELECT h.* FROM MessagesInFolder m JOIN MessageHeaders h ON m.uid = CAST(h.uid AS INT) WHERE m.folder = 'INBOX' AND h.folder = 'INBOX' AND m.subject LIKE '%invoice%'",
        ),
        ("a CSV file", 3, "SELECT h.* FROM keys k JOIN MessageHeaders h ON k.folder = h.folder AND k.uid = h.uid"),
        (
            "a CSV file, the other order",
            3,
            "SELECT h.* FROM MessageHeaders h JOIN keys k ON k.folder = h.folder AND k.uid = h.uid",
        ),
        (
            "a CSV file and IN",
            2,
            "SELECT h.* FROM MessageHeaders h WHERE folder = 'INBOX' AND uid IN (SELECT uid FROM keys WHERE folder = 'INBOX')",
        ),
        (
            "a CSV file by its name",
            3,
            "SELECT h.* FROM MessageHeaders h JOIN 'keys.csv' k ON k.folder = h.folder AND k.uid = h.uid",
        ),
        (
            "a Parquet file",
            3,
            "SELECT h.* FROM 'keys.parquet' k JOIN MessageHeaders h ON k.folder = h.folder AND k.uid = h.uid",
        ),
        (
            "a Parquet file, the other order",
            3,
            "SELECT h.* FROM MessageHeaders h JOIN 'keys.parquet' k ON k.folder = h.folder AND k.uid = h.uid",
        ),
        (
            "VALUES",
            2,
            "SELECT h.* FROM (VALUES ('INBOX', 40), ('Work', 3)) v(folder, uid) JOIN MessageHeaders h ON v.folder = h.folder AND v.uid = h.uid",
        ),
        (
            "VALUES, the other order",
            2,
            "SELECT h.* FROM MessageHeaders h JOIN (VALUES ('INBOX', 40), ('Work', 3)) v(folder, uid) ON v.folder = h.folder AND v.uid = h.uid",
        ),
        (
            "a scalar subquery",
            1,
            "SELECT * FROM MessageHeaders WHERE folder = 'INBOX' AND uid = (SELECT max(uid) FROM MessagesInFolder WHERE folder = 'INBOX')",
        ),
        (
            "a limit within",
            5,
            "SELECT h.* FROM (SELECT folder, uid FROM MessagesInFolder WHERE folder = 'INBOX' LIMIT 5) m JOIN MessageHeaders h ON h.folder = m.folder AND h.uid = m.uid",
        ),
    ];
    let mut failures = String::new();
    for (form, matching, statement) in forms {
        let statement = &named(statement);
        let answer = Answer::of(&engine, statement).await;
        let fetched = answer.sum("MessageHeaders", "messages_fetched");
        if fetched != matching {
            writeln!(failures, "{form}: {fetched} messages fetched, {matching} match\n{}", answer.plan()).unwrap();
        }
        if answer.rows != Answer::of(&plain, statement).await.rows {
            writeln!(failures, "{form}: other rows").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Which messages answer others shows only in their headers, so all headers are read, but no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_join_by_message_id_decodes_only_bodies_that_match() {
    let (_place, engine) = sample();
    let (_other, plain) = sample();
    turn_all_off(&plain).await;
    for tables in ["MessagesInFolder a JOIN MessageBody b", "MessageBody b JOIN MessagesInFolder a"] {
        let statement = format!(
            "SELECT a.uid, b.uid, b.body_text FROM {tables} ON a.message_id = b.in_reply_to WHERE a.subject LIKE '%invoice%'"
        );
        let answer = Answer::of(&engine, &statement).await;
        assert_eq!(answer.rows.len(), INVOICES);
        assert_eq!(answer.rows, Answer::of(&plain, &statement).await.rows);
        assert_eq!(answer.sum("MessageBody", "bodies_decoded"), INVOICES, "{tables}\n{}", answer.plan());
    }
}

/// DataFusion 55.2 looks for columns of filters made at run time by name alone; these would lose rows.
#[tokio::test(flavor = "multi_thread")]
async fn filters_made_at_run_time_do_not_land_on_a_column_of_another_table() {
    let (_place, engine) = sample();
    let (_other, plain) = sample();
    turn_all_off(&plain).await;
    // Joins hand rows on by the batch; only then are filters made while there is still something to read.
    Answer::of(&engine, "SET datafusion.execution.batch_size = 8").await;
    let join = "FROM MessagesInFolder m JOIN MessageAttachments a ON m.folder = a.folder AND m.uid = a.uid";
    let folder = "JOIN (VALUES ('INBOX')) v(folder) ON v.folder = m.folder";
    let statements = [
        format!("SELECT m.uid, m.size, a.size {join} {folder} WHERE a.name LIKE '%pdf' ORDER BY a.size LIMIT 3"),
        format!("SELECT min(m.size), min(a.size) {join} {folder} WHERE a.name LIKE '%pdf'"),
        format!("SELECT max(m.size), min(a.size) {join} {folder} WHERE a.name LIKE '%pdf'"),
        format!(
            "SELECT m.uid, m.size {join} JOIN (VALUES (30), (60)) v(size) ON v.size = a.size WHERE a.name LIKE '%pdf'"
        ),
        // A filter passes a join by the place of its column, and only what is between two joins by its name.
        format!(
            "SELECT m.uid, m.size {join} JOIN MessageHeaders h ON h.folder = a.folder AND h.uid = a.uid \
             JOIN (VALUES (30), (60)) v(size) ON v.size = a.size WHERE h.position = 1"
        ),
    ];
    for statement in statements {
        let (guarded, expected) = (Answer::of(&engine, &statement).await, Answer::of(&plain, &statement).await);
        assert!(!expected.rows.is_empty());
        assert_eq!(guarded.rows, expected.rows, "{statement}\n{}", guarded.plan());
    }
}

/// DataFusion 55.2 makes a filter of the extremes that it has; the rows of those that it has not yet would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_extreme_leaves_out_rows_of_another() {
    let (_place, engine) = sample();
    let (_other, plain) = sample();
    turn_all_off(&plain).await;
    for statement in [
        "SELECT min(size), max(size) FILTER (WHERE uid > 290) FROM MessagesInFolder",
        "SELECT min(size), max(size + 1) FROM MessagesInFolder",
    ] {
        let (found, expected) = (Answer::of(&engine, statement).await, Answer::of(&plain, statement).await);
        assert_eq!(found.rows, expected.rows, "{statement}\n{}", found.plan());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_reads_a_first_chunk_and_no_more() {
    let (_place, engine) = sample();
    for table in ["MessagesInFolder", "MessageHeaders", "MessageBody", "MessageAddresses"] {
        for folder in ["", "WHERE folder = 'INBOX'"] {
            let answer = Answer::of(&engine, &format!("SELECT * FROM {table} {folder} LIMIT 5")).await;
            assert_eq!(answer.rows.len(), 5, "{table}");
            // Without a folder, lanes look into several of them at once.
            assert!(answer.sum(table, "messages_fetched") <= 64, "{table} {folder}");
        }
    }
    let answer = Answer::of(&engine, "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' LIMIT 5 OFFSET 3").await;
    assert_eq!(answer.rows, ["293", "294", "295", "296", "297"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_to_count_or_to_explain() {
    let (_place, engine) = sample();
    let answer = Answer::of(&engine, "SELECT count(*) FROM MessagesInFolder").await;
    assert_eq!(answer.rows, [(INBOX + WORK).to_string()]);
    assert_eq!(answer.sum("MessagesInFolder", "messages_fetched"), 0);
    let answer = Answer::of(&engine, "SELECT folder, count(*) FROM MessagesInFolder GROUP BY folder").await;
    assert_eq!(answer.rows, [format!("INBOX|{INBOX}"), format!("Work|{WORK}")]);
    assert_eq!(answer.sum("MessagesInFolder", "messages_fetched"), 0);
    let gone = Engine::builder().mbox("gone", "/there/is/no/such.mbox").build().unwrap();
    Answer::of(&gone, "EXPLAIN SELECT * FROM MessageBody WHERE subject LIKE '%a%'").await;
}

/// Mail comes in and its flags change all the while; both sides of a join see one moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_sees_one_moment_of_a_maildir() {
    let place = tempfile::tempdir().unwrap();
    for directory in ["cur", "new", "tmp"] {
        fs::create_dir(place.path().join(directory)).unwrap();
    }
    let cur = place.path().join("cur");
    for number in 0..50 {
        fs::write(cur.join(format!("{number}.x:2,")), format!("Subject: {number}\n\nx\n")).unwrap();
    }
    let engine = Engine::builder().maildir("mail", place.path()).build().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let others = std::thread::spawn({
        let (is_over, place) = (Arc::clone(&is_over), place.path().to_owned());
        move || {
            let mut turns = 0;
            while !is_over.load(Ordering::Relaxed) {
                let number = 50 + turns;
                if number < 500 {
                    let tmp = place.join("tmp").join(number.to_string());
                    fs::write(&tmp, format!("Subject: {number}\n\nx\n")).unwrap();
                    fs::rename(tmp, cur.join(format!("{number}.x:2,"))).unwrap();
                }
                let names = [format!("{}.x:2,", turns % 50), format!("{}.x:2,S", turns % 50)];
                let (old, new) = if (turns / 50) % 2 == 0 { (&names[0], &names[1]) } else { (&names[1], &names[0]) };
                fs::rename(cur.join(old), cur.join(new)).unwrap();
                turns += 1;
            }
            turns
        }
    });
    let statement = "SELECT a.uid, b.uid, a.flags, b.flags, a.subject, b.subject \
                     FROM MessagesInFolder a FULL JOIN MessagesInFolder b USING (account, folder, uid_validity, uid)";
    let mut seen = 0;
    for _ in 0..10 {
        let answer = Answer::of(&engine, statement).await;
        for row in &answer.rows {
            let cells: Vec<&str> = row.split('|').collect();
            assert_eq!((cells[0], cells[2], cells[4]), (cells[1], cells[3], cells[5]));
            assert_ne!(cells[0], "NULL");
        }
        let mut subjects: Vec<&str> = answer.rows.iter().map(|row| row.rsplit('|').next().unwrap()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), answer.rows.len(), "a message came twice");
        assert!(answer.rows.len() >= seen.max(50), "a message was lost");
        seen = answer.rows.len();
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(others.join().unwrap() > 0, "something happened meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_reads_no_further() {
    let (_place, engine) = sample();
    let plan = plan(&engine, "SELECT * FROM MessageBody WHERE folder = 'INBOX'").await;
    let mut stream = execute_stream(Arc::clone(&plan), engine.context().task_ctx()).unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(first.num_rows() <= 64);
    drop(stream);
    // Something else runs meanwhile.
    Answer::of(&engine, "SELECT * FROM MessageBody").await;
    assert!(sum(&plan, "MessageBody", "messages_fetched") <= 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_have_no_more_rows_than_the_session_says() {
    let (_place, engine) = sample();
    Answer::of(&engine, "SET datafusion.execution.batch_size = 10").await;
    for table in mailql::engine::tables() {
        let plan = plan(&engine, &format!("SELECT * FROM {}", table.name)).await;
        let batches: Vec<RecordBatch> = collect(plan, engine.context().task_ctx()).await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() <= 10), "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_are_read_at_once_and_a_predicate_chooses_among_them() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_sample(one.path());
    fs::write(two.path().join("Sent.mbox"), mbox(1..=9)).unwrap();
    let engine = Engine::builder().mbox("one", one.path()).mbox("two", two.path()).build().unwrap();
    let by_account = "SELECT account, folder, count(*) FROM accounts.MessagesInFolder GROUP BY account, folder";
    for connections in [1, 2, 16] {
        Answer::of(&engine, &format!("SET mailql.connections = {connections}")).await;
        let answer = Answer::of(&engine, by_account).await;
        assert_eq!(answer.rows, ["one|INBOX|300", "one|Work|60", "two|Sent|9"]);
    }
    let answer = Answer::of(&engine, "SELECT * FROM accounts.MessagesInFolder WHERE folder = 'Sent'").await;
    assert_eq!((answer.rows.len(), answer.sum("MessagesInFolder", "messages_fetched")), (9, 9));
    // An account that the predicate leaves out is not looked at at all: this one cannot be.
    let engine = Engine::builder().mbox("one", one.path()).mbox("gone", "/there/is/no/such.mbox").build().unwrap();
    for (predicate, rows) in [
        ("account = 'one'", 360),
        ("account <> 'gone' AND folder = 'Work'", 60),
        ("account IN ('one', 'none') AND subject LIKE '%invoice%'", INVOICES),
        ("account LIKE 'o%' AND uid < 3", 4),
        ("account IN (SELECT 'one')", 360),
    ] {
        let answer = Answer::of(&engine, &format!("SELECT uid FROM accounts.MessagesInFolder WHERE {predicate}")).await;
        assert_eq!(answer.rows.len(), rows, "{predicate}");
    }
    let answer = Answer::of(&engine, "SELECT folder FROM accounts.Folder WHERE account = 'one'").await;
    assert_eq!(answer.rows, ["INBOX", "Work"]);
    assert!(engine.sql("SELECT uid FROM accounts.MessagesInFolder").await.unwrap().collect().await.is_err());
}

/// Rows of a statement, and the plan that gave them.
struct Answer {
    rows: Vec<String>,
    plan: Arc<dyn ExecutionPlan>,
}

impl Answer {
    async fn of(engine: &Engine, statement: &str) -> Self {
        let plan = plan(engine, statement).await;
        let batches = collect(Arc::clone(&plan), engine.context().task_ctx()).await;
        let batches = batches.unwrap_or_else(|error| panic!("{error}: {statement}"));
        Self { rows: answer::rows(&batches), plan }
    }

    fn sum(&self, table: &str, metric: &str) -> usize {
        sum(&self.plan, table, metric)
    }

    fn plan(&self) -> String {
        datafusion::physical_plan::displayable(self.plan.as_ref()).indent(true).to_string()
    }
}

async fn plan(engine: &Engine, statement: &str) -> Arc<dyn ExecutionPlan> {
    let frame = engine.sql(statement).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    frame.create_physical_plan().await.unwrap_or_else(|error| panic!("{error}: {statement}"))
}

/// The sum of a metric over the scans of a table.
fn sum(plan: &Arc<dyn ExecutionPlan>, table: &str, metric: &str) -> usize {
    let mut sums = BTreeMap::new();
    plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<MailScanExec>() {
            let value = scan.metrics().unwrap().sum_by_name(metric).expect("the metric is there").as_usize();
            *sums.entry(scan.scan().table.name).or_insert(0) += value;
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    *sums.get(table).unwrap_or_else(|| panic!("no scan of {table}"))
}

async fn turn_all_off(engine: &Engine) {
    Answer::of(engine, "SET mailql.pushdown = false").await;
    Answer::of(engine, "SET datafusion.optimizer.enable_dynamic_filter_pushdown = false").await;
}

fn sample() -> (TempDir, Engine) {
    let place = tempfile::tempdir().unwrap();
    write_sample(place.path());
    let engine = Engine::builder().mbox("mail", place.path()).build().unwrap();
    (place, engine)
}

fn write_sample(directory: &Path) {
    for (name, content) in [("INBOX.mbox", mbox(1..=INBOX)), ("Work.mbox", mbox(1001..=1000 + WORK))] {
        fs::write(directory.join(name), content).unwrap();
        // The time of the file is its uid_validity, and two samples are compared.
        let file = fs::File::options().write(true).open(directory.join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    }
}

/// Messages of the folders, and how many of both are invoices: every fortieth.
const INBOX: usize = 300;
const WORK: usize = 60;
const INVOICES: usize = INBOX / 40 + WORK / 40;

/// Each answers the one before it; every second has an attachment, the larger the later it came.
fn mbox(numbers: impl Iterator<Item = usize>) -> String {
    let mut mbox = String::new();
    for number in numbers {
        let uid = number % 1000;
        let subject = if uid.is_multiple_of(40) { "an invoice" } else { "a letter" };
        let answered = number - 1;
        write!(
            mbox,
            "From x@example.org Sat Jan  4 10:00:00 2025\nFrom: Ada <ada@example.org>\nTo: me@example.com\n\
             Subject: {subject}\nMessage-ID: <{number}@example.org>\nIn-Reply-To: <{answered}@example.org>\n"
        )
        .unwrap();
        let body = "A line of text.\n".repeat(200);
        if uid.is_multiple_of(2) {
            let content = "x".repeat(3 * uid);
            write!(
                mbox,
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n{body}\n--b\n\
                 Content-Type: application/pdf; name={number}.pdf\n\n{content}\n--b--\n\n"
            )
            .unwrap();
        } else {
            write!(mbox, "\n{body}\n").unwrap();
        }
    }
    mbox
}
