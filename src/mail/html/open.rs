//! The elements that are open, and the lines that they begin and end (HTML Standard §13.2.6, as far as text shows it).
//!
//! Only those are kept that matter for what follows, and no more than some hundred. So memory is bounded, and the time for a tag, too.

mod room;

use self::room::is_table;
use super::element::{Barrier, Display, Element, Name, Rule};
use super::lines::Lines;
use super::reader::StartTag;
use super::style::{Style, WhiteSpace};

/// The open elements, the outermost first: the body, which is always there.
#[derive(Debug)]
pub struct OpenElements {
    stack: Vec<Open>,
    /// How many of them are not special.
    inline: usize,
    /// How many of them are paragraphs, which nearly every tag looks for.
    paragraphs: usize,
    /// How many are open within the last one that are not kept, as they are too deep.
    beyond: usize,
    has_document_type: bool,
}

/// An open element.
#[derive(Debug, Default, Clone, Copy)]
struct Open {
    element: Element,
    display: Display,
    style: Style,
    shown: Shown,
    /// Whether a cell was in it.
    has_cells: bool,
    /// Whether a row was in it.
    has_rows: bool,
    /// What [`OpenElements::beyond`] was when it was opened.
    beyond: usize,
}

/// How text in an element is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    is_rendered: bool,
    is_visible: bool,
    white_space: WhiteSpace,
}

/// Where the search for an open element ends (HTML Standard §13.2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Usual,
    List,
    Button,
    Table,
}

impl OpenElements {
    /// The document says what it is, and so is read by the standard where old browsers did otherwise.
    pub fn has_document_type(&mut self) {
        self.has_document_type = true;
    }

    /// What becomes of the white space of text that stands here; nothing where text is not shown.
    pub fn shown(&self) -> Option<WhiteSpace> {
        self.last().shown.is_seen().then_some(self.last().shown.white_space)
    }

    /// Takes text that stands in a table, but in no cell; a browser puts it before the table. It is a row or a cell of its own here.
    pub fn take_stray(&mut self, lines: &mut Lines) {
        let at = self.stack.len() - 1;
        if is_table(&self.stack[at]) {
            self.stack[at].has_rows = true;
            self.stack[at].has_cells = true;
            lines.require(1);
        }
    }

    /// Takes a start tag.
    pub fn start(&mut self, tag: &StartTag, lines: &mut Lines) {
        let mut element = tag.element;
        if element.rule == Rule::Table && !self.has_document_type {
            element.white_space = Some(WhiteSpace::Collapse);
        }
        let style = tag.style.unwrap_or_default();
        if element.rule == Rule::Body {
            self.body(tag);
            return;
        }
        if !self.make_room(&element, lines) {
            return;
        }
        let display = self.display(tag);
        let around = self.last().shown;
        let shown = around.within(&element, display, style);
        if element.rule == Rule::Void {
            if shown.is_seen() && element.name == BR {
                lines.end_line();
            } else if shown.is_seen() && display == Display::Block && element.display == Display::Block {
                lines.require(1);
            }
            return;
        }
        // An inline element that changes nothing is kept only where the end of another one of its name would end one that does.
        if element.is_special || display != Display::Inline || shown != around || self.inline > 0 {
            self.push(Open { element, display, style, shown, ..Open::default() }, lines);
        }
    }

    /// Takes an end tag.
    pub fn end(&mut self, element: &Element, lines: &mut Lines) {
        match element.rule {
            Rule::Void if element.name == BR && self.last().shown.is_seen() => lines.end_line(),
            Rule::Void | Rule::Ignored | Rule::Body => {}
            _ if !element.is_special && self.inline == 0 => {}
            _ if self.beyond > 0 => {
                self.beyond -= 1;
                self.break_line(element.display, lines);
            }
            Rule::Paragraph => match self.find(Scope::Button, |open| open.element.name == element.name) {
                Some(at) => self.pop_to(at, lines),
                None if self.last().shown.is_seen() => lines.require(2),
                None => {}
            },
            Rule::Formatting => self.end_formatting(element.name, lines),
            Rule::Heading => self.end_in(Scope::Usual, |open| open.element.rule == Rule::Heading, lines),
            Rule::Item => self.end_in(Scope::List, |open| open.element.name == element.name, lines),
            Rule::Table | Rule::Part | Rule::Row | Rule::Cell => {
                self.end_in(Scope::Table, |open| open.element.name == element.name, lines);
            }
            _ if element.is_special => self.end_in(Scope::Usual, |open| open.element.name == element.name, lines),
            _ => {
                let open =
                    self.stack.iter().rposition(|open| open.element.is_special || open.element.name == element.name);
                if let Some(at) = open.filter(|at| !self.stack[*at].element.is_special) {
                    self.pop_to(at, lines);
                }
            }
        }
    }

    /// An element that formats text ends although blocks in it are open; they go on without it.
    fn end_formatting(&mut self, name: Name, lines: &mut Lines) {
        let Some(at) = self.find(Scope::Usual, |open| open.element.name == name) else { return };
        if !self.stack[at..].iter().any(|open| open.element.is_special) {
            self.pop_to(at, lines);
            return;
        }
        let ended = self.stack.remove(at);
        self.inline -= 1;
        self.stack[at].beyond += ended.beyond;
        for at in at..self.stack.len() {
            let open = &self.stack[at];
            self.stack[at].shown = self.stack[at - 1].shown.within(&open.element, open.display, open.style);
        }
    }

