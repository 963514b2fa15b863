//! Saves one file per row of a query, as its `name` and its `content` (or `raw`) columns say.
//!
//! Names come from mail and are not to be trusted: every file stays in the directory, and none that is there is touched.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use datafusion::arrow::array::{Array, ArrayRef, BinaryArray, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::{Aside, is_unseen, sync_directory};
use crate::error::{Error, ErrorKind, Result};

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    /// Files written.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// Rows without content.
    pub skipped: usize,
}

/// Saves the content of each row under its name, made safe, in that directory, which is created when missing.
///
/// A name that is taken gets a number: `report (2).pdf`. Rows whose content is NULL are counted and skipped.
///
/// # Errors
/// The columns are missing, the query fails, or a file cannot be written. Files finished before stay; none is half.
pub async fn save_files(mut stream: SendableRecordBatchStream, directory: &Path) -> Result<Saved> {
    let columns = Columns::of(&stream.schema())?;
    fs::create_dir_all(directory)
        .map_err(|error| Error::io(format!("cannot create {}", directory.display()), error))?;
    let mut saved = Saved::default();
    let mut numbers = HashMap::new();
    while let Some(batch) = stream.next().await {
        let (names, contents) = columns.read(&batch?)?;
        for row in 0..contents.len() {
            if contents.is_null(row) {
                saved.skipped += 1;
                continue;
            }
            let name = safe_name(if names.is_null(row) { "" } else { names.value(row) });
            let content = contents.value(row);
            let aside = Aside::create(directory)?;
            let written = aside.file().write_all(content);
            written.map_err(|error| Error::io(format!("cannot write {name}"), error))?;
            publish(aside, directory, &name, &mut numbers)?;
            saved.files += 1;
            saved.bytes += u64::try_from(content.len()).unwrap_or(0);
        }
    }
    sync_directory(directory);
    Ok(saved)
}

/// Where in the rows the names and the contents are.
struct Columns {
    name: usize,
    content: usize,
}

impl Columns {
    fn of(schema: &Schema) -> Result<Self> {
        let position =
            |wanted: &str| schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(wanted));
        let name = position("name");
        let content = position("content").or_else(|| position("raw"));
        let (Some(name), Some(content)) = (name, content) else {
            let lacking = if name.is_none() { "no name column" } else { "no content (or raw) column" };
            let message = format!("files cannot be saved from a query with {lacking}");
            let hint = "SELECT name, content FROM AttachmentContent WHERE …, \
                        or SELECT subject || '.eml' AS name, raw FROM MessageBody WHERE …";
            return Err(Error::new(ErrorKind::Config, message).hint(hint));
        };
        Ok(Self { name, content })
    }

    /// The two columns in the one type that the rest reads.
    fn read(&self, batch: &RecordBatch) -> Result<(StringArray, BinaryArray)> {
        let convert = |column: usize, to: &DataType| -> Result<ArrayRef> {
            cast(batch.column(column), to).map_err(|error| Error::from(DataFusionError::from(error)))
        };
        let names = convert(self.name, &DataType::Utf8)?;
        // Numbers and times become their text first; text and bytes are taken as they are.
        let contents = match batch.column(self.content).data_type() {
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                convert(self.content, &DataType::Binary)?
            }
            _ => cast(&convert(self.content, &DataType::Utf8)?, &DataType::Binary)
                .map_err(|error| Error::from(DataFusionError::from(error)))?,
        };
        Ok((StringArray::from(names.to_data()), BinaryArray::from(contents.to_data())))
    }
}

/// Gives the finished file the first free name.
fn publish(mut aside: Aside, directory: &Path, name: &str, numbers: &mut HashMap<String, u32>) -> Result<()> {
    let number = numbers.entry(name.to_lowercase()).or_insert(0);
    loop {
        *number += 1;
        let candidate = if *number == 1 { name.to_owned() } else { numbered(name, *number) };
        match aside.publish_new(&directory.join(candidate))? {
            None => return Ok(()),
            Some(again) => aside = again,
        }
    }
}

/// A name that stays in its directory on every system, reads as what it is, means nothing else on a command line, and is at
/// most 200 bytes long.
fn safe_name(name: &str) -> String {
    let mut safe = name
        .chars()
        .map(|character| match character {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            unseen if is_unseen(unseen) => '_',
            other => other,
        })
        .collect::<String>();
    let trimmed = safe.trim();
    let plain = trimmed.trim_start_matches('.');
    // A name that begins with a dot is hidden, or is not a name at all.
    safe = if plain.len() < trimmed.len() { format!("_{plain}") } else { trimmed.to_owned() };
    if is_device(&safe) || safe.starts_with(MEANT_BY_A_SHELL) {
        safe.insert(0, '_');
    }
    safe = shortened(&safe, NAME_BYTES);
    safe.truncate(safe.trim_end_matches(['.', ' ']).len());
    if safe.is_empty() { UNNAMED.to_owned() } else { safe }
}

/// Tells whether Windows takes that name for a device, whatever its ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    port.is_some_and(|number| ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"].contains(&number))
}

fn numbered(name: &str, number: u32) -> String {
    let number = format!(" ({number})");
    let (stem, ending) = split_ending(name);
    let stem = cut(stem, NAME_BYTES - ending.len() - number.len());
    format!("{}{number}{ending}", stem.trim_end())
}

/// Cuts the stem and keeps the ending, for it says how to open the file.
fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, ending) = split_ending(name);
    format!("{}{ending}", cut(stem, limit - ending.len()).trim_end())
}

