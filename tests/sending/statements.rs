//! `statements.slt`: sent in one statement, read in the next.
//!
//! `MAILQL_COMPLETE=1` writes the answers into the file, to be read before they are committed.

use async_trait::async_trait;
use mailql::{Engine, Error};
use sqllogictest::{DBOutput, DefaultColumnType, Runner};

use crate::place::{Place, rows};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_statement_sends_the_next_one_reads() {
    let place = Place::new();
    let engine = place.engine().await;
    let mut runner = Runner::new(|| async { Ok(Session(engine.clone(), &place)) });
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sending/statements.slt");
    if std::env::var_os("MAILQL_COMPLETE").is_some() {
        let (validator, normalizer) = (sqllogictest::default_validator, sqllogictest::default_normalizer);
        let columns = sqllogictest::default_column_validator;
        runner.update_test_file(file, "\t", validator, normalizer, columns).await.unwrap();
    } else if let Err(error) = runner.run_file_async(file).await {
        panic!("{error}\n{}", place.postfix.log());
    }
}

struct Session<'a>(Engine, &'a Place);

#[async_trait]
impl sqllogictest::AsyncDB for Session<'_> {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        self.1.postfix.delivered();
        let mut rows = rows(&self.0, sql).await?;
        if sql.starts_with("CREATE") {
            return Ok(DBOutput::StatementComplete(0));
        }
        for cell in rows.iter_mut().flatten() {
            *cell = if cell.is_empty() { "(empty)".to_owned() } else { cell.replace('\n', "⏎").replace('\r', "␍") };
        }
        let columns = rows.first().map_or(0, Vec::len);
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text; columns], rows })
    }

    async fn shutdown(&mut self) {}
}
