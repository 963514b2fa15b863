//! One value as the text of one cell: neutral, measured in terminal columns, and cut where there is a limit.
//!
//! It reads Arrow arrays and writes strings; where the cell stands is decided in `printer`.

use std::fmt::Write;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::neutral::neutralise;

/// The text of a value and its width in terminal columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) width: usize,
    pub(crate) null: bool,
}

impl Cell {
    /// Text that people or mail wrote, at most that many columns of it, the last of which says `…` when there is more.
    pub(crate) fn of_text(text: &str, limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(usize::MAX);
        let mut cell = Self::default();
        // Where a cut would leave room for the mark.
        let mut fits = (0, 0);
        let mut cut = false;
        neutralise(text, |piece, width| {
            if cell.width + width > limit {
                cut = true;
                return false;
            }
            cell.text.push_str(piece);
            cell.width += width;
            if cell.width < limit {
                fits = (cell.text.len(), cell.width);
            }
            true
        });
        if cut {
            cell.text.truncate(fits.0);
            cell.text.push('…');
            cell.width = fits.1 + 1;
        }
        cell
    }

    /// The cell cut to that width.
    pub(crate) fn cut(&self, limit: usize) -> Self {
        if self.width <= limit {
            self.clone()
        } else {
            Self { null: self.null, ..Self::of_text(&self.text, Some(limit)) }
        }
    }

    fn of_null() -> Self {
        Self { text: "NULL".to_owned(), width: 4, null: true }
    }
}

/// How the values of a column are shown.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Numbers: aligned right, and never cut, for a cut number is another number.
    pub(crate) right: bool,
    /// Neither cut nor shrunk: numbers, times, booleans.
    pub(crate) rigid: bool,
    time_format: &'static str,
}

impl Column {
    pub(crate) fn of(field: &Field) -> Self {
        let right = field.data_type().is_numeric();
        let time_format = match field.data_type() {
            DataType::Timestamp(_, Some(zone)) if ["UTC", "Z", "+00:00"].contains(&&**zone) => "%Y-%m-%d %H:%M:%S%.fZ",
            _ => "%Y-%m-%d %H:%M:%S%.f%:z",
        };
        let rigid = right || field.data_type().is_temporal() || *field.data_type() == DataType::Boolean;
        Self { name: field.name().clone(), right, rigid, time_format }
    }

    /// All values of one batch, as cells; `limit` bounds the work on long texts.
    pub(crate) fn cells(&self, array: &dyn Array, limit: Option<usize>) -> Result<Vec<Cell>, ArrowError> {
        let options = FormatOptions::new()
            .with_timestamp_tz_format(Some(self.time_format))
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
        let formatter = ArrayFormatter::try_new(array, &options)?;
        // Not every kind of array marks its NULLs itself.
        let nulls = array.logical_nulls();
        (0..array.len())
            .map(|row| {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return Ok(Cell::of_null());
                }
                if let Some(text) = text_at(array, row) {
                    return Ok(Cell::of_text(text, limit));
                }
                if let Some(bytes) = bytes_at(array, row) {
                    return Ok(Cell::of_text(&bytes_form(bytes), limit));
                }
                Ok(Cell::of_text(&formatter.value(row).try_to_string()?, limit))
            })
            .collect()
    }

    /// One value with its own lines kept, for the expanded form; `None` is NULL.
    pub(crate) fn lines(&self, array: &dyn Array, row: usize) -> Result<Option<Vec<String>>, ArrowError> {
        if array.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        if let Some(text) = text_at(array, row) {
            return Ok(Some(text.trim_end().lines().map(super::neutral::neutral).collect()));
        }
        Ok(self.cells(array.slice(row, 1).as_ref(), None)?.pop().map(|cell| vec![cell.text]))
    }
}

/// The text itself, without a copy: it may be megabytes of which a line is shown.
fn text_at(array: &dyn Array, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

fn bytes_at(array: &dyn Array, row: usize) -> Option<&[u8]> {
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => Some(array.as_fixed_size_binary().value(row)),
        _ => None,
    }
}

/// `\x25504446…` with the size when not all is shown.
fn bytes_form(bytes: &[u8]) -> String {
    let mut shown = String::from("\\x");
    for byte in bytes.iter().take(BYTES_SHOWN) {
        // Writing to a string cannot fail.
        write!(shown, "{byte:02x}").unwrap_or_default();
    }
    if bytes.len() <= BYTES_SHOWN { shown } else { format!("{shown}… {} bytes", bytes.len()) }
}

/// Enough to recognise a file type.
const BYTES_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, BinaryViewArray, StringViewArray, TimestampMicrosecondArray};

    use super::*;

    fn shown(array: &ArrayRef) -> Vec<String> {
        let column = Column::of(&Field::new("c", array.data_type().clone(), true));
        column.cells(array, None).unwrap().into_iter().map(|cell| cell.text).collect()
    }

    #[test]
    fn a_cut_text_ends_in_a_mark_and_never_exceeds_its_width() {
        for limit in 1..12 {
            for text in [
                "日本語のメール",
                "abcdefghijklmnop",
                "e\u{301}e\u{301}e\u{301}e\u{301}",
                "\u{202e}\u{202e}",
                "a\u{1b}b日c🎉d",
            ] {
                let cell = Cell::of_text(text, Some(limit));
                assert!(cell.width <= limit, "{text:?} in {limit}: {cell:?}");
                let whole = Cell::of_text(text, None);
                assert_eq!(cell.text.ends_with('…'), whole.width > limit, "{text:?} in {limit}: {cell:?}");
            }
        }
        assert_eq!(Cell::of_text("日本語", Some(5)).text, "日本…");
        assert_eq!(Cell::of_text("日本語", Some(4)).text, "日…");
    }

    #[test]
    fn values_are_shown_without_noise() {
        let times =
            TimestampMicrosecondArray::from(vec![1_767_323_045_000_000, 1_767_323_045_500_000]).with_timezone("UTC");
        let times: ArrayRef = Arc::new(times);
        assert_eq!(shown(&times), ["2026-01-02 03:04:05Z", "2026-01-02 03:04:05.500Z"]);
        let bytes: ArrayRef =
            Arc::new(BinaryViewArray::from(vec![Some(&b"\x01\xff"[..]), Some(b"%PDF-1.4 and more"), None]));
        assert_eq!(shown(&bytes), ["\\x01ff", "\\x255044462d312e34… 17 bytes", "NULL"]);
    }

    #[test]
    fn a_text_that_says_null_is_no_null() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("NULL"), None]));
        let column = Column::of(&Field::new("c", DataType::Utf8View, true));
        let cells = column.cells(&texts, None).unwrap();
        assert_eq!((cells[0].null, cells[1].null), (false, true));
    }
}
