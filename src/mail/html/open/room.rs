//! What a start tag ends before its element is opened (HTML Standard §13.2.6.4.7, and §13.2.6.4.9 to 16 for tables).

use super::super::element::{Barrier, Display, Element, Name, Rule};
use super::super::lines::Lines;
use super::super::style::Style;
use super::{Open, OpenElements, Scope};

impl OpenElements {
    /// Ends what a start tag ends; the answer is whether its element is then opened.
    pub(super) fn make_room(&mut self, element: &Element, lines: &mut Lines) -> bool {
        match element.rule {
            Rule::Ignored => return false,
            Rule::Cell => return self.make_row(lines),
            Rule::Row | Rule::Part => return self.make_part(element.rule == Rule::Row, lines),
            Rule::Table => self.make_table(lines),
            // A link is in no other link.
            Rule::Formatting if element.name == A && self.inline > 0 => self.end_formatting(element.name, lines),
            Rule::Plain | Rule::Formatting | Rule::Body => {}
            Rule::Button => self.end_in(Scope::Usual, |open| open.element.rule == Rule::Button, lines),
            Rule::Choice => {
                while self.last().element.name == OPTION
                    || self.last().element.rule == Rule::Choice && element.name != OPTION
                {
                    self.pop(lines);
                }
            }
            Rule::Void => {
                if element.display == Display::Block {
                    self.end_paragraph(lines);
                }
            }
            Rule::Form if is_table(self.last()) || self.stack.iter().any(|open| open.element.rule == Rule::Form) => {
                return false;
            }
            Rule::Block | Rule::Paragraph | Rule::Form => self.end_paragraph(lines),
            Rule::Heading => {
                self.end_paragraph(lines);
                if self.last().element.rule == Rule::Heading {
                    self.pop(lines);
                }
            }
            Rule::Item | Rule::Definition => {
                self.end_item(element.rule, lines);
                self.end_paragraph(lines);
            }
        }
        true
    }

    fn end_paragraph(&mut self, lines: &mut Lines) {
        if self.paragraphs > 0 {
            self.end_in(Scope::Button, |open| open.element.rule == Rule::Paragraph, lines);
        }
    }

    fn end_item(&mut self, rule: Rule, lines: &mut Lines) {
        let passes = [Name::of(b"address"), Name::of(b"div"), Name::of(b"p")];
        let ends =
            |open: &Open| open.element.rule == rule || open.element.is_special && !passes.contains(&open.element.name);
        if let Some(at) = self.stack.iter().rposition(ends).filter(|at| self.stack[*at].element.rule == rule) {
            self.pop_to(at, lines);
        }
    }

    /// A table within a row, and not within a cell, ends the table around it.
    fn make_table(&mut self, lines: &mut Lines) {
        let around = self.stack.iter().rposition(|open| {
            is_table(open) || matches!(open.element.rule, Rule::Cell) || open.element.barrier == Barrier::Table
        });
        if around.is_some_and(|at| is_table(&self.stack[at])) {
            self.end_in(Scope::Table, |open| open.element.rule == Rule::Table, lines);
        }
        if self.has_document_type {
            self.end_paragraph(lines);
        }
    }

    /// Ends all within a table that is no row for a cell, and opens a row if there is none. A cell outside of tables is nothing.
    fn make_row(&mut self, lines: &mut Lines) -> bool {
        let ends_at =
            |open: &Open| open.element.rule == Rule::Row || open.element.rule == Rule::Table || is_group(open);
        let Some(table) = self.table() else { return false };
        let at = self.stack.iter().rposition(ends_at).map_or(table, |at| at.max(table));
        self.pop_to(at + 1, lines);
        if self.last().element.rule != Rule::Row {
            let row = Element::of(b"tr");
            let shown = self.last().shown.within(&row, Display::Row, Style::default());
            self.push(Open { element: row, display: Display::Row, shown, ..Open::default() }, lines);
        }
        true
    }

    /// Ends all within a table that is no place for a row, or for a group of rows.
    fn make_part(&mut self, is_row: bool, lines: &mut Lines) -> bool {
        let Some(table) = self.table() else { return false };
        let group = self.stack.iter().rposition(is_group).filter(|_| is_row);
        self.pop_to(group.map_or(table, |at| at.max(table)) + 1, lines);
        true
    }

    fn table(&self) -> Option<usize> {
        self.find(Scope::Table, |open| open.element.rule == Rule::Table)
    }
}

/// A table or a part of it that has no text of its own.
pub(super) fn is_table(open: &Open) -> bool {
    matches!(open.element.rule, Rule::Table | Rule::Row) || is_group(open)
}

fn is_group(open: &Open) -> bool {
    open.element.rule == Rule::Part && open.element.display == Display::Group
}

const A: Name = Name::of(b"a");
const OPTION: Name = Name::of(b"option");