/// The ending with its dot, when it is short enough to be one.
fn split_ending(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= ENDING_BYTES => name.split_at(dot),
        _ => (name, ""),
    }
}

fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// First characters of a name that a shell or a program takes for something else: an option (`-`, `+`), a home directory, the
/// path of a program (zsh), a file of arguments.
const MEANT_BY_A_SHELL: [char; 5] = ['-', '+', '~', '=', '@'];
/// Short of the 255 that file systems allow, for encryption and backups add to it.
const NAME_BYTES: usize = 200;
/// Beyond this it is a sentence with a dot in it.
const ENDING_BYTES: usize = 20;
/// The name of a file whose mail gives it none.
const UNNAMED: &str = "unnamed";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use datafusion::arrow::array::{BinaryViewArray, Int64Array, StringViewArray};
    use datafusion::arrow::datatypes::Field;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

    use super::*;

    fn rows(names: Vec<Option<&str>>, contents: Vec<Option<&[u8]>>) -> SendableRecordBatchStream {
        let names = Arc::new(StringViewArray::from(names));
        let contents = Arc::new(BinaryViewArray::from(contents));
        let batch =
            RecordBatch::try_from_iter([("name", names as ArrayRef), ("content", contents as ArrayRef)]).unwrap();
        Box::pin(RecordBatchStreamAdapter::new(batch.schema(), futures::stream::iter([Ok(batch)])))
    }

    fn listing(directory: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
    }

    #[test]
    fn hostile_names_become_plain_ones() {
        for (hostile, safe) in [
            ("../../etc/passwd", "__.._etc_passwd"),
            ("/etc/passwd", "_etc_passwd"),
            ("..", "_"),
            (".", "_"),
            ("...bashrc", "_bashrc"),
            ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
            ("a\u{202e}fdp.exe", "a_fdp.exe"),
            ("a\0b\nc\u{1b}[2J", "a_b_c_[2J"),
            ("nul", "_nul"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("com¹ .txt", "_com¹ .txt"),
            ("common.txt", "common.txt"),
            ("trailing. . ", "trailing"),
            ("-rf", "_-rf"),
            ("  -rf", "_-rf"),
            ("--help", "_--help"),
            ("+x", "_+x"),
            ("~", "_~"),
            ("~root", "_~root"),
            ("~/.ssh/id", "_~_.ssh_id"),
            ("=ls", "_=ls"),
            ("@arguments", "_@arguments"),
            (".-rf", "_-rf"),
            ("a-b ~ c.txt", "a-b ~ c.txt"),
            ("   ", "unnamed"),
            ("", "unnamed"),
            ("Übersicht 日本.pdf", "Übersicht 日本.pdf"),
        ] {
            assert_eq!(safe_name(hostile), safe, "{hostile:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_ending() {
        let long = format!("{}.pdf", "日".repeat(200));
        let safe = safe_name(&long);
        assert!(safe.len() <= NAME_BYTES && safe.ends_with("日.pdf"), "{safe}");
        let numbered = numbered(&safe, 12);
        assert!(numbered.len() <= NAME_BYTES && numbered.ends_with("日 (12).pdf"), "{numbered}");
    }

    #[tokio::test]
    async fn collisions_are_numbered_and_what_is_there_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.txt"), "old").unwrap();
        let stream = rows(
            vec![Some("a.txt"), Some("a.txt"), Some("x/a.txt"), None, Some("gone.txt")],
            vec![Some(b"1"), Some(b"2"), Some(b"3"), Some(b"4"), None],
        );
        let saved = save_files(stream, directory.path()).await.unwrap();
        assert_eq!(saved, Saved { files: 4, bytes: 4, skipped: 1 });
        let expected = [("a (2).txt", "1"), ("a (3).txt", "2"), ("a.txt", "old"), ("unnamed", "4"), ("x_a.txt", "3")];
        let expected = expected.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()));
        assert_eq!(listing(directory.path()), BTreeMap::from(expected));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_the_way_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        std::os::unix::fs::symlink(&victim, directory.path().join("a.txt")).unwrap();
        save_files(rows(vec![Some("a.txt")], vec![Some(b"1")]), directory.path()).await.unwrap();
        assert!(!victim.exists());
        assert_eq!(fs::read(directory.path().join("a (2).txt")).unwrap(), b"1");
    }

    #[tokio::test]
    async fn a_query_without_the_columns_is_told_which_and_makes_no_directory() {
        let outside = tempfile::tempdir().unwrap();
        let directory = outside.path().join("new");
        let batch = RecordBatch::try_from_iter([("uid", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        let stream = Box::pin(RecordBatchStreamAdapter::new(batch.schema(), futures::stream::iter([Ok(batch)])));
        let error = save_files(stream, &directory).await.unwrap_err();
        assert!(error.to_string().contains("no name column") && error.way_out().is_some(), "{error}");
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn text_and_raw_serve_as_content() {
        let directory = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![
            Field::new("Name", DataType::Utf8View, true),
            Field::new("RAW", DataType::Utf8View, true),
        ]));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringViewArray::from(vec!["m.eml"])), Arc::new(StringViewArray::from(vec!["Subject: x"]))];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let stream = Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(batch)])));
        save_files(stream, directory.path()).await.unwrap();
        assert_eq!(fs::read(directory.path().join("m.eml")).unwrap(), b"Subject: x");
    }
}
