//! Where answers go: the terminal as a table, standard output in a format, a file, or one file per row.
//!
//! It prints rows and nothing else; what is said beside them (errors, hints, times) is `say`'s and `session`'s.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use self::neutral::NeutralWriter;
use super::progress::Progress;
use crate::engine::export::{self, Format, Saved, Written};
use crate::error::{Error, ErrorKind, Result};

mod cell;
mod neutral;
mod plan;
mod printer;
mod widths;

pub(crate) use self::neutral::{NeutralLog, neutral, neutral_lines, without_unseen};
pub(crate) use self::printer::{Look, Printer};

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A table for people.
    Table,
    /// Rows for programs.
    Rows(Format),
}

impl Shape {
    /// The shape of that name.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case("table") {
            return Ok(Self::Table);
        }
        Format::named(name).map(Self::Rows).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("there is no format {name}"))
                .hint(format!("the formats are {}", Self::names().join(", ")))
        })
    }

    /// Every name there is.
    pub(crate) fn names() -> Vec<&'static str> {
        std::iter::once("table").chain(Format::NAMES.iter().map(|(name, _)| *name)).collect()
    }
}

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To standard output.
    Screen(Shape),
    /// Into one file.
    File(PathBuf, Format),
    /// Into one file per row.
    Directory(PathBuf),
}

impl Target {
    /// What `-o` and `--format` mean together.
    ///
    /// # Errors
    /// The ending says no format and none is named.
    pub(crate) fn of(output: Option<&Path>, shape: Option<Shape>) -> Result<Self> {
        let Some(path) = output else { return Ok(Self::Screen(shape.unwrap_or(Shape::Table))) };
        if path.to_string_lossy().ends_with(std::path::is_separator) {
            return Ok(Self::Directory(path.to_owned()));
        }
        match shape {
            None => Ok(Self::File(path.to_owned(), Format::of_path(path)?)),
            Some(Shape::Rows(format)) => Ok(Self::File(path.to_owned(), format)),
            Some(Shape::Table) => Err(Error::new(ErrorKind::Config, "a table is for the terminal, not for a file")
                .hint("use --format csv or md, or leave --format out")),
        }
    }

    /// The format that rows are written in, where they are not shown as a table.
    pub(crate) fn format(&self) -> Option<Format> {
        match self {
            Target::File(_, format) | Target::Screen(Shape::Rows(format)) => Some(*format),
            Target::Screen(Shape::Table) | Target::Directory(_) => None,
        }
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// So many rows were shown; the flag says that more were there.
    Shown { rows: usize, more: bool },
    /// They are in a file.
    Written(Written),
    /// They are in files.
    Saved(Saved),
    /// Who read our output has enough, as `head` does.
    ReaderGone,
}

impl Delivered {
    /// How many rows there were, as far as anybody took them.
    pub(crate) fn rows(self) -> Option<usize> {
        match self {
            Delivered::Shown { rows, .. } => Some(rows),
            Delivered::Written(written) => Some(written.rows),
            Delivered::Saved(saved) => Some(saved.files),
            Delivered::ReaderGone => None,
        }
    }
}

/// Sends an answer where it goes; `cap` is the most rows that a table shows.
///
/// # Errors
/// The query fails, or what is written to does.
pub(crate) async fn deliver(
    stream: SendableRecordBatchStream,
    target: &Target,
    expanded: bool,
    cap: Option<usize>,
    progress: Option<Progress>,
) -> Result<Delivered> {
    let shape = match target {
        Target::File(path, format) => {
            return match terminal_at(path) {
                Some(_) if *format == Format::Parquet => Err(no_parquet()),
                Some(terminal) => export::write(stream, *format, neutral_writer(terminal, *format)).await,
                None => export::save(stream, *format, path).await,
            }
            .map(Delivered::Written);
        }
        Target::Directory(path) => return export::save_files(stream, path).await.map(Delivered::Saved),
        Target::Screen(shape) => *shape,
    };
    let terminal = io::stdout().is_terminal();
    let gone = Arc::new(AtomicBool::new(false));
    let screen = Screen { gone: Arc::clone(&gone), progress: progress.filter(|_| terminal) };
    let delivered = match shape {
        Shape::Table => print_table(stream, screen, Look { expanded, ..look() }, cap).await,
        Shape::Rows(Format::Parquet) if terminal => Err(no_parquet()),
        Shape::Rows(format) => {
            let outcome = if terminal {
                export::write(stream, format, neutral_writer(screen, format)).await
            } else {
                export::write(stream, format, screen).await
            };
            outcome.map(|written| Delivered::Shown { rows: written.rows, more: false })
        }
    };
    if gone.load(Ordering::Relaxed) { Ok(Delivered::ReaderGone) } else { delivered }
}

/// Prints a few rows that the program itself made.
///
/// # Errors
/// Standard output fails.
pub(crate) fn print_batch(batch: &RecordBatch, expanded: bool) -> Result<()> {
    let gone = Arc::new(AtomicBool::new(false));
    let screen = Screen { gone: Arc::clone(&gone), progress: None };
    let mut printer = Printer::new(BufWriter::new(screen), Look { expanded, ..look() }, &batch.schema());
    let outcome = printer.push(batch).and_then(|()| printer.finish(None));
    match outcome {
        Err(_) if gone.load(Ordering::Relaxed) => Ok(()),
        outcome => outcome.map(drop).map_err(|error| Error::io("cannot write", error)),
    }
}

fn no_parquet() -> Error {
    Error::new(ErrorKind::Config, "parquet is not for a terminal").hint("add -o FILE.parquet")
}

/// The writer of rows to a terminal.
fn neutral_writer<W: Write>(terminal: W, format: Format) -> NeutralWriter<W> {
    NeutralWriter::new(terminal, format == Format::Tsv)
}

/// The terminal that a path leads to (`/dev/tty`, `/dev/stdout`), if it leads to one.
#[cfg(unix)]
fn terminal_at(path: &Path) -> Option<File> {
    use std::os::unix::fs::FileTypeExt;
    let is_device = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device());
    let device = is_device.then(|| File::options().write(true).open(path).ok()).flatten();
    device.filter(File::is_terminal)
}

