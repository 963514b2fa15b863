//! The table that people see: rows as they come, in columns that the first of them decide.
//!
//! Rows are held until there are enough to know the widths, the caller says that it waited long enough, or the end.
//! It writes to any writer and asks no terminal: its `Look` says what it needs to know.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;

use super::cell::{Cell, Column};
use super::widths::{Natural, fit};

/// What the place looks like where the table goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns of the terminal; `None` when it is none: then nothing is cut.
    pub(crate) width: Option<usize>,
    /// NULL and lines are dim.
    pub(crate) colour: bool,
    /// One line per column instead of one per row.
    pub(crate) expanded: bool,
}

/// Prints batches as one table.
pub(crate) struct Printer<W: Write> {
    out: W,
    look: Look,
    columns: Vec<Column>,
    held: Vec<Vec<Cell>>,
    widths: Option<Vec<Option<usize>>>,
    rows: usize,
}

impl<W: Write> Printer<W> {
    pub(crate) fn new(out: W, look: Look, schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| Column::of(field)).collect();
        Self { out, look, columns, held: Vec::new(), widths: None, rows: 0 }
    }

    /// Tells whether rows wait for `settle`.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes rows, and prints them when the widths are known.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if self.look.expanded {
            return self.print_expanded(batch);
        }
        // A long answer in one batch is not formatted as a whole before its first row is seen.
        let mut start = 0;
        while start < batch.num_rows() {
            let slice = batch.slice(start, SAMPLE.min(batch.num_rows() - start));
            start += slice.num_rows();
            let cells = self.columns.iter().zip(slice.columns());
            let cells = cells.map(|(column, array)| column.cells(array, self.look.width));
            let mut cells = cells
                .map(|column| column.map(Vec::into_iter))
                .collect::<Result<Vec<_>, _>>()
                .map_err(io::Error::other)?;
            let rows = (0..slice.num_rows()).map(|_| cells.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
            self.held.extend(rows);
            if self.widths.is_some() {
                self.print_held()?;
            } else if self.held.len() >= SAMPLE {
                self.settle()?;
            }
        }
        Ok(())
    }

    /// Decides the widths by the rows so far and prints them.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if self.look.expanded {
            return self.out.flush();
        }
        if self.widths.is_none() {
            let naturals = self.naturals();
            let widths = match self.look.width {
                Some(available) => fit(&naturals, available),
                None => naturals.iter().map(|natural| Some(natural.width)).collect(),
            };
            self.widths = Some(widths);
            self.print_head()?;
        }
        self.print_held()
    }

    /// Prints what is held and the line below the table; `more` is said beside the number of rows.
    pub(crate) fn finish(mut self, more: Option<&str>) -> io::Result<usize> {
        self.settle()?;
        let rows = self.rows;
        let mut notes = vec![if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }];
        let hidden = self.widths.as_ref().map_or(0, |widths| widths.iter().filter(|width| width.is_none()).count());
        if hidden > 0 {
            notes.push(format!("{hidden} of {} columns have no room; \\x shows all", self.columns.len()));
        }
        let note = more.map_or_else(|| notes.join("; "), |more| [&[more.to_owned()], &notes[1..]].concat().join("; "));
        writeln!(self.out, "({note})")?;
        self.out.flush()?;
        Ok(rows)
    }

    fn naturals(&self) -> Vec<Natural> {
        let natural = |(position, column): (usize, &Column)| {
            let cells = || self.held.iter().map(|row| &row[position]);
            let name = Cell::of_text(&column.name, None).width;
            let width = cells().map(|cell| cell.width).max().unwrap_or(0).max(name).max(1);
            let same = self.held.len() > 1 && cells().all(|cell| *cell == self.held[0][position]);
            let null = !self.held.is_empty() && cells().all(|cell| cell.null);
            Natural { width, rigid: column.rigid, dull: same || null }
        };
        self.columns.iter().enumerate().map(natural).collect()
    }

    fn print_head(&mut self) -> io::Result<()> {
        let names = self.columns.iter().map(|column| Cell::of_text(&column.name, None)).collect::<Vec<_>>();
        self.print_row(&names)?;
        let widths = self.widths.iter().flatten().flatten();
        let rule = widths.map(|width| "─".repeat(width + 2)).collect::<Vec<_>>().join("┼");
        let rule = self.dim(&rule);
        writeln!(self.out, "{rule}")
    }

    fn print_held(&mut self) -> io::Result<()> {
        for row in std::mem::take(&mut self.held) {
            self.print_row(&row)?;
            self.rows += 1;
        }
        self.out.flush()
    }

    fn print_row(&mut self, cells: &[Cell]) -> io::Result<()> {
        let mut line = String::new();
        let widths = self.widths.iter().flatten();
        let shown =
            widths.zip(cells).zip(&self.columns).filter_map(|((width, cell), column)| width.map(|w| (w, cell, column)));
        let last = self.widths.iter().flatten().filter(|width| width.is_some()).count();
        for (position, (width, cell, column)) in shown.enumerate() {
            if position > 0 {
                line.push_str(&self.dim("│"));
            }
            let cut = if self.look.width.is_some() && !column.rigid { cell.cut(width) } else { cell.clone() };
            let room = " ".repeat(width.saturating_sub(cut.width));
            let text = if cell.null { self.dim(&cut.text) } else { cut.text };
            line.push(' ');
            if column.right {
                line.push_str(&room);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                // Nothing after the last word: lines that end in spaces are a nuisance to copy.
                if position + 1 < last {
                    line.push_str(&room);
                }
            }
            if position + 1 < last {
                line.push(' ');
            }
        }
        writeln!(self.out, "{line}")
    }

    fn print_expanded(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let names = self.columns.iter().map(|column| Cell::of_text(&column.name, None)).collect::<Vec<_>>();
        let width = names.iter().map(|name| name.width).max().unwrap_or(0);
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let title = format!("─[ {} ]", self.rows);
            let rule = "─".repeat((width + 2).saturating_sub(title.chars().count()).max(4));
            let title = self.dim(&format!("{title}{rule}"));
            writeln!(self.out, "{title}")?;
            for ((column, name), array) in self.columns.iter().zip(&names).zip(batch.columns()) {
                let lines = column.lines(array, row).map_err(io::Error::other)?;
                let lines = lines.unwrap_or_else(|| vec![self.dim("NULL")]);
                let bar = self.dim("│");
                let room = " ".repeat(width - name.width);
                writeln!(self.out, "{}{room} {bar} {}", name.text, lines.first().map_or("", String::as_str))?;
                for line in lines.iter().skip(1) {
                    writeln!(self.out, "{} {bar} {line}", " ".repeat(width))?;
                }
            }
        }
        self.out.flush()
    }

    fn dim(&self, text: &str) -> String {
        if self.look.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Rows that decide the widths.
const SAMPLE: usize = 1000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, StringViewArray};
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn batch(numbers: Vec<Option<i64>>, texts: Vec<Option<&str>>) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        let texts: ArrayRef = Arc::new(StringViewArray::from(texts));
        RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("subject", texts, true)]).unwrap()
    }

    fn printed(look: Look, batches: &[RecordBatch]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, look, &batches[0].schema());
        for batch in batches {
            printer.push(batch).unwrap();
        }
        printer.finish(None).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_stand_under_each_other_whatever_is_written_in_them() {
        let texts = vec![
            Some("plain"),
            Some("日本語 🎉"),
            Some("e\u{301}\u{1b}[2J"),
            None,
            Some("two\nlines"),
            Some("\u{202e}x"),
        ];
        let numbers = vec![Some(1), Some(-20), None, Some(300), Some(4), Some(5)];
        let both = batch(numbers, texts);
        let swapped = RecordBatch::try_from_iter_with_nullable([
            ("subject", Arc::clone(both.column(1)), true),
            ("n", Arc::clone(both.column(0)), true),
        ]);
        let shown = printed(Look::default(), &[swapped.unwrap()]);
        let bars = shown.lines().filter_map(|line| line.find(['│', '┼']).map(|bar| line[..bar].width()));
        let bars = bars.collect::<Vec<_>>();
        assert_eq!(bars.len(), 8);
        assert!(bars.iter().all(|bar| *bar == bars[0]), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']) && shown.contains("two␊lines"));
        assert!(shown.ends_with("(6 rows)\n"));
    }

    #[test]
    fn numbers_are_on_the_right_and_lines_do_not_end_in_spaces() {
        let shown = printed(Look::default(), &[batch(vec![Some(1), Some(100)], vec![Some("long text"), Some("b")])]);
        assert_eq!(shown, "   n │ subject\n─────┼───────────\n   1 │ long text\n 100 │ b\n(2 rows)\n");
    }

    #[test]
    fn a_terminal_is_never_exceeded_and_a_file_never_cut() {
        let long = "日本語のとても長い件名 ".repeat(20);
        let rows = [batch(vec![Some(1)], vec![Some(&long)])];
        for width in [20, 21, 40, 80] {
            let shown = printed(Look { width: Some(width), ..Look::default() }, &rows);
            assert!(shown.lines().take(3).all(|line| line.width() <= width), "{shown}");
            assert!(shown.contains('…'));
        }
        assert!(printed(Look::default(), &rows).contains(long.trim_end()));
    }

    #[test]
    fn the_first_rows_are_seen_before_the_last_come() {
        let mut out = Vec::new();
        let first = batch(vec![Some(1)], vec![Some("one")]);
        let mut printer = Printer::new(&mut out, Look { width: Some(40), ..Look::default() }, &first.schema());
        printer.push(&first).unwrap();
        assert!(printer.is_holding() && printer.out.is_empty());
        printer.settle().unwrap();
        assert!(!printer.is_holding() && String::from_utf8_lossy(printer.out).contains("one"));
        printer.push(&batch(vec![Some(2)], vec![Some("a longer subject")])).unwrap();
        assert!(!printer.is_holding());
        printer.finish(None).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.contains(" 2 │ a long…"), "{shown}");
    }

    #[test]
    fn a_thousand_rows_settle_by_themselves() {
        let rows = batch((0..2500).map(Some).collect(), vec![Some("x"); 2500]);
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, Look::default(), &rows.schema());
        printer.push(&rows).unwrap();
        assert!(!printer.is_holding());
        assert_eq!(printer.finish(Some("first 40 shown")).unwrap(), 2500);
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(shown.lines().count(), 2503);
        assert!(shown.ends_with("(first 40 shown)\n"));
    }

    #[test]
    fn an_empty_answer_has_a_head() {
        assert_eq!(printed(Look::default(), &[batch(vec![], vec![])]), " n │ subject\n───┼─────────\n(0 rows)\n");
    }

    #[test]
    fn null_is_dim_in_colour() {
        let look = Look { colour: true, ..Look::default() };
        let shown = printed(look, &[batch(vec![None], vec![Some("NULL")])]);
        assert!(
            shown.contains("\u{1b}[2mNULL\u{1b}[0m\u{1b}[2m│\u{1b}[0m NULL\n")
                || shown.contains("\u{1b}[2mNULL\u{1b}[0m \u{1b}[2m│\u{1b}[0m NULL\n"),
            "{shown:?}"
        );
    }

    #[test]
    fn expanded_rows_keep_their_lines_and_nothing_else() {
        let look = Look { expanded: true, width: Some(20), ..Look::default() };
        let shown = printed(look, &[batch(vec![Some(7)], vec![Some("first\r\nsecond\u{1b}[2J")])]);
        let expected = "─[ 1 ]────\nn       │ 7\nsubject │ first\n        │ second␛[2J\n(1 row)\n";
        assert_eq!(shown, expected);
    }
}
