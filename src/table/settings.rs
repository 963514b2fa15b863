//! The settings under `mailql.`, as options of the session: `SET mailql.pushdown = false`.
//!
//! Only what something obeys is here.

use std::any::Any;
use std::fmt;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};

use crate::error::{Error, ErrorKind};
use crate::mail::store::Unreadable;

/// The settings of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many folders are read at once, and how many connections to a server are used for it, at most.
    pub connections: usize,
    /// How long a server may be silent, in seconds.
    pub timeout_seconds: u64,
    /// How long a statement may take in all, in seconds; 0 is no limit.
    pub statement_timeout_seconds: u64,
    /// How often in a row a connection that is lost is replaced before a statement fails.
    pub retries: u32,
    /// How much a statement may download from servers, in megabytes; 0 is no limit.
    pub max_download_mb: u64,
    /// Whether predicates choose folders, messages and what is read of them; off to check that they do it right.
    pub pushdown: bool,
    /// Whether servers are asked for text.
    pub text_pushdown: TextPushdown,
    /// What becomes of a message that its store cannot deliver.
    pub unreadable: Unreadable,
    /// Whether mail may be sent without anybody being asked.
    pub allow_send: bool,
    /// How many mails may be sent in a minute; 0 is no limit.
    pub send_per_minute: u32,
    /// What becomes of text in CSV that a spreadsheet would take for a formula.
    pub csv_formulas: CsvFormulas,
}

/// What becomes of text in CSV that a spreadsheet would take for a formula: mail is written by anybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CsvFormulas {
    /// It is written as it is, so that it is read back as it was.
    #[default]
    Keep,
    /// It gets an apostrophe before it, which makes it text.
    Quote,
}

impl fmt::Display for CsvFormulas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CsvFormulas::Keep => "keep",
            CsvFormulas::Quote => "quote",
        })
    }
}

/// Whether servers are asked for text. What contains a text differs from server to server, and none tells how it reads that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextPushdown {
    /// Never: a message that is not found is worse than one that is read for nothing.
    #[default]
    Off,
    /// The user says that they find every message that has the text somewhere in the field (RFC 9051 §6.4.4).
    Trust,
}

impl fmt::Display for TextPushdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TextPushdown::Off => "off",
            TextPushdown::Trust => "trust",
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 3,
            timeout_seconds: 60,
            statement_timeout_seconds: 0,
            retries: 5,
            // Gmail lets 2,500 be read in a day.
            max_download_mb: 2000,
            pushdown: true,
            text_pushdown: TextPushdown::Off,
            unreadable: Unreadable::Error,
            allow_send: false,
            send_per_minute: 0,
            csv_formulas: CsvFormulas::Keep,
        }
    }
}

impl ConfigExtension for Settings {
    const PREFIX: &'static str = "mailql";
}

