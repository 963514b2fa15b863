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
use memchr::memmem;

use super::header::Header;
use super::part::{Declared, MAX_PARTS, Part, PartNumber};
use super::{encoded_word, parameter};

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
    let mut scanner = Scanner { raw, contents: BTreeMap::new(), parts: 0 };
    let root = scanner.entity(0..raw.len(), None, "text/plain", 0);
    Structure { root, raw: raw.clone(), contents: scanner.contents }
}

impl Structure {
    /// The content of a part as transferred, not decoded.
    pub fn content(&self, number: &PartNumber) -> Option<Bytes> {
        self.contents.get(number).map(|range| self.raw.slice(range.clone()))
    }
}

struct Scanner<'a> {
    raw: &'a Bytes,
    contents: BTreeMap<PartNumber, Range<usize>>,
    parts: usize,
}

impl Scanner<'_> {
    fn entity(&mut self, range: Range<usize>, number: Option<PartNumber>, default_type: &str, depth: usize) -> Part {
        let body = header_end(&self.raw[range.clone()]) + range.start;
        let header = Header::parse(self.raw.slice(range.start..body.min(range.start + LONGEST_HEADER)));
        let mut part = described(&header, default_type);
        let body = body..range.end;
        let boundary =
            part.media_type.starts_with("multipart/").then(|| parameter(&header, "content-type", "boundary"));
        match boundary.map(|boundary| self.boundary_of(&body, boundary.unwrap_or_default())) {
            // A multipart that cannot be taken apart is shown as the text that it is.
            Some(boundary) if boundary.is_empty() || depth >= MAX_DEPTH => {
                part.media_type = "text/plain".into();
                // The default of text, which is as good as none.
                part.charset = part.charset.filter(|charset| !charset.eq_ignore_ascii_case("us-ascii"));
            }
            Some(boundary) => {
                let default_type = if part.media_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
                for (position, child) in (1..).zip(self.children(&body, &boundary)) {
                    let number = number.as_ref().map_or(PartNumber::top(position), |above| above.below(position));
                    part.parts.push(self.entity(child, Some(number), default_type, depth + 1));
                }
                part.number = number;
                // BODYSTRUCTURE does not tell these of a multipart.
                part.content_id = None;
                part.encoding = "7bit".into();
                return part;
            }
            None => {}
        }
        let number = number.unwrap_or_else(PartNumber::only);
        part.encoded_size = body.len() as u64;
        self.contents.insert(number.clone(), body);
        part.number = Some(number);
        part
    }

    /// The boundary as far as it is one: without quotes it ends at a blank, which only shows where no line has all of it.
    fn boundary_of(&self, body: &Range<usize>, boundary: String) -> String {
        let octets = &self.raw[body.clone()];
        let is_there = |boundary: &str| memmem::find(octets, format!("--{boundary}").as_bytes()).is_some();
        match boundary.split_once([' ', '\t']) {
            Some((word, _)) if !word.is_empty() && !is_there(&boundary) => word.to_owned(),
            _ => boundary,
        }
    }

    /// The ranges between boundary lines; the line end before a boundary belongs to the boundary.
    fn children(&mut self, body: &Range<usize>, boundary: &str) -> Vec<Range<usize>> {
        let octets = &self.raw[body.clone()];
        let delimiter = format!("--{boundary}");
        let mut children = Vec::new();
        let mut open: Option<usize> = None;
        for at in memmem::find_iter(octets, delimiter.as_bytes()) {
            // This comes first: a long line of nothing but boundaries must not be searched for its end at each.
            if at > 0 && octets[at - 1] != b'\n' {
                continue;
            }
            let line = octets[at + delimiter.len()..].split(|&octet| octet == b'\n').next().unwrap_or_default();
            let (closes, rest) = line.strip_prefix(b"--").map_or((false, line), |rest| (true, rest));
            if !rest.trim_ascii().is_empty() {
                continue;
            }
            if let Some(start) = open.take() {
                let line_end = if octets[..at].ends_with(b"\r\n") { 2 } else { 1 };
                children.push(body.start + start..body.start + at.saturating_sub(line_end).max(start));
                self.parts += 1;
            }
            if closes || self.parts >= MAX_PARTS {
                return children;
            }
            open = Some((at + delimiter.len() + line.len() + 1).min(octets.len()));
        }
        if let Some(start) = open {
            children.push(body.start + start..body.end);
        }
        children
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
    let declared = Declared {
        media_type: media_type.map_or(Cow::Borrowed(default_type), Cow::Owned),
        charset: parameter(header, "content-type", "charset").map(Cow::Owned),
        name: parameter(header, "content-disposition", "filename")
            .or_else(|| parameter(header, "content-type", "name"))
            .map(Cow::Owned),
        disposition: content_type(header, "content-disposition").map(|parsed| parsed.c_type),
        content_id: header.all("content-id").next().map(|field| field.unfolded()),
        encoding: header.text("content-transfer-encoding"),
    };
    declared.part()
}

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

