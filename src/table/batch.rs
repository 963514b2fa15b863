//! Messages to record batches: rows are laid out, and each wanted column reads them all.
//!
//! Knows nothing of predicates or stores. Next: [`super::read`].

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{
    ArrayRef, BinaryViewBuilder, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::Result;

use super::addresses::FIELDS;
use super::column::{Column, Item, Read, Row};
use super::{Rows, Table};
use crate::mail::address::Address;
use crate::mail::body::Layout;
use crate::mail::{Folder, Header, Message};

/// Some columns of a table, in order.
#[derive(Debug, Clone)]
pub struct Selection {
    columns: Vec<&'static Column>,
    schema: SchemaRef,
}

impl Selection {
    /// The columns at these positions of the table.
    pub fn of(table: &Table, positions: &[usize]) -> Self {
        let all: Vec<&'static Column> = table.columns().collect();
        let columns: Vec<&'static Column> = positions.iter().map(|position| all[*position]).collect();
        let schema = Arc::new(Schema::new(columns.iter().map(|column| column.field()).collect::<Vec<_>>()));
        Self { columns, schema }
    }

    /// The schema of their batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// One batch of all rows.
    ///
    /// # Errors
    /// When Arrow refuses the arrays, which would be a mistake here.
    pub fn batch(&self, rows: &[Row<'_>]) -> Result<RecordBatch> {
        let arrays = self.columns.iter().map(|column| array(column, rows)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}

/// Lays out the rows of some messages, and the message that each is of, and hands them over.
pub fn with_rows<T>(
    rows: Rows,
    account: &str,
    folder: &Folder,
    messages: &[Message],
    take: impl FnOnce(&[Row<'_>], &[usize]) -> T,
) -> T {
    let row = |message, item| Row { account, folder, message: Some(message), item };
    let whole = |position: usize| (position, row(&messages[position], Item::Whole));
    // Addresses are understood once and must outlive their rows.
    let addresses: Vec<Vec<(&'static str, i64, Address)>> = match rows {
        Rows::Address => messages.iter().map(addresses).collect(),
        Rows::Folder | Rows::Message | Rows::Field | Rows::Attachment => Vec::new(),
    };
    let (owners, laid_out): (Vec<usize>, Vec<Row<'_>>) = match rows {
        Rows::Folder | Rows::Message => (0..messages.len()).map(whole).unzip(),
        Rows::Field => messages
            .iter()
            .enumerate()
            .flat_map(|(owner, message)| {
                let fields = message.header.iter().flat_map(Header::fields);
                (1..).zip(fields).map(move |(position, field)| (owner, row(message, Item::Field(position, field))))
            })
            .unzip(),
        Rows::Address => addresses
            .iter()
            .enumerate()
            .flat_map(|(owner, addresses)| {
                let message = &messages[owner];
                let item = |(role, position, address)| Item::Address(role, position, address);
                addresses
                    .iter()
                    .map(move |(role, position, address)| (owner, row(message, item((*role, *position, address)))))
            })
            .unzip(),
        Rows::Attachment => messages
            .iter()
            .enumerate()
            .flat_map(|(owner, message)| {
                let attachments = message.structure.iter().flat_map(|root| Layout::of(root).attachments);
                attachments.map(move |attachment| (owner, row(message, Item::Attachment(attachment))))
            })
            .unzip(),
    };
    take(&laid_out, &owners)
}

fn addresses(message: &Message) -> Vec<(&'static str, i64, Address)> {
    let Some(header) = &message.header else { return Vec::new() };
    let of_field = |field: &'static str| {
        (1..).zip(header.addresses(field)).map(move |(position, address)| (field, position, address))
    };
    FIELDS.into_iter().flat_map(of_field).collect()
}

fn array(column: &Column, rows: &[Row<'_>]) -> ArrayRef {
    match column.read {
        Read::Int(read) => Arc::new(rows.iter().map(read).collect::<Int64Array>()),
        Read::Bool(read) => Arc::new(rows.iter().map(read).collect::<BooleanArray>()),
        Read::Time(read) => {
            let times = rows.iter().map(|row| read(row).map(|time| time.0)).collect::<TimestampMicrosecondArray>();
            Arc::new(times.with_timezone("UTC"))
        }
        Read::Text(read) => {
            let mut texts = StringViewBuilder::with_capacity(rows.len());
            for row in rows {
                texts.append_option(read(row));
            }
            Arc::new(texts.finish())
        }
        Read::Bytes(read) => {
            let mut octets = BinaryViewBuilder::with_capacity(rows.len());
            for row in rows {
                append(&mut octets, read(row));
            }
            Arc::new(octets.finish())
        }
    }
}

/// Takes over what is large, instead of copying it.
fn append(octets: &mut BinaryViewBuilder, value: Option<Bytes>) {
    let length = value.as_ref().and_then(|value| u32::try_from(value.len()).ok()).filter(|length| *length > COPIED);
    match (value, length) {
        (Some(value), Some(length)) => {
            let block = octets.append_block(Buffer::from(value.clone()));
            if octets.try_append_view(block, 0, length).is_err() {
                octets.append_value(&value);
            }
        }
        (value, _) => octets.append_option(value),
    }
}

/// Octets that are copied rather than kept where they are, together with what came with them.
const COPIED: u32 = 1024;
