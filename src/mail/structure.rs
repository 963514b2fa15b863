//! The tree of parts out of the octets of a message (RFC 2045, RFC 2046 §5.1).
//!
//! Finds where parts are and decodes none of them, which no parser at hand does; that is why it is
//! here. Depth and number of parts are bounded. Next: [`super::body`] says which part is what.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use mail_parser::parsers::MessageStream;
use mail_parser::{Attribute, ContentType, HeaderValue};
use memchr::{memchr, memmem};

use super::header::Header;
use super::part::{Declared, MAX_PARTS, Part, PartNumber, RawName};
use super::{charset, encoded_word, parameter, transfer};

/// The parts of a message, and where their contents are.
#[derive(Debug)]
pub struct Structure {
    /// The part at the top.
    pub root: Part,
    raw: Bytes,
    contents: BTreeMap<PartNumber, Range<usize>>,
}

/// Finds the parts of a whole message; its line ends should be CRLF, or sizes are not IMAP's.
pub fn scan(raw: &Bytes) -> Structure {
    let mut scanner =
        Scanner { raw, contents: BTreeMap::new(), open: Vec::new(), leaf: None, root: None, parts: 0, searches: 0 };
    let mut root = scanner.message();
    settle_names(&mut root);
    Structure { root, raw: raw.clone(), contents: scanner.contents }
}

impl Structure {
    /// Takes the part at the top away; the contents stay.
    pub fn take_root(&mut self) -> Part {
        std::mem::replace(&mut self.root, Declared::default().part())
    }

    /// The content of a part as transferred, not decoded.
    pub fn content(&self, number: &PartNumber) -> Option<Bytes> {
        self.contents.get(number).map(|range| self.raw.slice(range.clone()))
    }
}

/// Goes over the lines of a message once, with the boundaries of all multiparts that are open.
struct Scanner<'a> {
    raw: &'a Bytes,
    contents: BTreeMap<PartNumber, Range<usize>>,
    /// The multiparts that are open, the outermost first.
    open: Vec<Multipart>,
    /// The part without parts that is read, and where its content begins.
    leaf: Option<(Part, usize)>,
    root: Option<Part>,
    parts: usize,
    /// How often a boundary was searched for in the rest of the message.
    searches: usize,
}

/// A multipart whose end has not come.
struct Multipart {
    boundary: String,
    part: Part,
    /// How many parts it has so far.
    parts: u32,
    /// It is within an attached message, which is a part as a whole; only its boundary counts.
    is_within: bool,
}

/// A line that is a boundary.
struct Boundary {
    /// Which of the open multiparts it belongs to.
    owner: usize,
    /// Where the content before it ends: the line end before a boundary belongs to the boundary.
    end: usize,
    /// Where the next line begins.
    next: usize,
    /// Whether it ends the multipart.
    closes: bool,
}

