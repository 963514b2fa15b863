//! Every table can be written in every format and read back, and saved files stay where they belong.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod mail;

use std::fs;
use std::path::Path;
use std::process::Command;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use mailql::Engine;
use mailql::table::TABLES;

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_written_in_every_format_and_read_back() {
    let place = tempfile::tempdir().unwrap();
    let mailbox = place.path().join("mail");
    mail::write_maildir(&mailbox);
    let engine = Engine::builder().maildir("mail", &mailbox).build().unwrap();
    for table in TABLES {
        let rows = count(&engine, table.name).await;
        assert!(rows > 0, "{} has rows", table.name);
        for ending in ["csv", "ndjson", "json", "parquet", "tsv", "md"] {
            let file = place.path().join(format!("{}.{ending}", table.name));
            let select = format!("SELECT * FROM {}", table.name);
            mailql(&[mailbox.to_str().unwrap(), "-o", file.to_str().unwrap(), "-c", &select]);
            let back = match ending {
                "csv" => csv_rows(&file),
                "parquet" => count(&engine, &format!("'{}'", file.display())).await,
                "ndjson" => fs::read_to_string(&file).unwrap().lines().map(object).count() as i64,
                "json" => serde_json::from_str::<Vec<serde_json::Value>>(&fs::read_to_string(&file).unwrap())
                    .unwrap()
                    .len() as i64,
                "md" => fs::read_to_string(&file).unwrap().lines().count() as i64 - 2,
                _ => continue,
            };
            assert_eq!(back, rows, "{} as {ending}", table.name);
        }
        for ending in ["csv", "json", "parquet"] {
            let file = place.path().join(format!("{}.copy.{ending}", table.name));
            let copy = format!("COPY (SELECT * FROM {}) TO '{}'", table.name, file.display());
            engine.sql(&copy).await.unwrap().collect().await.unwrap();
            let back = match ending {
                "csv" => csv_rows(&file),
                _ => count(&engine, &format!("'{}'", file.display())).await,
            };
            assert_eq!(back, rows, "COPY of {} as {ending}", table.name);
        }
    }
}

/// Where values have several lines (bodies, folded headers), DataFusion's own reader of CSV loses its way: `object_store`
/// looks for the last record of a block from its end, without knowing of the quotes before. Above, another reader is asked.
#[tokio::test(flavor = "multi_thread")]
async fn csv_of_single_lines_is_read_back_by_the_engine_itself() {
    let place = tempfile::tempdir().unwrap();
    let engine = Engine::builder().build().unwrap();
    let has_lines = |name: &str| ["MessageBody", "MessageHeaders", "AttachmentContent"].contains(&name);
    for table in TABLES.into_iter().filter(|table| !has_lines(table.name)) {
        let (csv, parquet) = (place.path().join("x.csv"), place.path().join("x.parquet"));
        let select = format!("SELECT * FROM {}", table.name);
        mailql(&["demo", "-o", csv.to_str().unwrap(), "-c", &select]);
        mailql(&["demo", "-o", parquet.to_str().unwrap(), "-c", &select]);
        let rows = count(&engine, &format!("'{}'", csv.display())).await;
        assert!(rows > 0 && rows == count(&engine, &format!("'{}'", parquet.display())).await, "{}", table.name);
    }
}

