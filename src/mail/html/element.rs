//! What the elements of HTML are: how they are shown (HTML Standard §15.3), and which of them end others (§13.2.6.4.7).

use super::style::WhiteSpace;

/// The name of an element: its first 16 letters, which tell all that are known apart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Name(u128);

impl Name {
    /// A name in small letters, as tokens have it.
    pub const fn of(name: &[u8]) -> Self {
        let (mut packed, mut at) = (0, 0);
        while at < name.len() && at < 16 {
            packed = packed << 8 | name[at] as u128;
            at += 1;
        }
        Self(packed)
    }
}

/// How an element is laid out, as far as its text shows it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// Not at all.
    None,
    /// Within a line.
    #[default]
    Inline,
    /// On lines of its own.
    Block,
    /// On lines of its own; so is each element in it.
    Flex,
    /// As a table, on lines of its own.
    Table,
    /// As rows of a table.
    Group,
    /// As one row.
    Row,
    /// As one cell.
    Cell,
}

/// Which open elements a tag ends, and what else is special about it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Ends none.
    #[default]
    Plain,
    /// Ends none; an end tag ends the element even if a block in it is still open.
    Formatting,
    /// Ends a paragraph.
    Block,
    /// A paragraph: ends another one, and takes two line ends.
    Paragraph,
    /// A heading: ends a paragraph and another heading.
    Heading,
    /// Ends a paragraph and an item of the same list.
    Item,
    /// A term or its definition, which ends the one before.
    Definition,
    /// Ends another button.
    Button,
    /// A choice, which ends the one before.
    Choice,
    /// Ends a paragraph, unless the document has no type.
    Table,
    /// A part of a table: ends all other parts.
    Part,
    /// Ends a row.
    Row,
    /// Ends a cell.
    Cell,
    /// Ends a paragraph; between the cells of a table it is nothing.
    Form,
    /// The body is there once.
    Body,
    /// Has no content.
    Void,
    /// Is nothing.
    Ignored,
}

/// What an element is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: Name,
    /// What its tags end.
    pub rule: Rule,
    /// How it is shown if its style does not say otherwise.
    pub display: Display,
    /// Whether an end tag of an inline element does not reach beyond it ("special", §13.2.4.2).
    pub is_special: bool,
    /// Which searches for an open element end at it.
    pub barrier: Barrier,
    /// Whether its text is seen, if it says so: that of `select` is in its options.
    pub is_visible: Option<bool>,
    /// What becomes of white space in it, if it says so.
    pub white_space: Option<WhiteSpace>,
}

/// Which searches for an open element end here: the scopes of §13.2.4.2.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// None.
    #[default]
    No,
    /// That for an item of a list.
    List,
    /// That for a paragraph.
    Button,
    /// All but that for parts of a table.
    Cell,
    /// All.
    Table,
}

impl Element {
    /// The element that has a name, in small letters.
    pub fn of(name: &[u8]) -> Self {
        let element = match name {
            b"br" | b"img" | b"col" | b"input" | b"link" | b"meta" | b"wbr" | b"area" | b"base" | b"embed"
            | b"param" | b"source" | b"track" | b"frame" | b"basefont" | b"bgsound" | b"keygen" | b"image" => {
                Self::inline(Rule::Void)
            }
            b"hr" => Self { display: Display::Block, ..Self::inline(Rule::Void) },
            b"html" | b"head" => Self::inline(Rule::Ignored),
            b"body" => Self::block(Rule::Body),
            b"b" | b"a" | b"font" | b"strong" | b"i" | b"em" | b"u" | b"big" | b"small" | b"code" | b"nobr" | b"s"
            | b"strike" | b"tt" => Self::inline(Rule::Formatting),
            b"p" => Self::block(Rule::Paragraph),
            b"pre" | b"listing" | b"xmp" | b"plaintext" => {
                Self { white_space: Some(WhiteSpace::Keep), ..Self::block(Rule::Block) }
            }
            b"ul" | b"ol" => Self { barrier: Barrier::List, ..Self::block(Rule::Block) },
            b"li" => Self::block(Rule::Item),
            b"dt" | b"dd" => Self::block(Rule::Definition),
            b"form" => Self::block(Rule::Form),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Self::block(Rule::Heading),
            b"div" | b"address" | b"article" | b"aside" | b"blockquote" | b"center" | b"details" | b"dir" | b"dl"
            | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"header" | b"hgroup" | b"main" | b"menu"
            | b"nav" | b"search" | b"section" | b"summary" => Self::block(Rule::Block),
            b"legend" => Self { is_special: false, ..Self::block(Rule::Plain) },
            b"option" | b"optgroup" => {
                Self { is_special: false, is_visible: Some(name == b"option"), ..Self::block(Rule::Choice) }
            }
            b"button" => Self { is_special: true, barrier: Barrier::Button, ..Self::inline(Rule::Button) },
            b"marquee" | b"applet" => Self { is_special: true, barrier: Barrier::Cell, ..Self::inline(Rule::Plain) },
            b"select" => {
                Self { is_special: true, is_visible: Some(false), barrier: Barrier::Cell, ..Self::inline(Rule::Plain) }
            }
            _ => return Self { name: Name::of(name), ..Self::of_table(name) },
        };
        Self { name: Name::of(name), ..element }
    }

    fn of_table(name: &[u8]) -> Self {
        let part = |rule, display, barrier| Self { display, barrier, ..Self::block(rule) };
        match name {
            b"table" => part(Rule::Table, Display::Table, Barrier::Table),
            b"thead" | b"tbody" | b"tfoot" => part(Rule::Part, Display::Group, Barrier::No),
            b"colgroup" => part(Rule::Part, Display::None, Barrier::No),
            b"caption" => part(Rule::Part, Display::Block, Barrier::Cell),
            b"tr" => part(Rule::Row, Display::Row, Barrier::No),
            b"td" | b"th" => part(Rule::Cell, Display::Cell, Barrier::Cell),
            _ => Self::without_text(name),
        }
    }

    /// Elements whose content a browser does not show, and all that are not known.
    fn without_text(name: &[u8]) -> Self {
        let hidden = Self { display: Display::None, ..Self::block(Rule::Plain) };
        match name {
            b"title" | b"style" | b"script" | b"noscript" | b"noframes" | b"noembed" | b"iframe" | b"textarea" => {
                hidden
            }
            b"template" => Self { barrier: Barrier::Table, ..hidden },
            b"object" => Self { barrier: Barrier::Cell, ..hidden },
            b"audio" | b"video" | b"canvas" | b"datalist" | b"rp" | b"meter" | b"progress" | b"desc" => {
                Self { is_special: false, ..hidden }
            }
            // It is shown by a script, unless it has the attribute `open`.
            b"dialog" => Self { is_special: false, rule: Rule::Block, ..hidden },
            _ => Self::inline(Rule::Plain),
        }
    }

    fn inline(rule: Rule) -> Self {
        Self { rule, ..Self::default() }
    }

    fn block(rule: Rule) -> Self {
        Self { rule, display: Display::Block, is_special: true, ..Self::default() }
    }
}