/// On other systems a terminal has no path.
#[cfg(not(unix))]
fn terminal_at(_: &Path) -> Option<File> {
    None
}

/// Columns of standard output, when it is a terminal.
pub(crate) fn width() -> Option<usize> {
    let columns = || terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    io::stdout().is_terminal().then(|| columns().max(20))
}

/// What standard output is.
fn look() -> Look {
    let width = width();
    if width.is_none() {
        return Look::default();
    }
    Look { width, colour: has_colour(), expanded: false }
}

/// Whether a terminal has colours, and they are wanted.
pub(crate) fn has_colour() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !dumb && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

async fn print_table(
    mut stream: SendableRecordBatchStream,
    screen: Screen,
    look: Look,
    cap: Option<usize>,
) -> Result<Delivered> {
    let failed = |error: io::Error| Error::io("cannot write", error);
    if plan::is_plan(&stream.schema()) {
        let mut out = BufWriter::new(screen);
        while let Some(batch) = stream.next().await {
            plan::print(&batch?, &mut out).map_err(failed)?;
        }
        return Ok(Delivered::Shown { rows: 0, more: false });
    }
    let mut printer = Printer::new(BufWriter::new(screen), look, &stream.schema());
    let mut left = cap.unwrap_or(usize::MAX);
    let mut more = false;
    let mut deadline = Instant::now() + PATIENCE;
    while !more {
        let next = if printer.is_holding() {
            let Ok(next) = timeout_at(deadline, stream.next()).await else {
                printer.settle().map_err(failed)?;
                continue;
            };
            next
        } else {
            let next = stream.next().await;
            deadline = Instant::now() + PATIENCE;
            next
        };
        let Some(batch) = next.transpose()? else { break };
        more = batch.num_rows() > left;
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        printer.push(&batch).map_err(failed)?;
    }
    let note = more.then(|| format!("first {} shown; \\limit 0 or a LIMIT clause shows more", cap.unwrap_or(0)));
    let rows = printer.finish(note.as_deref()).map_err(failed)?;
    Ok(Delivered::Shown { rows, more })
}

/// Standard output, which takes the progress away before the first byte and notices a reader that left.
struct Screen {
    gone: Arc<AtomicBool>,
    progress: Option<Progress>,
}

impl Screen {
    fn note<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        if outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.gone.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.progress.take());
        self.note(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.note(io::stdout().flush())
    }
}

/// How long the first rows wait for others that help to decide the widths.
const PATIENCE: Duration = Duration::from_millis(200);
