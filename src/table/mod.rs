//! Mail as relations: the tables, each declared column by column, and how they are scanned.
//!
//! Knows DataFusion and the seam to stores, and no store. A table is a file here with its columns
//! and a line in [`TABLES`]. Read on in [`mod@column`], then [`provider`], [`scan`], [`read`].

pub mod addresses;
pub mod attachments;
pub mod batch;
pub mod body;
pub mod chain;
pub mod column;
pub mod condition;
pub mod folder;
pub mod found;
pub mod headers;
pub mod lane;
pub mod messages;
pub mod numbers;
pub mod provider;
pub mod pushdown;
pub mod read;
pub mod receipt;
pub mod received_at;
pub mod scan;
pub mod search_function;
pub mod settings;
pub mod substring;
pub mod top;

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};

use self::column::{Column, Need};
use crate::mail::Fetch;

/// A table, declared.
#[derive(Debug)]
pub struct Table {
    /// Its name, as displayed.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// What there is one row for.
    pub rows: Rows,
    /// Its columns, in groups that tables share.
    pub columns: &'static [&'static [Column]],
}

/// What a table has one row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// A folder.
    Folder,
    /// A message in a folder.
    Message,
    /// A header field.
    Field,
    /// An address.
    Address,
    /// An attachment.
    Attachment,
}

/// All tables, in the order in which they are shown.
pub const TABLES: [&Table; 7] = [
    &folder::FOLDER,
    &messages::MESSAGES_IN_FOLDER,
    &body::MESSAGE_BODY,
    &headers::MESSAGE_HEADERS,
    &addresses::MESSAGE_ADDRESSES,
    &attachments::MESSAGE_ATTACHMENTS,
    &attachments::ATTACHMENT_CONTENT,
];

/// Finds a table by its name, in any case and with or without underscores.
pub fn find(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| normalised(table.name) == normalised(name))
}

/// A table's name without what does not matter in it.
pub fn normalised(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

impl Table {
    /// Its columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.columns.iter().copied().flatten()
    }

    /// Its schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns().map(Column::field).collect::<Vec<_>>()))
    }

    /// What must be read for some of its columns, by position, and for there to be rows at all.
    pub fn fetch(&self, columns: impl IntoIterator<Item = usize>) -> Fetch {
        let all: Vec<&Column> = self.columns().collect();
        let mut fetch = Fetch::default();
        self.rows.needs().iter().for_each(|need| need.add_to(&mut fetch));
        for column in columns.into_iter().filter_map(|position| all.get(position)) {
            column.needs.iter().for_each(|need| need.add_to(&mut fetch));
        }
        fetch
    }
}

impl Rows {
    /// What must be read of a message to know its rows.
    fn needs(self) -> &'static [Need] {
        match self {
            Rows::Folder | Rows::Message => &[],
            Rows::Field => &[Need::Header],
            Rows::Address => &[Need::Fields(&addresses::FIELDS)],
            Rows::Attachment => &[Need::Structure],
        }
    }

    /// How many rows an account is taken to have, for the choice of a join's sides.
    pub fn estimate(self) -> usize {
        match self {
            Rows::Folder => 50,
            Rows::Message => 10_000,
            Rows::Field => 300_000,
            Rows::Address => 40_000,
            Rows::Attachment => 20_000,
        }
    }
}