fn csv_rows(file: &Path) -> i64 {
    csv::Reader::from_path(file).unwrap().records().map(Result::unwrap).count() as i64
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_gives_back_what_was_written() {
    let place = tempfile::tempdir().unwrap();
    let mailbox = place.path().join("mail");
    mail::write_maildir(&mailbox);
    let engine = Engine::builder().maildir("mail", &mailbox).build().unwrap();
    let file = place.path().join("bodies.parquet");
    mailql(&[mailbox.to_str().unwrap(), "-o", file.to_str().unwrap(), "-c", "SELECT * FROM MessageBody"]);
    let columns = "folder, uid, subject, received_at, seen, size, body_text, raw";
    let differing = format!(
        "SELECT count(*) FROM (SELECT {columns} FROM MessageBody EXCEPT SELECT {columns} FROM '{}')",
        file.display()
    );
    assert_eq!(number(&engine, &differing).await, 0);
}

#[test]
fn attachments_with_hostile_names_stay_in_their_directory() {
    let place = tempfile::tempdir().unwrap();
    let mailbox = place.path().join("mail");
    mail::write_maildir(&mailbox);
    let inside = place.path().join("out/deep/saved");
    fs::create_dir_all(&inside).unwrap();
    let target = format!("{}/", inside.display());
    mailql(&[mailbox.to_str().unwrap(), "-o", &target, "-c", "SELECT name, content FROM AttachmentContent"]);
    let saved = files(&inside);
    assert!(saved.len() > 50, "{} files were saved", saved.len());
    for name in &saved {
        let is_plain =
            !name.starts_with('.') && !name.contains(['/', '\\', ':']) && !name.chars().any(char::is_control);
        assert!(is_plain && name.len() <= 200, "{name:?}");
    }
    assert!(saved.contains(&"passwd".to_owned()) || saved.iter().any(|name| name.contains("passwd")), "{saved:?}");
    assert_eq!(files(&place.path().join("out")), ["deep"], "nothing is saved beside the directory");
    assert_eq!(files(&place.path().join("out/deep")), ["saved"]);
}

/// The subject in the corpus would be a link to click on in a spreadsheet.
#[test]
fn formulas_in_mail_are_run_by_no_spreadsheet_when_they_are_quoted() {
    let place = tempfile::tempdir().unwrap();
    let mailbox = place.path().join("mail");
    mail::write_maildir(&mailbox);
    let select = "SELECT subject, uid, -1 AS number FROM MessagesInFolder WHERE subject LIKE '=%' OR subject = 'open'";
    let subject = "=HYPERLINK(\"https://example.org\",\"invoice\")";
    for (setting, first) in [("keep", subject.to_owned()), ("quote", format!("'{subject}"))] {
        for ending in ["csv", "tsv", "ndjson"] {
            let file = place.path().join(format!("{setting}.{ending}"));
            let set = format!("SET mailql.csv_formulas = {setting}");
            mailql(&[mailbox.to_str().unwrap(), "-c", &set, "-o", file.to_str().unwrap(), "-c", select]);
            let rows: Vec<(String, String)> = if ending == "ndjson" {
                let text = fs::read_to_string(&file).unwrap();
                let cell = |row: &serde_json::Map<_, serde_json::Value>, name: &str| match &row[name] {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                text.lines().map(object).map(|row| (cell(&row, "subject"), cell(&row, "number"))).collect()
            } else {
                let delimiter = if ending == "csv" { b',' } else { b'\t' };
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(&file).unwrap();
                reader.records().map(|row| row.map(|row| (row[0].to_owned(), row[2].to_owned())).unwrap()).collect()
            };
            let expected = if ending == "ndjson" { subject } else { first.as_str() };
            assert!(rows.iter().any(|(cell, _)| cell == expected), "{setting} {ending}: {rows:?}");
            assert!(rows.iter().all(|(_, number)| number == "-1"), "{setting} {ending}: {rows:?}");
        }
    }
}

#[tokio::test]
async fn copy_quotes_formulas_like_every_other_way_to_a_csv() {
    let place = tempfile::tempdir().unwrap();
    let rows = "(VALUES ('=1+1', arrow_cast('=d', 'Dictionary(Int32, Utf8)'), -1, '=p'), (NULL, 'd', 2, '=p')) AS t (a, b, c, p)";
    let engine = Engine::builder().build().unwrap();
    let mut written = Vec::new();
    for setting in ["keep", "quote"] {
        engine.sql(&format!("SET mailql.csv_formulas = '{setting}'")).await.unwrap().collect().await.unwrap();
        for (name, copy) in [
            ("plain.csv", format!("COPY (SELECT a, b, c FROM {rows}) TO '$'")),
            (
                "twice.csv",
                format!(
                    "COPY (SELECT t.a, u.a FROM {rows} JOIN {rows2} ON t.c = u.c) TO '$'",
                    rows2 = rows.replace("AS t", "AS u")
                ),
            ),
            ("lines.json", format!("COPY (SELECT a FROM {rows}) TO '$'")),
            ("typed.txt", format!("COPY (SELECT a FROM {rows}) TO '$' STORED AS CSV")),
            ("parts/", format!("COPY (SELECT a, p FROM {rows}) TO '$' STORED AS CSV PARTITIONED BY (p)")),
        ] {
            let path = place.path().join(setting).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let copy = copy.replace('$', path.to_str().unwrap());
            engine.sql(&copy).await.unwrap().collect().await.unwrap();
            let file = if name == "parts/" {
                assert_eq!(files(&path), ["p==p"], "what names a directory is no cell");
                let part = path.join("p==p");
                part.join(files(&part).pop().unwrap())
            } else {
                path
            };
            written.push(fs::read_to_string(file).unwrap());
        }
    }
    assert_eq!(
        written,
        [
            "a,b,c\n=1+1,=d,-1\n,d,2\n",
            "a,a\n=1+1,=1+1\n,\n",
            "{\"a\":\"=1+1\"}\n{}\n",
            "a\n=1+1\n\"\"\n",
            "a\n=1+1\n\"\"\n",
            "a,b,c\n'=1+1,'=d,-1\n,d,2\n",
            "a,a\n'=1+1,'=1+1\n,\n",
            "{\"a\":\"=1+1\"}\n{}\n",
            "a\n'=1+1\n\"\"\n",
            "a\n'=1+1\n\"\"\n",
        ]
    );
}

#[tokio::test]
async fn insert_into_a_csv_quotes_formulas_too() {
    let place = tempfile::tempdir().unwrap();
    let engine = Engine::builder().build().unwrap();
    let run = async |sql: String| drop(engine.sql(&sql).await.unwrap().collect().await.unwrap());
    for (setting, format, cells) in [
        ("keep", "csv", "a,b\n=1+1,-1\n"),
        ("quote", "csv", "a,b\n'=1+1,-1\n"),
        ("quote", "json", "{\"a\":\"=1+1\",\"b\":-1}\n"),
    ] {
        let table = place.path().join(setting).join(format);
        fs::create_dir_all(&table).unwrap();
        run(format!("SET mailql.csv_formulas = '{setting}'")).await;
        run(format!(
            "CREATE EXTERNAL TABLE o (a VARCHAR, b BIGINT) STORED AS {format} LOCATION '{}/'",
            table.display()
        ))
        .await;
        run("INSERT INTO o VALUES ('=1+1', -1)".to_owned()).await;
        run("DROP TABLE o".to_owned()).await;
        let file = table.join(files(&table).pop().unwrap());
        assert_eq!(fs::read_to_string(file).unwrap(), cells, "{setting} {format}");
    }
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn object(line: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(line).unwrap()
}

async fn count(engine: &Engine, table: &str) -> i64 {
    number(engine, &format!("SELECT count(*) FROM {table}")).await
}

async fn number(engine: &Engine, sql: &str) -> i64 {
    let batches = engine.sql(sql).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

fn mailql(arguments: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailql"));
    command.args(arguments).env("HOME", home.path()).env_remove("XDG_CACHE_HOME").env_remove("XDG_CONFIG_HOME");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// All files below a directory, with what is in them.
fn everything(directory: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(place) = left.pop() {
        for entry in fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                left.push(entry);
            } else {
                found.insert(entry.strip_prefix(directory).unwrap().display().to_string(), fs::read(&entry).unwrap());
            }
        }
    }
    found
}

/// Waits until files that were written aside are gone, which happens in a thread of its own.
fn settled(directory: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    for _ in 0..100 {
        let found = everything(directory);
        if !found.keys().any(|name| name.contains('#') || name.contains("/.") || name.starts_with('.')) {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    everything(directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_publishes_no_file_and_keeps_those_that_are_there() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    let engine = Engine::builder().build().unwrap();
    let run = async |sql: &str| match engine.sql(sql).await {
        Ok(frame) => frame.collect().await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let fails = "SELECT value % 3 AS part, 10 / (value - 50000) AS b FROM generate_series(1, 60000)";
    let good = "SELECT value % 3 AS part, value AS b FROM generate_series(1, 1000)";
    for ending in ["parquet", "csv", "json"] {
        run(&format!("COPY ({good}) TO '{}'", at(&format!("one.{ending}")))).await.unwrap();
        run(&format!(
            "COPY ({good}) TO '{}' STORED AS {ending} PARTITIONED BY (part)",
            at(&format!("parts-{ending}/"))
        ))
        .await
        .unwrap();
        run(&format!("COPY ({good}) TO '{}' STORED AS {ending}", at(&format!("several-{ending}/")))).await.unwrap();
        let table = format!("t_{ending}");
        let create = format!(
            "CREATE EXTERNAL TABLE {table} (part BIGINT, b BIGINT) STORED AS {ending} LOCATION '{}'",
            at(&format!("several-{ending}/"))
        );
        run(&create).await.unwrap();
        run(&format!("INSERT INTO {table} {good}")).await.unwrap();
        let before = settled(place.path());
        assert!(before.len() > 4, "{before:?}");
        for sql in [
            format!("COPY ({fails}) TO '{}'", at(&format!("one.{ending}"))),
            format!("COPY ({fails}) TO '{}'", at(&format!("new.{ending}"))),
            format!("COPY ({fails}) TO '{}' STORED AS {ending} PARTITIONED BY (part)", at(&format!("parts-{ending}/"))),
            format!("COPY ({fails}) TO '{}' STORED AS {ending}", at(&format!("several-{ending}/"))),
            format!("INSERT INTO {table} {fails}"),
            format!("EXPLAIN ANALYZE COPY ({fails}) TO '{}'", at(&format!("one.{ending}"))),
        ] {
            let error = run(&sql).await.unwrap_err();
            assert!(error.to_lowercase().contains("divide by zero"), "{error}");
            assert!(settled(place.path()) == before, "{sql}");
            assert_eq!(settled(place.path()).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{sql}");
        }
        // What goes well replaces, or is added.
        run(&format!("COPY (SELECT 1 AS b) TO '{}'", at(&format!("one.{ending}")))).await.unwrap();
        run(&format!("INSERT INTO {table} {good}")).await.unwrap();
        assert_eq!(settled(place.path()).len(), before.len() + 1);
        assert_ne!(settled(place.path())[&format!("one.{ending}")], before[&format!("one.{ending}")]);
    }
}

/// As many files as there are values are written, and none is held open until the end.
#[tokio::test(flavor = "multi_thread")]
async fn many_partitions_need_no_more_open_files_than_without_publishing_them_together() {
    let place = tempfile::tempdir().unwrap();
    let engine = Engine::builder().build().unwrap();
    let target = place.path().join("parts/");
    let sql = format!(
        "COPY (SELECT value AS part, value AS b FROM generate_series(1, 3000)) TO '{}/' STORED AS CSV PARTITIONED BY (part)",
        target.display()
    );
    engine.sql(&sql).await.unwrap().collect().await.unwrap();
    assert_eq!(settled(place.path()).len(), 3000);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_keeps_its_permissions_and_the_link_to_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let (file, link) = (place.path().join("real.csv"), place.path().join("link.csv"));
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let engine = Engine::builder().build().unwrap();
    engine.sql(&format!("COPY (SELECT 1 AS a) TO '{}'", link.display())).await.unwrap().collect().await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\n1\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_left_publishes_no_file() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.parquet");
    let engine = Engine::builder().build().unwrap();
    let sql = format!("COPY (SELECT value FROM generate_series(1, 1000000000)) TO '{}'", file.display());
    let copying = tokio::spawn(engine.sql(&sql).await.unwrap().collect());
    while everything(place.path()).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    copying.abort();
    let _ = copying.await;
    assert!(settled(place.path()).is_empty(), "{:?}", settled(place.path()).keys());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn copy_refuses_places_that_take_no_file() {
    let place = tempfile::tempdir().unwrap();
    let engine = Engine::builder().build().unwrap();
    let copy = async |target: &str| {
        let sql = format!("COPY (SELECT 1 AS a) TO '{target}' STORED AS CSV");
        let asked = async { engine.sql(&sql).await.unwrap().collect().await };
        tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.expect("it ends")
    };
    let in_proc = copy("/proc/x.csv").await.unwrap_err().to_string();
    assert!(in_proc.contains("cannot write there"), "{in_proc}");
    let below = copy("/proc/x/y.csv").await.unwrap_err().to_string();
    assert!(below.contains("cannot write there"), "{below}");
    let device = copy("/dev/null").await.unwrap_err().to_string();
    assert!(device.contains("no regular file"), "{device}");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let pipe = place.path().join("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = copy(pipe.to_str().unwrap()).await.unwrap_err().to_string();
    assert!(refused.contains("no regular file"), "{refused}");
    let directory = place.path().join("there.csv");
    fs::create_dir(&directory).unwrap();
    let is_directory = copy(directory.to_str().unwrap()).await;
    assert!(is_directory.is_ok() || is_directory.unwrap_err().to_string().contains("directory"));
    assert!(directory.is_dir());
}
