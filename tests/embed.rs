//! mailql beside other people's tables, in a session that they made.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod mail;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::prelude::{SessionConfig, SessionContext};
use mailql::{AccountConfig, Config, ErrorKind, ImapAccount, Tls};

#[tokio::test(flavor = "multi_thread")]
async fn mail_joins_tables_of_a_session_that_somebody_else_made() {
    let (context, _place) = host();
    context.sql("CREATE TABLE people AS VALUES ('ada@example.org', 'Ada')").await.unwrap().collect().await.unwrap();
    let join = "SELECT count(*) FROM people p JOIN mail.Work.messages_in_folder m ON m.from_address = p.column1";
    let alone = "SELECT count(*) FROM mail.work.MessagesInFolder WHERE from_address = 'ada@example.org'";
    let found = number(&context, join).await;
    assert!(found > 10 && found == number(&context, alone).await, "{found} found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_keeps_its_options_and_its_default_schema() {
    let (context, _place) = host();
    let options = context.state().config().options().clone();
    assert_eq!(options.execution.batch_size.get(), 77);
    assert!(options.optimizer.repartition_joins);
    assert_eq!(options.catalog.default_catalog, "datafusion");
    context.sql("CREATE TABLE mine AS VALUES (1)").await.unwrap().collect().await.unwrap();
    assert_eq!(number(&context, "SELECT count(*) FROM public.mine").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_the_refusal_to_write_come_along() {
    let (context, _place) = host();
    context.sql("SET mailql.connections = 1").await.unwrap().collect().await.unwrap();
    let unknown = context.sql("SET mailql.nothing = 1").await.err().map(mailql::Error::from).unwrap();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let delete = context.sql("DELETE FROM mail.work.MessagesInFolder WHERE uid = 1").await.unwrap();
    assert_eq!(mailql::Error::from(delete.collect().await.unwrap_err()).kind(), ErrorKind::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_in_the_usual_partitions_of_a_host_has_the_right_rows() {
    let (context, _place) = host();
    let key = "m.folder = h.folder AND m.uid = h.uid";
    let join =
        format!("FROM mail.work.MessagesInFolder m JOIN mail.work.MessageHeaders h ON {key} WHERE h.position = 1");
    let joined = number(&context, &format!("SELECT count(*) {join}")).await;
    let with_header = "SELECT count(*) FROM mail.work.MessageHeaders WHERE position = 1";
    assert_eq!(joined, number(&context, with_header).await);
    assert!(joined > 100);
}

#[test]
fn an_account_cannot_take_the_name_of_the_schema_of_all() {
    let mut config = Config::default();
    config.accounts.insert("Accounts".to_owned(), AccountConfig::Maildir("x".into()));
    let error = mailql::register(&SessionContext::new(), &config).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    let missing = mailql::Engine::builder().maildir("a", "x").default_account("b").build();
    assert_eq!(missing.err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_live_account_made_in_code_sends_no_password_in_the_clear() {
    let account = ImapAccount::new("mail.example.org", "me").password("hunter2").tls(Tls::None);
    let builder = mailql::Engine::builder().imap("work", account);
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().err().unwrap();
    assert!(error.kind() == ErrorKind::Config && error.to_string().contains("plaintext"), "{error}");
}

fn host() -> (SessionContext, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    mail::write_maildir(place.path());
    let context = SessionContext::new_with_config(SessionConfig::new().with_batch_size(77).with_target_partitions(4));
    let mut config = Config::default();
    config.accounts.insert("work".to_owned(), AccountConfig::Maildir(place.path().to_owned()));
    mailql::register(&context, &config).unwrap();
    (context, place)
}

async fn number(context: &SessionContext, sql: &str) -> i64 {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}
