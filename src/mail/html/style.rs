//! What an inline style says about whether and how an element is shown (CSS Display 3, CSS Text 3 §3).

use std::borrow::Cow;

use memchr::memchr;

use super::element::Display;

/// The properties of a style that text depends on; those that it does not have are none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// How the element is laid out.
    pub display: Option<Display>,
    /// Whether it is taken out of its line, and so is a block (CSS Display 3 §2.7).
    pub is_apart: bool,
    /// Whether its text is seen.
    pub is_visible: Option<bool>,
    /// What becomes of its white space.
    pub white_space: Option<WhiteSpace>,
}

/// What becomes of white space in a text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum WhiteSpace {
    /// Any of it is one blank.
    #[default]
    Collapse,
    /// It is kept.
    Keep,
    /// Line ends are kept, and blanks collapse.
    KeepLines,
}

/// A property that text depends on.
#[derive(Clone, Copy)]
enum Property {
    Display,
    Visibility,
    WhiteSpace,
    Float,
    Position,
}

impl Property {
    fn of(name: &str) -> Option<Self> {
        let (known, property) = match name.len() {
            5 => ("float", Self::Float),
            7 => ("display", Self::Display),
            8 => ("position", Self::Position),
            10 => ("visibility", Self::Visibility),
            11 => ("white-space", Self::WhiteSpace),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(property)
    }
}

/// Which declaration of a property was marked as important, and counts.
#[derive(Default)]
struct Important {
    display: bool,
    visibility: bool,
    white_space: bool,
}

impl Style {
    /// Reads the value of an attribute `style`; what is not understood is left out.
    pub fn of(text: &str) -> Self {
        let mut style = Self::default();
        let mut important = Important::default();
        for declaration in Declarations(&uncommented(text)) {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let Some(property) = Property::of(property.trim()) else { continue };
            let lower = value.trim().to_ascii_lowercase();
            let (value, is_important) = match lower.strip_suffix("important").map(str::trim_end) {
                Some(value) if value.ends_with('!') => (value[..value.len() - 1].trim_end(), true),
                _ => (lower.as_str(), false),
            };
            match property {
                Property::Display => set(&mut style.display, &mut important.display, display(value), is_important),
                Property::Visibility => {
                    set(&mut style.is_visible, &mut important.visibility, visibility(value), is_important);
                }
                Property::WhiteSpace => {
                    set(&mut style.white_space, &mut important.white_space, white_space(value), is_important);
                }
                Property::Float => style.is_apart |= matches!(value, "left" | "right"),
                Property::Position => style.is_apart |= matches!(value, "absolute" | "fixed"),
            }
        }
        style
    }
}

/// The last declaration that is valid counts, of those that are important if there are any.
fn set<T>(property: &mut Option<T>, important: &mut bool, value: Option<T>, is_important: bool) {
    if value.is_some() && (is_important || !*important) {
        *property = value;
        *important = is_important;
    }
}

fn display(value: &str) -> Option<Display> {
    Some(match value {
        "none" => Display::None,
        "inline" | "contents" | "inline-block" | "inline-flex" | "inline-grid" | "inline-table" | "ruby" => {
            Display::Inline
        }
        "block" | "flow-root" | "list-item" | "table-caption" | "-webkit-box" => Display::Block,
        "flex" | "grid" => Display::Flex,
        "table" => Display::Table,
        "table-row-group" | "table-header-group" | "table-footer-group" => Display::Group,
        "table-row" => Display::Row,
        "table-cell" => Display::Cell,
        _ => return None,
    })
}

fn visibility(value: &str) -> Option<bool> {
    match value {
        "visible" => Some(true),
        "hidden" | "collapse" => Some(false),
        _ => None,
    }
}

fn white_space(value: &str) -> Option<WhiteSpace> {
    match value {
        "normal" | "nowrap" => Some(WhiteSpace::Collapse),
        "pre" | "pre-wrap" | "break-spaces" => Some(WhiteSpace::Keep),
        "pre-line" => Some(WhiteSpace::KeepLines),
        _ => None,
    }
}

/// A style without its comments.
fn uncommented(text: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = text.split_once("/*") else { return Cow::Borrowed(text) };
    let mut kept = before.to_owned();
    while let Some((_, after)) = rest.split_once("*/") {
        let (before, comment) = after.split_once("/*").unwrap_or((after, ""));
        kept.push(' ');
        kept.push_str(before);
        rest = comment;
    }
    Cow::Owned(kept)
}

/// The declarations of a style: cut at semicolons, but for those within strings and brackets.
struct Declarations<'a>(&'a str);

impl<'a> Iterator for Declarations<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let octets = self.0.as_bytes();
        let mut at = memchr(b';', octets).unwrap_or(octets.len());
        // Most have no strings and brackets.
        if octets[..at].iter().any(|octet| matches!(octet, b'"' | b'\'' | b'\\' | b'(' | b'[' | b'{')) {
            at = end_of_declaration(octets);
        }
        let declaration = self.0.get(..at).unwrap_or(self.0);
        self.0 = self.0.get(at + 1..).unwrap_or_default();
        Some(declaration)
    }
}

/// Where the semicolon is that ends a declaration, or the end of the style.
fn end_of_declaration(octets: &[u8]) -> usize {
    let (mut quote, mut brackets, mut at) = (None, 0_usize, 0);
    while let Some(&octet) = octets.get(at) {
        match (quote, octet) {
            (_, b'\\') => at += 1,
            (Some(open), _) if octet == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(octet),
            (None, b'(' | b'[' | b'{') => brackets += 1,
            (None, b')' | b']' | b'}') => brackets = brackets.saturating_sub(1),
            (None, b';') if brackets == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    octets.len()
}
