//! Tokens of HTML, in order, as elements and text.

use html5gum::emitters::callback::CallbackEvent;

use super::element::{Element, Name};
use super::lines::Lines;
use super::open::OpenElements;
use super::style::Style;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Reader {
    open: OpenElements,
    lines: Lines,
    tag: StartTag,
    /// Whether the value that comes next is that of `style`.
    is_in_style: bool,
    /// Whether a line end that comes next is none of the text: the first in `pre`.
    skips_line_end: bool,
}

/// A start tag, as far as it matters how its element is shown.
#[derive(Debug, Default)]
pub struct StartTag {
    /// Its element.
    pub element: Element,
    /// Whether it has the attribute `hidden`.
    pub is_hidden: bool,
    /// Whether it has the attribute `open`.
    pub is_open: bool,
    /// What its attribute `style` says, if it has one.
    pub style: Option<Style>,
}

impl Reader {
    /// Takes the next token.
    pub fn on(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = StartTag { element: Element::of(name), ..StartTag::default() };
                self.is_in_style = false;
            }
            CallbackEvent::AttributeName { name } => self.attribute(name),
            CallbackEvent::AttributeValue { value } => {
                if self.is_in_style {
                    self.tag.style = Some(Style::of(&String::from_utf8_lossy(value)));
                }
            }
            CallbackEvent::CloseStartTag { .. } => {
                self.open.start(&self.tag, &mut self.lines);
                self.skips_line_end = [PRE, LISTING].contains(&self.tag.element.name);
            }
            CallbackEvent::EndTag { name } => {
                self.open.end(&Element::of(name), &mut self.lines);
                self.skips_line_end = false;
            }
            CallbackEvent::String { value } => self.text(value),
            CallbackEvent::Doctype { .. } => self.open.has_document_type(),
            CallbackEvent::Comment { .. } | CallbackEvent::Error(_) => {}
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.lines.finish()
    }

    /// Of two attributes with one name, the first counts.
    fn attribute(&mut self, name: &[u8]) {
        self.is_in_style = name == b"style" && self.tag.style.is_none();
        match name {
            b"style" if self.is_in_style => self.tag.style = Some(Style::default()),
            b"hidden" => self.tag.is_hidden = true,
            b"open" => self.tag.is_open = true,
            _ => {}
        }
    }

    fn text(&mut self, value: &[u8]) {
        let skips = std::mem::take(&mut self.skips_line_end);
        let Some(white_space) = self.open.shown() else { return };
        let value = if skips { value.strip_prefix(b"\n").unwrap_or(value) } else { value };
        let text = String::from_utf8_lossy(value);
        if !text.trim_ascii().is_empty() {
            self.open.take_stray(&mut self.lines);
        }
        self.lines.add(&text, white_space);
    }
}

const PRE: Name = Name::of(b"pre");
const LISTING: Name = Name::of(b"listing");
