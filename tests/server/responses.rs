//! What an IMAP server says, cut into responses, and single FETCH responses as a bad line or a bad server changes them.
//!
//! It understands as much of a response as is needed for that: literals, brackets, and where an item ends.

/// Octets cut into responses, their literals with them; what is left over is not whole yet.
pub fn cut(octets: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut responses, mut start, mut from) = (Vec::new(), 0, 0);
    while let Some(end) = octets[from..].iter().position(|octet| *octet == b'\n').map(|at| from + at + 1) {
        match literal(&octets[start..end]) {
            Some(length) if end + length > octets.len() => break,
            Some(length) => from = end + length,
            None => {
                responses.push(octets[start..end].to_vec());
                (start, from) = (end, end);
            }
        }
    }
    (responses, start)
}

/// The octets that a line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let start = line.iter().rposition(|octet| *octet == b'{')? + 1;
    std::str::from_utf8(&line[start..]).ok()?.parse().ok()
}

/// Whether a response is a row of a message.
pub fn is_row(response: &[u8]) -> bool {
    let mut words = response.splitn(4, |octet| *octet == b' ');
    words.next() == Some(b"*") && words.nth(1) == Some(b"FETCH")
}

/// A row without its first item beside the uid; none where it has no other.
pub fn without_item(row: &[u8]) -> Option<Vec<u8>> {
    let open = row.iter().position(|octet| *octet == b'(')? + 1;
    let mut at = open;
    loop {
        let (name, end) = item(row, at)?;
        if name != b"UID" {
            let end = if row.get(end) == Some(&b' ') { end + 1 } else { end };
            let kept = if row[end..].starts_with(b")") && row[at - 1] == b' ' { at - 1 } else { at };
            return Some([&row[..kept], &row[end..]].concat());
        }
        at = end + 1;
        if row.get(end) != Some(&b' ') {
            return None;
        }
    }
}

/// The name of the item at a place, and where its value ends.
fn item(row: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let mut end = at;
    let mut brackets = 0;
    while !(row.get(end)? == &b' ' && brackets == 0) {
        brackets += i32::from(row[end] == b'[') - i32::from(row[end] == b']');
        end += 1;
    }
    Some((&row[at..end], value(row, end + 1)?))
}

fn value(row: &[u8], at: usize) -> Option<usize> {
    match row.get(at)? {
        b'"' => Some(at + 2 + row[at + 1..].iter().position(|octet| *octet == b'"')?),
        b'{' => {
            let line = at + 1 + row[at..].iter().position(|octet| *octet == b'\n')?;
            Some(line + literal(&row[at..line])?)
        }
        b'(' => {
            let mut at = at + 1;
            while row.get(at)? != &b')' {
                at = if row[at] == b' ' { at + 1 } else { value(row, at)? };
            }
            Some(at + 1)
        }
        _ => Some(at + row[at..].iter().position(|octet| matches!(octet, b' ' | b')' | b'\r'))?),
    }
}

/// A row that cannot be read: it ends within a list.
pub fn unreadable(row: &[u8]) -> Vec<u8> {
    let uid = row.windows(4).position(|octets| octets == b"UID ").unwrap_or(0);
    let end = row[uid + 4..].iter().position(|octet| !octet.is_ascii_digit()).map_or(row.len(), |at| uid + 4 + at);
    [&row[..end], b" FLAGS (\r\n"].concat()
}

/// A row whose last content of a part, or of the whole message, is shorter by some octets; none where there is no such.
pub fn shortened(row: &[u8], by: usize) -> Option<Vec<u8>> {
    let mut starts = (0..row.len()).rev().filter(|at| row[*at..].starts_with(b"BODY["));
    let start = starts.find(|at| !row[at + 5..].starts_with(b"HEADER"))?;
    let brace = start + row[start..].iter().position(|octet| *octet == b'{')?;
    let line = brace + 1 + row[brace..].iter().position(|octet| *octet == b'\n')?;
    let length = literal(&row[brace..line])?;
    let short = length.checked_sub(by)?;
    let (content, rest) = row[line..].split_at(length);
    Some([&row[..brace], format!("{{{short}}}\r\n").as_bytes(), &content[..short], rest].concat())
}