/// What describes a part is looked for in that many octets of its header.
const LONGEST_HEADER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(part: &Part) -> Vec<String> {
        let own =
            (part.parts.is_empty()).then(|| part.number.as_ref().map(|number| format!("{number} {}", part.media_type)));
        own.flatten().into_iter().chain(part.parts.iter().flat_map(leaves)).collect()
    }

    fn content(structure: &Structure, number: &PartNumber) -> String {
        String::from_utf8_lossy(&structure.content(number).unwrap()).into_owned()
    }

    #[test]
    fn parts_are_numbered_as_imap_numbers_them() {
        let raw = "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\n\r\none\r\n--b\r\nContent-Type: TEXT/HTML\r\n\r\n<p>\r\n--b--\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--a--\r\nepilogue";
        let structure = scan(&Bytes::from_static(raw.as_bytes()));
        assert_eq!(leaves(&structure.root), ["1.1 text/plain", "1.2 text/html", "2 message/rfc822"]);
        assert_eq!(content(&structure, &PartNumber::top(1).below(1)), "one");
        assert_eq!(content(&structure, &PartNumber::top(2)), "Subject: x\r\n\r\ny");
    }

    #[test]
    fn a_boundary_counts_only_as_a_whole_line() {
        let raw = "Content-Type: multipart/mixed; boundary=\r\n \"a\"\r\n\r\n--a\r\n\r\nsee --a here\r\n--ab\r\nmore\r\n--a--\r\n";
        let structure = scan(&Bytes::from_static(raw.as_bytes()));
        assert_eq!(content(&structure, &PartNumber::top(1)), "see --a here\r\n--ab\r\nmore");
    }

    #[test]
    fn a_long_line_of_boundaries_costs_no_more_than_others() {
        let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &"--b".repeat(1_000_000);
        assert_eq!(leaves(&scan(&Bytes::from(raw)).root), Vec::<String>::new());
    }

    #[test]
    fn a_parameter_without_its_semicolon_is_read() {
        let raw = "Content-Type: multipart/mixed\r\n\tboundary=\"b\"\r\n\r\n--b\r\nContent-Disposition: attachment filename=x.txt; size=3\r\n\r\nx\r\n--b--\r\n";
        let structure = scan(&Bytes::from_static(raw.as_bytes()));
        assert_eq!(leaves(&structure.root), ["1 text/plain"]);
        assert_eq!(structure.root.parts[0].name.as_deref(), Some("x.txt"));
    }

    #[test]
    fn a_name_without_a_disposition_is_read() {
        let raw = "Content-Type: ; name=y\r\nContent-Disposition: ; filename=x.txt\r\n\r\nx";
        let root = scan(&Bytes::from_static(raw.as_bytes())).root;
        assert_eq!(
            (root.media_type.as_ref(), root.disposition, root.name.as_deref()),
            ("text/plain", None, Some("x.txt"))
        );
    }

    #[test]
    fn what_cannot_be_taken_apart_is_text() {
        let structure = scan(&Bytes::from_static(b"Content-Type: multipart/mixed\r\n\r\nbody"));
        assert_eq!(leaves(&structure.root), ["1 text/plain"]);
        let mut deep = String::new();
        for level in 0..MAX_DEPTH + 50 {
            let part = format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
            deep.push_str(&part);
        }
        assert_eq!(leaves(&scan(&Bytes::from(deep)).root).len(), 1);
    }

    #[test]
    fn names_are_decoded_in_every_form() {
        let name = |fields: &'static str| scan(&Bytes::from_static(fields.as_bytes())).root.name;
        assert_eq!(
            name("Content-Disposition: attachment; filename=\r\n \"x y.pdf\"\r\n\r\n").as_deref(),
            Some("x y.pdf")
        );
        assert_eq!(name("Content-Type: a/b; name=\"=?utf-8?Q?caf=C3=A9?=\"\r\n\r\n").as_deref(), Some("café"));
        assert_eq!(
            name("Content-Disposition: attachment; filename*0*=utf-8''caf%C3%A9; filename*1=\".txt\"\r\n\r\n")
                .as_deref(),
            Some("café.txt")
        );
        assert_eq!(
            name("Content-Disposition: attachment; filename=\"=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=.txt\"\r\n\r\n")
                .as_deref(),
            Some("café.txt")
        );
        assert_eq!(
            name("Content-Disposition: attachment; filename=cafe.txt; filename*=utf-8''caf%C3%A9.txt\r\n\r\n")
                .as_deref(),
            Some("café.txt")
        );
    }
}