impl Scanner<'_> {
    fn message(&mut self) -> Part {
        let mut at = self.begin(0, None, "text/plain", false);
        while let Some(line) = self.next_boundary(at) {
            let is_within = self.open[line.owner].is_within;
            if !is_within {
                self.end_leaf(line.end);
            }
            self.close(line.owner + 1);
            at = line.next;
            if line.closes || self.parts >= MAX_PARTS {
                self.close(line.owner);
                continue;
            }
            let owner = &mut self.open[line.owner];
            owner.parts += 1;
            let position = owner.parts;
            let number = owner.part.number.as_ref().map_or(PartNumber::top(position), |above| above.below(position));
            let default_type =
                if owner.part.media_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
            self.parts += usize::from(!is_within);
            at = self.begin(at, Some(number), default_type, is_within);
        }
        self.end_leaf(self.raw.len());
        self.close(0);
        self.root.take().unwrap_or_else(|| Declared::default().part())
    }

    /// Reads the header of an entity, and opens it; says where its body begins.
    fn begin(&mut self, start: usize, number: Option<PartNumber>, default_type: &str, is_within: bool) -> usize {
        let (mut start, mut number, mut default_type, mut is_within) = (start, number, default_type, is_within);
        loop {
            let (header, body) = self.header(start);
            let mut too_deep = None;
            let mut part = described(&header, default_type);
            if part.media_type.starts_with("multipart/") {
                let boundary = parameter(&header, "content-type", "boundary").unwrap_or_default();
                let boundary = self.boundary_of(body, boundary);
                let depth = self.open.iter().filter(|open| open.is_within == is_within).count();
                if !boundary.is_empty() && depth < MAX_DEPTH {
                    // BODYSTRUCTURE does not tell these of a multipart.
                    (part.number, part.content_id, part.encoding) = (number, None, "7bit".into());
                    self.open.push(Multipart { boundary, part, parts: 0, is_within });
                    return body;
                }
                // A multipart that cannot be taken apart is shown as the text that it is.
                part.media_type = "text/plain".into();
                // The default of text, which is as good as none.
                part.charset = part.charset.filter(|charset| !charset.eq_ignore_ascii_case("us-ascii"));
                if !boundary.is_empty() && !is_within {
                    too_deep = Some(Multipart { boundary, part: part.clone(), parts: 0, is_within: true });
                }
            }
            let is_message = part.media_type == "message/rfc822" && transfer::is_identity(&part.encoding);
            if !is_within {
                part.number = Some(number.take().unwrap_or_else(PartNumber::only));
                self.leaf = Some((part, body));
            }
            // Its boundaries count all the same, as those of an attached message do.
            self.open.extend(too_deep.filter(|_| self.open.len() < 2 * MAX_DEPTH));
            if !is_message {
                return body;
            }
            // Its boundaries may begin as those around it do, and must be told from them.
            (start, default_type, is_within) = (body, "text/plain", true);
        }
    }

    /// The header that begins here, and where the body begins: after the first empty line, or at a boundary.
    fn header(&self, start: usize) -> (Header, usize) {
        let mut at = start;
        let end = loop {
            let rest = &self.raw[at..];
            match rest {
                [] => break at,
                [b'\n', ..] => break at + 1,
                [b'\r', b'\n', ..] => break at + 2,
                [b'-', b'-', text @ ..] if self.owner_of(text).is_some() => break at,
                _ => at += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1),
            }
        };
        (Header::parse(self.raw.slice(start..end.min(start + LONGEST_HEADER))), end)
    }

    /// The next line that is a boundary, from the beginning of a line on.
    fn next_boundary(&self, at: usize) -> Option<Boundary> {
        if self.open.is_empty() {
            return None;
        }
        let octets = &self.raw[..];
        let here = octets[at..].starts_with(b"--").then_some(at);
        let later = memmem::find_iter(&octets[at..], b"\n--").map(|found| at + found + 1);
        here.into_iter().chain(later).find_map(|start| {
            let text = &octets[start + 2..];
            let owner = self.owner_of(text)?;
            let after = &text[self.open[owner].boundary.len()..];
            let next = memchr(b'\n', after).map_or(octets.len(), |end| octets.len() - after.len() + end + 1);
            let line_end = if octets[..start].ends_with(b"\r\n") { 2 } else { 1 };
            Some(Boundary { owner, end: start.saturating_sub(line_end), next, closes: after.starts_with(b"--") })
        })
    }

    /// The multipart whose boundary a line begins with after its hyphens (RFC 2046 §5.1.1): the longest, and the outermost
    /// of those.
    fn owner_of(&self, text: &[u8]) -> Option<usize> {
        let is_owner = |(_, open): &(usize, &Multipart)| text.starts_with(open.boundary.as_bytes());
        let owners = self.open.iter().enumerate().filter(is_owner);
        owners.rev().max_by_key(|(_, open)| open.boundary.len()).map(|(position, _)| position)
    }

    /// Ends the part that is read.
    fn end_leaf(&mut self, end: usize) {
        let Some((mut part, start)) = self.leaf.take() else { return };
        let content = start..end.max(start);
        part.encoded_size = content.len() as u64;
        self.contents.extend(part.number.clone().map(|number| (number, content)));
        self.add(part);
    }

    /// Ends all multiparts but the outermost ones.
    fn close(&mut self, keep: usize) {
        while self.open.len() > keep {
            if let Some(Multipart { part, is_within: false, .. }) = self.open.pop() {
                self.add(part);
            }
        }
    }

    fn add(&mut self, part: Part) {
        match self.open.iter_mut().rfind(|open| !open.is_within) {
            Some(above) => above.part.parts.push(part),
            None => self.root = Some(part),
        }
    }

    /// The boundary as far as it is one: without quotes it ends at a blank, only where no line has all of it.
    fn boundary_of(&mut self, body: usize, boundary: String) -> String {
        let Some((word, _)) = boundary.split_once([' ', '\t']).filter(|(word, _)| !word.is_empty()) else {
            return boundary;
        };
        self.searches += 1;
        let delimiter = format!("--{boundary}");
        let is_there =
            self.searches <= MOST_SEARCHES && memmem::find(&self.raw[body..], delimiter.as_bytes()).is_some();
        if is_there { boundary } else { word.to_owned() }
    }
}

