//! What the documentation says is so: tables, pushdown, and the commands of the README.
//!
//! `MAILQL_COMPLETE=1` writes `docs/tables/` anew.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::array_value_to_string;
use mailql::Engine;
use mailql::engine::sending::arguments::ARGUMENTS;
use mailql::engine::{Described, described};

#[test]
fn every_table_has_its_page_and_it_says_what_the_table_is() {
    let pages = root().join("docs/tables");
    for table in &described() {
        let path = pages.join(format!("{}.md", table.name));
        if std::env::var_os("MAILQL_COMPLETE").is_some() {
            fs::write(&path, page(table)).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(table), "{} is out of date; MAILQL_COMPLETE=1 writes it anew", path.display());
    }
    assert_eq!(fs::read_dir(&pages).unwrap().count(), described().len(), "docs/tables has a page of no table");
}

#[test]
fn the_page_about_sending_has_every_argument() {
    let page = fs::read_to_string(root().join("docs/sending.md")).unwrap();
    let (_, arguments) = page.split_once("\n## Arguments\n").unwrap();
    let (arguments, _) = arguments.split_once("\n## ").unwrap();
    let rows: Vec<&str> = arguments.lines().filter(|line| line.starts_with("| `")).collect();
    for (row, argument) in rows.iter().zip(&ARGUMENTS) {
        assert_eq!(*row, format!("| `{}` | {} |", argument.name, argument.doc));
    }
    assert_eq!(rows.len(), ARGUMENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_of_the_page_about_sending_can_be_planned() {
    let directory = tempfile::tempdir().unwrap();
    let people = directory.path().join("people.csv");
    fs::write(&people, "address,name\nbob@example.org,Bob\n").unwrap();
    let config = mailql::Config::default().with_outbox("work", directory.path().join("out"));
    let config = mailql::Config {
        accounts: [("work".to_owned(), mailql::AccountConfig::Maildir(directory.path().into()))].into(),
        ..config
    };
    let engine = Engine::open(config.with_state(directory.path().join("state"))).unwrap();
    let page = fs::read_to_string(root().join("docs/sending.md")).unwrap();
    let mut statements = 0;
    for block in page.split("```sql\n").skip(1) {
        let text = block.split("```").next().unwrap().replace("'people.csv'", &format!("'{}'", people.display()));
        for statement in text.split_inclusive(";\n") {
            statements += 1;
            if statement.starts_with("SET ") {
                continue;
            }
            let explained = engine.sql(&format!("EXPLAIN {statement}")).await;
            explained.unwrap_or_else(|error| panic!("{statement}{error}")).collect().await.unwrap();
        }
    }
    assert!(statements >= 9, "{statements}");
    assert!(!directory.path().join("out").exists(), "nothing was sent");
}

fn page(table: &Described) -> String {
    let mut page = format!("# {}\n\n{}\n\n| Column | Type | |\n|---|---|---|\n", table.name, table.doc);
    for (name, data_type, doc) in &table.columns {
        let data_type = match data_type {
            DataType::Int64 => "integer",
            DataType::Boolean => "boolean",
            DataType::Utf8View => "text",
            DataType::BinaryView => "bytes",
            DataType::Timestamp(_, _) => "timestamp, UTC",
            other => panic!("{other} has no name here"),
        };
        writeln!(page, "| `{name}` | {data_type} | {doc} |").unwrap();
    }
    page
}

#[tokio::test]
async fn every_predicate_in_the_pushdown_page_is_pushed_as_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::builder().maildir("work", directory.path()).build().unwrap();
    let text = fs::read_to_string(root().join("docs/pushdown.md")).unwrap();
    let (without_text, text) = text.split_once("\n## Text\n").unwrap();
    for (setting, part) in [("off", without_text), ("trust", text)] {
        engine.sql(&format!("SET mailql.text_pushdown = {setting}")).await.unwrap().collect().await.unwrap();
        check_rows(&engine, part).await;
    }
}

async fn check_rows(engine: &Engine, text: &str) {
    let rows: Vec<(&str, &str)> = text.lines().filter_map(row).collect();
    assert!(rows.len() >= 15, "the table is there");
    for (predicate, expected) in rows {
        let frame = engine.sql(&format!("EXPLAIN SELECT uid FROM MessageBody WHERE {predicate}")).await.unwrap();
        let batches = frame.collect().await.unwrap();
        let mut plans = batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| array_value_to_string(batch.column(1), row).unwrap()));
        let scan = plans.rfind(|plan| plan.contains("MailScan")).unwrap();
        let search = scan
            .split_once("search=[")
            .and_then(|(_, rest)| rest.split_once("] then="))
            .map_or("none", |(search, _)| search);
        assert_eq!(search, expected, "{predicate}");
    }
}

/// The two cells of a row like `| `uid = 7` | `UID 7` |`.
fn row(line: &str) -> Option<(&str, &str)> {
    let (predicate, search) = line.strip_prefix("| `")?.split_once("` | ")?;
    Some((predicate, search.trim_end_matches(" |").trim_matches('`')))
}

