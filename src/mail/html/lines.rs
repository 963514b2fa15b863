//! The text so far: white space that collapses, and lines that blocks begin (HTML Standard §3.2.7, CSS Text 3 §4.1.1).

use super::style::WhiteSpace;

/// Text with line ends that are still to come.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
    /// Line ends that must stand before whatever comes next: the most that was asked for since the last text.
    required: u8,
    /// Whether there was white space since the last word of the line.
    blank: bool,
    /// Whether the line has text, so that a blank may follow.
    filled: bool,
}

impl Lines {
    /// What comes next stands this many line ends below what is there.
    pub fn require(&mut self, line_ends: u8) {
        self.required = self.required.max(line_ends);
        self.begin();
    }

    /// What comes next begins a box of its own: white space before it is not seen.
    pub fn begin(&mut self) {
        self.blank = false;
        self.filled = false;
    }

    /// Ends a line.
    pub fn end_line(&mut self) {
        self.put('\n');
    }

    /// Ends a cell that another one follows.
    pub fn end_cell(&mut self) {
        self.put('\t');
    }

    /// Adds text.
    pub fn add(&mut self, text: &str, white_space: WhiteSpace) {
        match white_space {
            WhiteSpace::Collapse => self.add_collapsed(text),
            WhiteSpace::Keep => self.add_lines(text, |lines, line| {
                if !line.is_empty() {
                    lines.word(line);
                }
            }),
            WhiteSpace::KeepLines => self.add_lines(text, Self::add_collapsed),
        }
    }

    /// All of it, without blank lines before and behind.
    pub fn finish(self) -> String {
        let mut text = self.text;
        let end = text.trim_end().len();
        if end == 0 {
            return String::new();
        }
        if let Some(line_end) = text[end..].find('\n') {
            text.truncate(end + line_end);
        }
        let first = text.len() - text.trim_start().len();
        if let Some(line_end) = text[..first].rfind('\n') {
            text.drain(..=line_end);
        }
        text
    }

    fn put(&mut self, end: char) {
        self.settle();
        self.text.push(end);
        self.begin();
    }

    /// Writes the line ends that are due; there are none before the first text.
    fn settle(&mut self) {
        if !self.text.is_empty() {
            (0..self.required).for_each(|_| self.text.push('\n'));
        }
        self.required = 0;
    }

    fn add_lines(&mut self, text: &str, mut add: impl FnMut(&mut Self, &str)) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.end_line();
            }
            add(self, line);
        }
    }

    fn add_collapsed(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let is_blank = |octet: u8| matches!(octet, b' ' | b'\t' | b'\n' | b'\r');
            let end = rest.bytes().position(is_blank).unwrap_or(rest.len());
            if end > 0 {
                self.word(&rest[..end]);
            }
            let blanks = rest.bytes().skip(end).position(|octet| !is_blank(octet)).unwrap_or(rest.len() - end);
            self.blank |= blanks > 0 && self.filled;
            rest = &rest[end + blanks..];
        }
    }

    /// Adds what is not looked into for white space.
    fn word(&mut self, word: &str) {
        self.settle();
        if self.blank {
            self.text.push(' ');
        }
        self.blank = false;
        self.filled = true;
        // The first octet of a no-break space, and what a browser drops.
        if word.bytes().any(|octet| matches!(octet, 0xC2 | b'\r' | 0)) {
            let letters = word.chars().filter(|letter| *letter != '\0');
            self.text.extend(letters.map(|letter| if matches!(letter, '\u{a0}' | '\r') { ' ' } else { letter }));
        } else {
            self.text.push_str(word);
        }
    }
}
