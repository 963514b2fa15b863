//! The character set that an HTML text names itself: `<meta charset=…>` (HTML Standard §13.2.3.2).

/// The name of the set, where one of the first octets of the text is a meta element that tells it.
pub(super) fn charset(html: &[u8]) -> Option<String> {
    let beginning = &html[..html.len().min(LOOKED_AT)];
    let text = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("<meta") {
        // What is in a comment tells nothing.
        if before.rfind("<!--").is_some_and(|open| !before[open..].contains("-->")) {
            rest = after.split_once("-->")?.1;
            continue;
        }
        let (element, after) = after.split_once('>')?;
        if element.starts_with(|letter: char| letter.is_ascii_whitespace() || letter == '/')
            && let Some(name) = named(element)
        {
            // A text that could be read as far as here is not in UTF-16.
            return Some(if name.starts_with("utf-16") { "utf-8".to_owned() } else { name });
        }
        rest = after;
    }
    None
}

/// The name that follows `charset=` in the attributes of a meta element.
fn named(element: &str) -> Option<String> {
    let mut rest = element;
    while let Some((_, after)) = rest.split_once("charset") {
        rest = after;
        let Some(value) = after.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let name = value.split([' ', '\t', '\r', '\n', ';', '"', '\'', '/', '>']).next().unwrap_or_default();
        if !name.is_empty() {
            return Some(name.to_owned());
        }
    }
    None
}

/// Octets that browsers look at, too.
const LOOKED_AT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_found_in_either_form() {
        for html in [
            "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\">",
            "<META charset='Windows-1251' />",
            "<meta name=x content=y><meta charset = windows-1251>",
            "<!-- <meta charset=utf-8> --><meta charset=windows-1251>",
        ] {
            assert_eq!(charset(html.as_bytes()).as_deref(), Some("windows-1251"), "{html}");
        }
        for html in ["", "<p>charset=utf-8", "<metadata charset=x>", "<meta name=charset>", "<!-- <meta charset=utf-8>"]
        {
            assert_eq!(charset(html.as_bytes()), None, "{html}");
        }
        assert_eq!(charset(b"<meta charset=utf-16>").as_deref(), Some("utf-8"));
        assert_eq!(charset(format!("{}<meta charset=x>", " ".repeat(2000)).as_bytes()), None);
    }
}