#[test]
fn every_command_of_the_readme_works() {
    let directory = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<&str> =
        blocks(&readme, "sh").flat_map(str::lines).filter(|line| !line.starts_with('#')).collect();
    let ours: Vec<&&str> = commands.iter().filter(|line| line.starts_with("cargo run --release --")).collect();
    assert!(ours.len() >= 5 && commands.contains(&"tests/run"), "the README has its commands");
    for command in ours {
        let program = format!("\"{}\"", env!("CARGO_BIN_EXE_mailql"));
        let line = command.replace("cargo run --release --", &program);
        let output = Command::new("sh")
            .args(["-c", &line])
            .current_dir(directory.path())
            .env("HOME", directory.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_STATE_HOME")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_measured_is_what_the_page_says() {
    let page = fs::read_to_string(root().join("docs/performance.md")).unwrap();
    let tasks = fs::read_to_string(root().join("tests/bench/task.rs")).unwrap();
    let statements: Vec<&str> = page.lines().filter(|line| line.starts_with("| T")).collect();
    let names = tasks.lines().filter_map(|line| line.trim().strip_prefix("name: \"T")?.strip_suffix("\","));
    let mut count = 0;
    for name in names {
        let row = statements.iter().find(|line| line.starts_with(&format!("| T{name} |")));
        let row = row.unwrap_or_else(|| panic!("the page does not tell of T{name}"));
        for sql in row.rsplit(" | ").next().unwrap().trim_end_matches(" |").split("; ") {
            let sql = sql.trim_matches('`');
            assert!(tasks.contains(&format!("\"{sql}\"")), "T{name} is another statement than {sql}");
        }
        count += 1;
    }
    assert_eq!(count, statements.len(), "the page tells of what is not measured");
    assert!(count >= 9, "the tasks are there");
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(root().join("README.md"));
    for page in pages.into_iter().filter(|page| page.is_file()) {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap();
            let found = target.is_empty() || target.contains("://") || page.parent().unwrap().join(target).exists();
            assert!(found, "{} links to {target}", page.display());
        }
    }
}

#[test]
fn every_configuration_of_the_docs_is_one() {
    let page = fs::read_to_string(root().join("docs/accounts.md")).unwrap();
    let mut count = 0;
    for text in blocks(&page, "toml") {
        let parsed = mailql::Config::parse(text, Path::new("/"), Some(Path::new("/home/me")));
        parsed.unwrap_or_else(|error| panic!("{error}\n{text}"));
        count += 1;
    }
    assert!(count >= 6, "the page has its examples");
}

#[test]
fn every_provider_has_its_row_and_its_way_in() {
    let page = fs::read_to_string(root().join("docs/accounts.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    for provider in &mailql::account::provider::PROVIDERS {
        let start = format!("| `{}` |", provider.name);
        let row = rows.clone().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("{} has no row", provider.name));
        assert_eq!(row.contains("app password"), provider.app_password.is_some(), "{row}");
        assert!(!row.contains("OAuth2") || provider.oauth.is_some(), "{row}");
    }
}

#[test]
fn every_key_of_the_docs_is_one_that_is_obeyed() {
    let page = fs::read_to_string(root().join("docs/accounts.md")).unwrap();
    let sources = ["account.rs", "credential.rs"]
        .map(|file| fs::read_to_string(root().join("src/account/file").join(file)).unwrap());
    for (kind, source) in ["accounts", "credentials"].iter().zip(&sources) {
        let told = page.lines().filter_map(|line| line.strip_prefix(&format!("| `{kind}.NAME."))?.split('`').next());
        let told: Vec<&str> = told.map(|key| key.split('.').next().unwrap()).collect();
        for key in &told {
            assert!(source.contains(&format!("    {key}: ")), "nothing obeys {kind}.NAME.{key}");
        }
        // What is indented more is a parameter.
        let is_key = |line: &&str| !line.starts_with("     ") && line.contains(": Option<") && line.ends_with(">,");
        for line in source.lines().filter(is_key) {
            let key = line.trim().split(':').next().unwrap();
            // Those of a server are told with it.
            assert!(["port", "tls"].contains(&key) || told.contains(&key), "{kind}.NAME.{key} is not in the docs");
        }
    }
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut sources = String::new();
    for directory in ["src", "tests"] {
        read_all(&root().join(directory), &mut sources);
    }
    let promises = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise"));
    let mut named = 0;
    for line in promises {
        let tests = line.trim_end_matches('|').rsplit(" | ").next().unwrap();
        for test in tests.split('`').skip(1).step_by(2) {
            let is_there = if test.contains('/') || test.starts_with('.') {
                root().join(test).exists()
            } else {
                sources.contains(&format!("fn {test}("))
            };
            assert!(is_there, "there is no {test}, which holds: {line}");
            named += 1;
        }
    }
    assert!(named > 20, "{named} tests are named");
}

fn read_all(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            read_all(&entry, text);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(&entry).unwrap());
        }
    }
}

/// The contents of fenced blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let fence = format!("```{language}\n");
    text.split("```").collect::<Vec<_>>().into_iter().skip(1).step_by(2).filter_map(move |block| {
        format!("```{block}").starts_with(&fence).then(|| block.split_once('\n').map(|(_, rest)| rest)).flatten()
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