    fn display(&self, tag: &StartTag) -> Display {
        let own = tag.element.display;
        let style = tag.style.unwrap_or_default();
        let natural = match own {
            Display::None if tag.is_open && tag.element.rule == Rule::Block => Display::Block,
            Display::None => return own,
            _ if tag.is_hidden => Display::None,
            _ => own,
        };
        match style.display.unwrap_or(natural) {
            Display::Inline if style.is_apart || self.last().display == Display::Flex => Display::Block,
            display => display,
        }
    }

    /// The style of the body counts, if nothing is open in it.
    fn body(&mut self, tag: &StartTag) {
        if let [body] = self.stack.as_mut_slice() {
            let style = tag.style.unwrap_or_default();
            let display = style.display.unwrap_or(Display::Block);
            body.shown = Shown::default().within(&tag.element, display, style);
        }
    }

    fn push(&mut self, open: Open, lines: &mut Lines) {
        // What is not shown is kept whatever is around it: else its text would be taken for text.
        let is_first_hidden = !open.shown.is_rendered && self.last().shown.is_rendered;
        if self.stack.len() >= MAX_DEPTH && !is_first_hidden {
            self.beyond += 1;
            self.break_line(open.display, lines);
            return;
        }
        self.inline += usize::from(!open.element.is_special);
        self.paragraphs += usize::from(open.element.rule == Rule::Paragraph);
        self.stack.push(Open { beyond: std::mem::take(&mut self.beyond), ..open });
        self.begin(lines);
    }

    /// The lines that the last element begins.
    fn begin(&mut self, lines: &mut Lines) {
        let open = self.last();
        if !open.shown.is_seen() {
            return;
        }
        match open.display {
            _ if open.element.rule == Rule::Paragraph => lines.require(2),
            Display::Block | Display::Flex | Display::Table => lines.require(1),
            Display::Row | Display::Cell => {
                let is_row = open.display == Display::Row;
                let parents = self.stack.len() - 1;
                let within = self.stack[..parents].iter().rposition(|open| !is_row || open.display != Display::Group);
                let parent = &mut self.stack[within.unwrap_or_default()];
                let has_any = if is_row { &mut parent.has_rows } else { &mut parent.has_cells };
                match (std::mem::replace(has_any, true), is_row) {
                    (false, _) => lines.begin(),
                    (true, true) => lines.end_line(),
                    (true, false) => lines.end_cell(),
                }
            }
            Display::None | Display::Inline | Display::Group => {}
        }
    }

    fn end_in(&mut self, scope: Scope, is: impl Fn(&Open) -> bool, lines: &mut Lines) {
        if let Some(at) = self.find(scope, is) {
            self.pop_to(at, lines);
        }
    }

    /// The innermost element of a kind, if there is one before the end of the scope.
    fn find(&self, scope: Scope, is: impl Fn(&Open) -> bool) -> Option<usize> {
        let found = self.stack.iter().rposition(|open| is(open) || scope.ends_at(open.element.barrier));
        found.filter(|at| is(&self.stack[*at]))
    }

    fn pop_to(&mut self, length: usize, lines: &mut Lines) {
        while self.stack.len() > length {
            self.pop(lines);
        }
    }

    fn pop(&mut self, lines: &mut Lines) {
        let Some(open) = self.stack.pop_if(|open| open.element.rule != Rule::Body) else { return };
        self.inline -= usize::from(!open.element.is_special);
        self.paragraphs -= usize::from(open.element.rule == Rule::Paragraph);
        self.beyond = open.beyond;
        if !open.shown.is_seen() {
            return;
        }
        match open.display {
            _ if open.element.rule == Rule::Paragraph => lines.require(2),
            Display::Block | Display::Flex | Display::Table => lines.require(1),
            Display::Row | Display::Cell => lines.begin(),
            Display::None | Display::Inline | Display::Group => {}
        }
    }

    /// A line end for an element that is not kept.
    fn break_line(&self, display: Display, lines: &mut Lines) {
        if self.last().shown.is_seen() && !matches!(display, Display::None | Display::Inline | Display::Group) {
            lines.require(1);
        }
    }

    fn last(&self) -> &Open {
        &self.stack[self.stack.len() - 1]
    }
}

impl Default for OpenElements {
    fn default() -> Self {
        let body = Open { element: Element::of(b"body"), display: Display::Block, ..Open::default() };
        Self { stack: vec![body], inline: 0, paragraphs: 0, beyond: 0, has_document_type: false }
    }
}

impl Shown {
    fn is_seen(self) -> bool {
        self.is_rendered && self.is_visible
    }

    /// How text is shown in an element that stands in text that is shown so.
    fn within(self, element: &Element, display: Display, style: Style) -> Self {
        Self {
            is_rendered: self.is_rendered && display != Display::None,
            is_visible: style.is_visible.or(element.is_visible).unwrap_or(self.is_visible),
            white_space: style.white_space.or(element.white_space).unwrap_or(self.white_space),
        }
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self { is_rendered: true, is_visible: true, white_space: WhiteSpace::default() }
    }
}

impl Scope {
    fn ends_at(self, barrier: Barrier) -> bool {
        match barrier {
            Barrier::No => false,
            Barrier::List => self == Self::List,
            Barrier::Button => self == Self::Button,
            Barrier::Cell => self != Self::Table,
            Barrier::Table => true,
        }
    }
}

const BR: Name = Name::of(b"br");

/// Elements that are kept, as browsers have it.
const MAX_DEPTH: usize = 512;
