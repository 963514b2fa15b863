//! The one error type: what failed, where, in whose words, and the way out.
//!
//! It knows the host's error type, so that both can travel through each other, and nothing of ours.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use datafusion::error::DataFusionError;

/// The result of everything that can fail in mailql.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or the command line is wrong; correct it.
    Config,
    /// A name (folder, account, table, query) does not exist.
    NotFound,
    /// The statement cannot be parsed, planned or executed.
    Query,
    /// A file, directory or stream cannot be read or written.
    Io,
    /// Mail is there but is not what it claims to be: no mbox, no Maildir, changed while being read.
    Mail,
    /// A server refuses, or says what makes no sense.
    Server,
    /// A server cannot be reached, or the connection to it is lost or silent; it may be there again in a moment.
    Unreachable,
    /// A server says that it cannot do it for the moment; ask again in a while.
    Unavailable,
    /// A server was asked for too much in too short a time; leave it alone until it lifts that.
    Throttled,
    /// It is refused on purpose: writing to a table that can only be read, say.
    Refused,
}

/// What failed, with its context and a hint where there is a way out.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error; the message is lower case and without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), hint: None, source: None }
    }

    /// Wraps what the operating system said, with what was tried.
    pub fn io(tried: impl Into<String>, source: io::Error) -> Self {
        let hint = match source.kind() {
            io::ErrorKind::PermissionDenied => Some("check the permissions of that path"),
            io::ErrorKind::StorageFull => Some("free some space, or write somewhere else"),
            _ => None,
        };
        let error = Self::new(ErrorKind::Io, format!("{}: {}", tried.into(), reason(&source))).because(source);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// Adds where it happened (`"folder"`, `"INBOX"`).
    #[must_use]
    pub fn context(mut self, what: &'static str, value: impl Into<String>) -> Self {
        self.context.push((what, value.into()));
        self
    }

    /// Sets the way out, shown on a line of its own.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it in other words, where those it has may repeat what nobody should see; the error underneath goes with them.
    #[must_use]
    pub fn reworded(mut self, words: impl Fn(&str) -> String) -> Self {
        let message = words(&self.message);
        if message != self.message {
            self.message = message;
            self.source = None;
        }
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The way out, where there is one.
    pub fn way_out(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (position, (what, value)) in self.context.iter().enumerate() {
            let open = if position == 0 { " (" } else { ", " };
            write!(f, "{open}{what} {value}")?;
        }
        if self.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<DataFusionError> for Error {
    /// Takes our own error out again, or says the host's in one line.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => Error::new(ErrorKind::Query, one_line(&other.to_string())),
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => Error::from(*inner),
            DataFusionError::Shared(shared) => shared_error(&shared),
            DataFusionError::Collection(errors) => match errors.into_iter().next() {
                Some(first) => Error::from(first),
                None => Error::new(ErrorKind::Query, "the query failed"),
            },
            other => host_error(&other),
        }
    }
}

/// What the operating system said, without its error number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    lower_first(text)
}

/// Our error again, out of one that several consumers share.
fn shared_error(error: &DataFusionError) -> Error {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(ours) = inner.downcast_ref::<Error>() {
            return Error {
                kind: ours.kind,
                message: ours.message.clone(),
                context: ours.context.clone(),
                hint: ours.hint.clone(),
                source: None,
            };
        }
        source = inner.source();
    }
    host_error(error)
}

/// The host's words in one line, its names for its own phases left out.
fn host_error(error: &DataFusionError) -> Error {
    if let DataFusionError::ArrowError(inner, _) = error
        && let Some(source) = inner.source()
        && let Some(ours) = source.downcast_ref::<DataFusionError>()
    {
        return shared_error(ours);
    }
    if let DataFusionError::SQL(inner, _) = error {
        let text = inner.to_string();
        let text = text.trim_start_matches("sql parser error: ");
        return Error::new(ErrorKind::Query, format!("that is no SQL: {}", lower_first(&one_line(text))));
    }
    let text = one_line(&error.strip_backtrace());
    if text.contains("Error encountered while finalizing writes") {
        let error = Error::new(ErrorKind::Io, "the file could not be written to its end");
        return error.hint("look whether there is room where it is written, and whether files may be that large");
    }
    let text = text.split(" This issue was likely caused by a bug in DataFusion").next().unwrap_or(&text);
    let mut text = text;
    while let Some(rest) = PHASES.iter().find_map(|phase| text.strip_prefix(phase)) {
        text = rest;
    }
    let (message, rest) = match text.find(" Did you mean ").or_else(|| text.find(" Valid fields are ")) {
        Some(at) => (&text[..at], text[at..].trim()),
        None => (text, ""),
    };
    let error = Error::new(ErrorKind::Query, lower_first(message.trim_end_matches(['.', ' '])));
    match rest.strip_prefix("Did you mean ") {
        Some(names) => {
            let names = names.split('?').next().unwrap_or(names);
            error.hint(format!("did you mean {names}?"))
        }
        None if rest.is_empty() => error,
        None => error.hint(format!("{}{}", rest[..1].to_lowercase(), rest[1..].trim_end_matches('.'))),
    }
}

/// What DataFusion calls the places where something went wrong; they help nobody who asks a question.
const PHASES: [&str; 7] = [
    "Error during planning: ",
    "Schema error: ",
    "SQL error: ",
    "Execution error: ",
    "Arrow error: ",
    "External error: ",
    "This feature is not implemented: ",
];

/// Lower case at the beginning, unless it is an acronym.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