/// Where the body of an entity starts: after its first empty line, or at its end.
pub fn header_end(octets: &[u8]) -> usize {
    if octets.starts_with(b"\n") {
        return 1;
    }
    if octets.starts_with(b"\r\n") {
        return 2;
    }
    let short = memmem::find(octets, b"\n\n").map(|at| at + 2);
    let within = short.unwrap_or(octets.len());
    memmem::find(&octets[..within], b"\n\r\n").map(|at| at + 3).or(short).unwrap_or(octets.len())
}

/// The part that a header describes, without a number, a size or parts; `default_type` is its media type where the
/// header names none.
pub fn described(header: &Header, default_type: &str) -> Part {
    // A type that cannot be read is text (RFC 2045 §5.2).
    let media_type = content_type(header, "content-type").map(|parsed| match parsed.c_subtype {
        Some(subtype) => format!("{}/{subtype}", parsed.c_type),
        None => "text/plain".to_owned(),
    });
    let is_related = media_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/related"));
    let name = NAMED_BY.into_iter().find_map(|(field, name)| Some((field, parameter(header, field, name)?)));
    let (named_by, name) = name.unzip();
    let declared = Declared {
        media_type: media_type.map_or(Cow::Borrowed(default_type), Cow::Owned),
        charset: parameter(header, "content-type", "charset").map(Cow::Owned),
        name: name.map(Cow::Owned),
        disposition: content_type(header, "content-disposition").map(|parsed| parsed.c_type),
        content_id: header.all("content-id").next().map(|field| field.unfolded()),
        encoding: header.text("content-transfer-encoding"),
        start: is_related.then(|| parameter(header, "content-type", "start")).flatten().map(Cow::Owned),
    };
    let mut part = declared.part();
    let raw =
        |name| Some((name, header.all(name).next()?.value)).filter(|(_, value)| std::str::from_utf8(value).is_err());
    part.raw_name =
        named_by.and_then(raw).map(|(field, value)| RawName { field, value: Bytes::copy_from_slice(value) });
    part
}

/// Reads file names whose octets nothing explains in the character set of the message: that of its first text.
///
/// A name stays as it is where that set does not explain it either.
pub fn settle_names(root: &mut Part) {
    if let Some(charset) = has_raw_name(root).then(|| charset_of(root)).flatten() {
        settle(root, &charset);
    }
}