impl ExtensionOptions for Settings {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "connections" => match value.parse() {
                Ok(connections) if (1..=MAX_CONNECTIONS).contains(&connections) => self.connections = connections,
                _ => return Err(refused(key, value, "a number from 1 to 16")),
            },
            "timeout_seconds" => match value.parse() {
                Ok(seconds) if (1..=MAX_TIMEOUT).contains(&seconds) => self.timeout_seconds = seconds,
                _ => return Err(refused(key, value, "a number of seconds from 1 to 3600")),
            },
            "statement_timeout_seconds" => match value.parse() {
                Ok(seconds) if seconds <= MAX_STATEMENT => self.statement_timeout_seconds = seconds,
                _ => return Err(refused(key, value, "a number of seconds up to 604800, or 0 for no limit")),
            },
            "retries" => match value.parse() {
                Ok(retries) if retries <= MAX_RETRIES => self.retries = retries,
                _ => return Err(refused(key, value, "a number from 0 to 20")),
            },
            "max_download_mb" => match value.parse() {
                Ok(megabytes) if megabytes <= MAX_DOWNLOAD => self.max_download_mb = megabytes,
                _ => return Err(refused(key, value, "a number of megabytes, or 0 for no limit")),
            },
            "pushdown" => self.pushdown = truth(key, value)?,
            "allow_send" => self.allow_send = truth(key, value)?,
            "send_per_minute" => match value.parse() {
                Ok(mails) if mails <= MAX_PER_MINUTE => self.send_per_minute = mails,
                _ => return Err(refused(key, value, "a number of mails up to 60000, or 0 for no limit")),
            },
            "text_pushdown" => match value.to_lowercase().as_str() {
                "off" => self.text_pushdown = TextPushdown::Off,
                "trust" => self.text_pushdown = TextPushdown::Trust,
                _ => return Err(refused(key, value, "off or trust")),
            },
            "unreadable" => match value.to_lowercase().as_str() {
                "error" => self.unreadable = Unreadable::Error,
                "skip" => self.unreadable = Unreadable::Skip,
                _ => return Err(refused(key, value, "error or skip")),
            },
            "csv_formulas" => match value.to_lowercase().as_str() {
                "keep" => self.csv_formulas = CsvFormulas::Keep,
                "quote" => self.csv_formulas = CsvFormulas::Quote,
                _ => return Err(refused(key, value, "keep or quote")),
            },
            _ => {
                let known = self.entries().into_iter().map(|entry| entry.key);
                let hint = format!("the settings are {}", known.collect::<Vec<_>>().join(", "));
                let error = Error::new(ErrorKind::NotFound, format!("there is no setting mailql.{key}"));
                return Err(error.hint(hint).into());
            }
        }
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let entry = |key: &str, value: String, description| ConfigEntry {
            key: format!("{}.{key}", Self::PREFIX),
            value: Some(value),
            description,
        };
        vec![
            entry(
                "connections",
                self.connections.to_string(),
                "How many folders are read at once, and how many connections to a server are used for it, at most",
            ),
            entry("timeout_seconds", self.timeout_seconds.to_string(), "How long a server may be silent, in seconds"),
            entry(
                "statement_timeout_seconds",
                self.statement_timeout_seconds.to_string(),
                "How long a statement may take in all, in seconds; 0 is no limit",
            ),
            entry(
                "retries",
                self.retries.to_string(),
                "How often in a row a connection that is lost is replaced before a statement fails",
            ),
            entry(
                "max_download_mb",
                self.max_download_mb.to_string(),
                "How much a statement may download from servers, in megabytes; 0 is no limit",
            ),
            entry(
                "pushdown",
                self.pushdown.to_string(),
                "Whether predicates choose folders, messages and what is read of them",
            ),
            entry(
                "text_pushdown",
                self.text_pushdown.to_string(),
                "Whether servers are asked for text: off, or trust for servers that find it within words, too",
            ),
            entry(
                "unreadable",
                match self.unreadable {
                    Unreadable::Error => "error".to_owned(),
                    Unreadable::Skip => "skip".to_owned(),
                },
                "What becomes of a message that the server cannot deliver: error, or skip, which leaves it out and counts it",
            ),
            entry("allow_send", self.allow_send.to_string(), "Whether mail may be sent without anybody being asked"),
            entry(
                "send_per_minute",
                self.send_per_minute.to_string(),
                "How many mails may be sent in a minute; 0 is no limit",
            ),
            entry(
                "csv_formulas",
                self.csv_formulas.to_string(),
                "What becomes of text in CSV that a spreadsheet would take for a formula: keep, or quote, an apostrophe before it",
            ),
        ]
    }
}

fn truth(key: &str, value: &str) -> Result<bool> {
    match value.to_lowercase().as_str() {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err(refused(key, value, "true or false")),
    }
}

fn refused(key: &str, value: &str, expected: &str) -> DataFusionError {
    Error::new(ErrorKind::Config, format!("mailql.{key} cannot be '{value}'")).hint(format!("it is {expected}")).into()
}

const MAX_CONNECTIONS: usize = 16;
const MAX_TIMEOUT: u64 = 3600;
/// A week.
const MAX_STATEMENT: u64 = 604_800;
const MAX_DOWNLOAD: u64 = 1_000_000_000;
const MAX_RETRIES: u32 = 20;
const MAX_PER_MINUTE: u32 = 60_000;
