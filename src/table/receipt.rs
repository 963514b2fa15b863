//! What became of mail that was sent, as rows: one per mail and recipient.
//!
//! The columns of what `SendEmail` answers, and of the table `SentEmail`, which has some more. Sends and reads nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

use crate::mail::outbox::{Outcome, Status};

/// What became of a mail for one recipient, and which mail it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The account that sent it.
    pub account: Arc<str>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its key.
    pub key: Option<String>,
    /// The address that it is from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// Its size in octets.
    pub size: Option<i64>,
}

/// A column of receipts.
#[derive(Debug)]
pub struct ReceiptColumn {
    /// Its name.
    pub name: &'static str,
    /// How its value is taken; this gives its type, too.
    read: Read,
    /// What it is, in one sentence.
    pub doc: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Read {
    Text(fn(&Receipt) -> Option<&str>),
    Int(fn(&Receipt) -> Option<i64>),
    Time(fn(&Receipt) -> Option<DateTime<Utc>>),
}

/// The columns of `SentEmail`; the first [`OUTCOME`] of them are those of what `SendEmail` answers.
pub const COLUMNS: [ReceiptColumn; 12] = [
    column("account", Read::Text(|receipt| Some(&receipt.account)), "The account that sent it."),
    column(
        "message_id",
        Read::Text(|receipt| Some(&receipt.outcome.message_id)),
        "The Message-ID, as MessagesInFolder.message_id has it.",
    ),
    column("recipient", Read::Text(|receipt| Some(&receipt.outcome.recipient)), "The address of a recipient."),
    column(
        "status",
        Read::Text(|receipt| Some(receipt.outcome.status.name())),
        "sent (the server took it), rejected (it did not), not_sent (it was not handed over), unknown (it was, and nobody \
         knows what came of it), dry_run.",
    ),
    column("smtp_code", Read::Int(|receipt| receipt.outcome.code.map(i64::from)), "The code of the server's reply."),
    column(
        "response",
        Read::Text(|receipt| Some(&receipt.outcome.response)),
        "The server's own words, or why there are none.",
    ),
    column(
        "sent_at",
        Read::Time(|receipt| {
            let has_left = matches!(receipt.outcome.status, Status::Sent | Status::Unknown);
            has_left.then_some(receipt.outcome.at)
        }),
        "When the server took it, or was given it.",
    ),
    column("recorded_at", Read::Time(|receipt| Some(receipt.outcome.at)), "When that was written down."),
    column("key", Read::Text(|receipt| receipt.key.as_deref()), "The key that it was sent with."),
    column("from_address", Read::Text(|receipt| Some(&receipt.sender)), "The address that it is from."),
    column("subject", Read::Text(|receipt| Some(&receipt.subject)), "The subject."),
    column("size", Read::Int(|receipt| receipt.size), "The size in octets, as it went out."),
];

/// How many of the columns `SendEmail` answers with.
pub const OUTCOME: usize = 7;

/// The name of the journal as a table.
pub const SENT_EMAIL: &str = "SentEmail";
/// What it is, in one sentence.
pub const SENT_EMAIL_DOC: &str =
    "Mail that was sent from here: one row per mail and recipient, with what became of it.";

const fn column(name: &'static str, read: Read, doc: &'static str) -> ReceiptColumn {
    ReceiptColumn { name, read, doc }
}

impl ReceiptColumn {
    /// Its Arrow type.
    pub fn data_type(&self) -> DataType {
        match self.read {
            Read::Text(_) => DataType::Utf8View,
            Read::Int(_) => DataType::Int64,
            Read::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    fn array(&self, receipts: &[Receipt]) -> ArrayRef {
        match self.read {
            Read::Text(read) => Arc::new(receipts.iter().map(read).collect::<StringViewArray>()),
            Read::Int(read) => Arc::new(receipts.iter().map(read).collect::<Int64Array>()),
            Read::Time(read) => {
                let times = receipts.iter().map(|receipt| read(receipt).map(|time| time.timestamp_micros()));
                Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
        }
    }
}

/// The schema of what `SendEmail` answers.
pub fn outcome_schema() -> Schema {
    schema_of(&COLUMNS[..OUTCOME])
}

/// The schema of `SentEmail`.
pub fn sent_email_schema() -> SchemaRef {
    Arc::new(schema_of(&COLUMNS))
}

/// Receipts as rows, with the first columns of a schema.
///
/// # Errors
/// Only when Arrow finds something wrong with what is made here.
pub fn batch(schema: &SchemaRef, receipts: &[Receipt]) -> Result<RecordBatch> {
    let columns = COLUMNS.iter().take(schema.fields().len()).map(|column| column.array(receipts));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect())?)
}

fn schema_of(columns: &[ReceiptColumn]) -> Schema {
    Schema::new(columns.iter().map(|column| Field::new(column.name, column.data_type(), true)).collect::<Vec<_>>())
}