fn settle(part: &mut Part, charset: &str) {
    if let Some(raw) = &part.raw_name
        && let Some((_, parameter_name)) = NAMED_BY.into_iter().find(|(field, _)| *field == raw.field)
    {
        let decoded = charset::decode(&raw.value, Some(charset));
        let field = Bytes::from(format!("{}:{}", raw.field, decoded.text));
        if decoded.faithful
            && let Some(name) = parameter(&Header::parse(field), raw.field, parameter_name)
        {
            part.name = Declared { name: Some(name.into()), ..Declared::default() }.part().name;
        }
    }
    part.parts.iter_mut().for_each(|part| settle(part, charset));
}

fn has_raw_name(part: &Part) -> bool {
    part.raw_name.is_some() || part.parts.iter().any(has_raw_name)
}

fn charset_of(part: &Part) -> Option<String> {
    let own = part.charset.as_deref().filter(|_| part.media_type.starts_with("text/"));
    own.map(str::to_owned).or_else(|| part.parts.iter().find_map(charset_of))
}

/// The fields and parameters that a file name stands in, the one that counts first.
const NAMED_BY: [(&str, &str); 2] = [("content-disposition", "filename"), ("content-type", "name")];

fn parameter(header: &Header, field: &str, name: &str) -> Option<String> {
    if let Some(value) = parameter::extended(&header.all(field).next()?.unfolded(), name) {
        return Some(value.trim().to_owned());
    }
    let parsed = content_type(header, field)?;
    let value = parsed.attributes?.into_iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))?.value;
    Some(value.trim().to_owned())
}

fn content_type(header: &Header, field: &str) -> Option<ContentType<'static>> {
    let value = header.all(field).next()?.unfolded();
    // The parser gives parameters only where something is before them. A media type that is missing has none.
    let is_bare = field == "content-disposition" && value.trim_start().starts_with(';');
    let value = if is_bare { format!("x{value}") } else { with_first_semicolon(value.into_owned()) };
    // It decodes words itself, but not across two of them.
    let value = encoded_word::normalise(&without_blanks_after_equals(&value)) + "\n";
    match MessageStream::new(value.as_bytes()).parse_content_type() {
        HeaderValue::ContentType(parsed) => Some(ContentType {
            c_type: if is_bare { String::new() } else { parsed.c_type.into_owned() }.into(),
            c_subtype: parsed.c_subtype.map(|subtype| subtype.into_owned().into()),
            attributes: parsed.attributes.map(|all| {
                let owned = |attribute: Attribute<'_>| Attribute {
                    name: attribute.name.into_owned().into(),
                    value: attribute.value.into_owned().into(),
                };
                all.into_iter().map(owned).collect()
            }),
        }),
        _ => None,
    }
}

/// Puts the semicolon before the first parameter where a mailer forgot it.
fn with_first_semicolon(value: String) -> String {
    let head = value.split(';').next().unwrap_or_default();
    let Some((kind, parameter)) = head.split_once([' ', '\t']) else { return value };
    let name = parameter.trim_start().split_once('=').map(|(name, _)| name.trim_end());
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'*');
    if name.is_some_and(is_name) { format!("{kind};{}", &value[kind.len()..]) } else { value }
}

/// A parameter that was folded after its `=` is one with a blank there, which the parser does not take.
fn without_blanks_after_equals(value: &str) -> String {
    let mut quoted = false;
    let mut after_equals = false;
    let keep = |letter: &char| {
        if *letter == '"' {
            quoted = !quoted;
        }
        let keep = quoted || !after_equals || !letter.is_ascii_whitespace();
        after_equals = !quoted && (*letter == '=' || (after_equals && !keep));
        keep
    };
    value.chars().filter(keep).collect()
}

/// Deeper multiparts are shown as text; nobody writes them by hand, and no client shows them.
pub const MAX_DEPTH: usize = 100;

/// Boundaries with a blank are looked for in the rest of the message that often.
const MOST_SEARCHES: usize = 100;

/// What describes a part is looked for in that many octets of its header.
const LONGEST_HEADER: usize = 1 << 20;

#[cfg(test)]
mod tests;
