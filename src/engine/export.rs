//! Writes the answer of a query as CSV, TSV, JSON, Markdown or Parquet, to any writer or to a file.
//!
//! A file appears under its name whole or not at all. It never prints and knows nothing of terminals.
//! One file per row is in `files`; characters that nobody sees are in `unseen`, formulas of spreadsheets in `formulas` and, where COPY writes, in `copied`. Files of COPY and INSERT INTO are published in `whole`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tempfile::NamedTempFile;

use self::encoder::Encoder;
use crate::error::{Error, ErrorKind, Result};

mod copied;
mod encoder;
mod files;
mod formulas;
mod unseen;
mod whole;

pub use self::copied::QuoteCopies;
pub use self::files::{Saved, save_files};
pub use self::formulas::{CsvFormulas, csv_formulas, guarded};
pub use self::unseen::is_unseen;
pub use self::whole::PublishTogether;

/// A form that rows can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma separated, with a header line; bytes as hex (RFC 4180).
    Csv,
    /// Tab separated, with a header line.
    Tsv,
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
    /// A table in GitHub's Markdown.
    Markdown,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// Every format, as a person names it.
    pub const NAMES: [(&'static str, Format); 6] = [
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("json", Format::Json),
        ("ndjson", Format::Ndjson),
        ("md", Format::Markdown),
        ("parquet", Format::Parquet),
    ];

    /// The format of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = match name.as_str() {
            "jsonl" => "ndjson",
            "markdown" => "md",
            "tab" => "tsv",
            other => other,
        };
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// The format that the ending of a path says.
    ///
    /// # Errors
    /// The path has no ending, or one that is none of ours.
    pub fn of_path(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        ending.as_deref().and_then(Self::named).ok_or_else(|| {
            let what = match &ending {
                Some(ending) => format!("no format is known for the ending .{ending}"),
                None => format!("{} has no ending that says its format", path.display()),
            };
            Error::new(ErrorKind::Config, what)
                .hint("end the name in .csv, .tsv, .json, .ndjson, .md or .parquet, or name the format")
        })
    }
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows, without headers.
    pub rows: usize,
    /// Bytes, headers and all.
    pub bytes: u64,
}

/// Writes all rows to a writer, each batch as it comes.
///
/// # Errors
/// The query fails, or the writer does (then the kind is `Io`).
pub async fn write<W: Write + Send>(
    mut stream: SendableRecordBatchStream,
    format: Format,
    writer: W,
) -> Result<Written> {
    let mut out = Watched { inner: BufWriter::new(writer), bytes: 0, failure: None };
    let mut rows = 0;
    let outcome = write_batches(&mut stream, format, &mut out, &mut rows).await;
    // What the disk said is clearer than what the encoder made of it.
    match out.failure {
        Some(failure) => Err(Error::io("cannot write", failure)),
        None => outcome.map(|()| Written { rows, bytes: out.bytes }),
    }
}

/// Writes all rows to a file, which appears only when it is complete.
///
/// What is not a regular file (a pipe, a device) is written to as it is.
///
/// # Errors
/// The query fails, or the file cannot be written; then nothing is left behind.
pub async fn save(stream: SendableRecordBatchStream, format: Format, path: &Path) -> Result<Written> {
    let named = |error: Error| error.context("file", path.display().to_string());
    // A link is followed once, so that the file it names is replaced and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => {
            let hint = "end it in / to save one file per row there";
            return Err(named(Error::new(ErrorKind::Config, "that is a directory").hint(hint)));
        }
        Ok(found) if !found.is_file() => {
            let file = File::options().write(true).open(&target).map_err(|error| Error::io("cannot open", error));
            return write(stream, format, file.map_err(named)?).await.map_err(named);
        }
        _ => {}
    }
    let aside = Aside::create(directory_of(&target)).map_err(named)?;
    let written = write(stream, format, aside.file()).await.map_err(named)?;
    aside.publish(&target).map_err(named)?;
    Ok(written)
}

/// A file without its final name yet; dropped, it is gone.
struct Aside(NamedTempFile);

impl Aside {
    fn create(directory: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mailql-").suffix(".part");
        // The mode that any program gives a new file; the umask still takes from it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(directory).map(Self).map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let error = Error::io(format!("cannot write into {}", directory.display()), error);
            if missing { error.hint("create that directory first") } else { error }
        })
    }

    fn file(&self) -> &File {
        self.0.as_file()
    }

    /// Puts it on disk under its name, over what was there.
    fn publish(self, path: &Path) -> Result<()> {
        self.0.as_file().sync_all().map_err(|error| Error::io("cannot write", error))?;
        if let Ok(old) = fs::metadata(path) {
            // Replacing somebody's file does not open it to others.
            drop(self.0.as_file().set_permissions(old.permissions()));
        }
        self.0.persist(path).map_err(|failed| Error::io("cannot rename the finished file", failed.error))?;
        sync_directory(directory_of(path));
        Ok(())
    }

    /// Puts it on disk under its name, unless the name is taken: then it comes back.
    fn publish_new(self, path: &Path) -> Result<Option<Self>> {
        match self.0.persist_noclobber(path) {
            Ok(_) => Ok(None),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(Some(Self(failed.file))),
            Err(failed) => Err(Error::io(format!("cannot create {}", path.display()), failed.error)),
        }
    }
}

/// A writer that counts, and remembers what the operating system said.
struct Watched<W> {
    inner: W,
    bytes: u64,
    failure: Option<io::Error>,
}

impl<W> Watched<W> {
    fn note<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            // An interrupted call is tried again by the caller: no failure.
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let again = io::Error::new(error.kind(), error.to_string());
            self.failure.get_or_insert(error);
            again
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.inner.write(bytes);
        let written = self.note(outcome)?;
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.inner.flush();
        self.note(outcome)
    }
}

async fn write_batches<W: Write + Send>(
    stream: &mut SendableRecordBatchStream,
    format: Format,
    out: &mut Watched<W>,
    rows: &mut usize,
) -> Result<()> {
    let schema: SchemaRef = stream.schema();
    let mut encoder = Encoder::new(format, &schema, &mut *out)?;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        *rows += batch.num_rows();
        encoder.write(&batch)?;
    }
    encoder.finish()?;
    out.flush().map_err(|error| Error::io("cannot write", error))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename is on disk once its directory is; where a directory cannot be opened, it is as good as it gets.
fn sync_directory(directory: &Path) {
    if cfg!(unix)
        && let Ok(directory) = File::open(directory)
    {
        drop(directory.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, BinaryViewArray, Int64Array, RecordBatch, StringViewArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::error::DataFusionError;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use datafusion::prelude::{ParquetReadOptions, SessionContext};

    use super::*;

    fn stream(batches: Vec<Result<RecordBatch, DataFusionError>>) -> SendableRecordBatchStream {
        let schema = rows().schema();
        Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches)))
    }

    /// Two columns of one name, a list, and bytes.
    fn rows() -> RecordBatch {
        let fields = vec![
            Field::new("n", DataType::Int64, true),
            Field::new("n", DataType::Utf8View, true),
            Field::new("raw", DataType::BinaryView, true),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(1), None])),
            Arc::new(StringViewArray::from(vec![Some("a|b\r\n<b>*"), None])),
            Arc::new(BinaryViewArray::from(vec![Some(&b"\x01\xff"[..]), None])),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    async fn written(format: Format) -> String {
        let mut out = Vec::new();
        let written = write(stream(vec![Ok(rows())]), format, &mut out).await.unwrap();
        assert_eq!((written.rows, written.bytes), (2, u64::try_from(out.len()).unwrap()));
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn each_format_keeps_both_columns_of_one_name() {
        assert_eq!(written(Format::Csv).await, "n,n,raw\n1,\"a|b\r\n<b>*\",01ff\n,,\n");
        let objects = "{\"n\":1,\"n_2\":\"a|b\\r\\n<b>*\",\"raw\":\"01ff\"}\n{\"n\":null,\"n_2\":null,\"raw\":null}\n";
        assert_eq!(written(Format::Ndjson).await, objects);
        assert_eq!(written(Format::Json).await, format!("[{}]\n", objects.trim_end().replace('\n', ",")));
        let table = "| n | n | raw |\n| ---: | --- | --- |\n| 1 | a\\|b<br>&lt;b&gt;\\* | 01ff |\n|  |  |  |\n";
        assert_eq!(written(Format::Markdown).await, table);
    }

    #[tokio::test]
    async fn lists_become_text_where_cells_are_text() {
        let frame = SessionContext::new().sql("SELECT make_array(1, 2) AS list").await.unwrap();
        let mut out = Vec::new();
        write(frame.execute_stream().await.unwrap(), Format::Csv, &mut out).await.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "list\n\"[1, 2]\"\n");
    }

    #[tokio::test]
    async fn parquet_is_read_back_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.parquet");
        save(stream(vec![Ok(rows())]), Format::Parquet, &path).await.unwrap();
        let context = SessionContext::new();
        let frame = context.read_parquet(path.to_string_lossy().as_ref(), ParquetReadOptions::default()).await.unwrap();
        let back = frame.collect().await.unwrap();
        assert_eq!(back[0].columns(), rows().columns());
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_and_keeps_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let failing = || stream(vec![Ok(rows()), Err(DataFusionError::Execution("cut".to_owned()))]);
        for (name, format) in Format::NAMES {
            let path = directory.path().join(format!("new.{name}"));
            let error = save(failing(), format, &path).await.unwrap_err();
            assert!(error.to_string().contains("cut") && error.to_string().contains(name), "{error}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let path = directory.path().join("old.csv");
        fs::write(&path, "old").unwrap();
        save(failing(), Format::Csv, &path).await.unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[tokio::test]
    async fn what_the_disk_says_is_the_error_in_every_format() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (name, format) in Format::NAMES {
            let error = write(stream(vec![Ok(rows())]), format, Full).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{name}: {error}");
            assert!(error.way_out().unwrap().contains("free some space"), "{name}: {error}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_stays_and_what_it_names_is_replaced_with_its_mode() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real.csv"), directory.path().join("link.csv"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();
        save(stream(vec![Ok(rows())]), Format::Csv, &link).await.unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().starts_with("n,n,raw"));
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_ending_says_the_format() {
        assert_eq!(Format::of_path(Path::new("a.b/X.JSONL")).unwrap(), Format::Ndjson);
        assert_eq!(Format::of_path(Path::new("x.parquet")).unwrap(), Format::Parquet);
        for wrong in ["x", "x.xlsx", ".csv"] {
            assert!(Format::of_path(Path::new(wrong)).unwrap_err().way_out().is_some(), "{wrong}");
        }
    }
}
