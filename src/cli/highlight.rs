//! SQL as the prompt sees it: its colours, and whether a statement is complete.
//!
//! It reads text with the tokenizer that the parser uses; it parses nothing and runs nothing.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

/// Tells whether a text is one or more whole statements: nothing but blanks and comments follows its last `;`.
pub(crate) fn is_complete(text: &str) -> bool {
    let Some(tokens) = tokens(text) else { return false };
    let last = tokens.iter().rfind(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    last.is_some_and(|token| token.token == Token::SemiColon)
}

/// Tells whether there is nothing to run: blanks and comments only.
pub(crate) fn is_blank(text: &str) -> bool {
    tokens(text).is_some_and(|tokens| {
        tokens.iter().all(|token| matches!(token.token, Token::Whitespace(_) | Token::EOF | Token::SemiColon))
    })
}

/// The last line of a text in colours, with the lines before it to know what it continues.
pub(crate) fn coloured(before: &str, line: &str) -> String {
    let text = format!("{before}{line}");
    let starts = line_starts(&text);
    let mut tokens = Vec::new();
    let dialect = GenericDialect {};
    // What is not closed yet ends the tokens: the rest is text being typed, or a comment.
    let open = Tokenizer::new(&dialect, &text).tokenize_with_location_into_buf(&mut tokens).is_err();
    let mut out = String::new();
    let mut done = before.len();
    for TokenWithSpan { token, span } in tokens {
        let (start, end) = (offset(&text, &starts, span.start), offset(&text, &starts, span.end));
        let (start, end) = (start.max(done), end.max(done));
        out.push_str(&text[done..start]);
        paint(&mut out, colour_of(&token), &text[start..end]);
        done = end;
    }
    let rest = &text[done..];
    let is_comment = rest.trim_start().starts_with("/*");
    paint(&mut out, open.then_some(if is_comment { DIM } else { GREEN }), rest);
    out
}

fn tokens(text: &str) -> Option<Vec<TokenWithSpan>> {
    Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().ok()
}

fn colour_of(token: &Token) -> Option<&'static str> {
    match token {
        Token::Word(word) if word.quote_style.is_none() && word.keyword != Keyword::NoKeyword => {
            (!NAMES.contains(&word.keyword)).then_some(BOLD)
        }
        Token::Number(..) => Some(CYAN),
        Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_) => Some(GREEN),
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => Some(DIM),
        _ => None,
    }
}

fn paint(out: &mut String, colour: Option<&str>, text: &str) {
    match colour {
        Some(colour) if !text.is_empty() => {
            // The escape is closed on every line, for the editor draws lines one by one.
            for (position, line) in text.split('\n').enumerate() {
                if position > 0 {
                    out.push('\n');
                }
                out.push_str(colour);
                out.push_str(line);
                out.push_str(RESET);
            }
        }
        _ => out.push_str(text),
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(position, _)| position + 1)).collect()
}

/// The byte that a place of the tokenizer is at: it counts lines and characters, from one.
fn offset(text: &str, starts: &[usize], place: Location) -> usize {
    let part = |count: u64| usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
    let start = starts.get(part(place.line)).copied().unwrap_or(text.len());
    text[start..].char_indices().nth(part(place.column)).map_or(text.len(), |(position, _)| start + position)
}

/// Keywords of other dialects that are columns here.
const NAMES: [Keyword; 7] =
    [Keyword::NAME, Keyword::DATE, Keyword::DOMAIN, Keyword::POSITION, Keyword::VALUE, Keyword::RAW, Keyword::ROLE];

const BOLD: &str = "\u{1b}[1;34m";
const CYAN: &str = "\u{1b}[36m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        [BOLD, CYAN, GREEN, DIM, RESET].iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    #[test]
    fn a_statement_ends_with_a_semicolon_outside_of_quotes_and_comments() {
        for complete in ["SELECT 1;", "SELECT 1; -- done", "SELECT ';' ;\n", "SELECT 1; SELECT 2;", "SELECT 1 /* ; */;"]
        {
            assert!(is_complete(complete), "{complete}");
        }
        for open in ["", "SELECT 1", "SELECT ';", "SELECT 1 -- ;", "SELECT 1 /* ;", "SELECT 1; SELECT", "SELECT \";"] {
            assert!(!is_complete(open), "{open}");
        }
    }

    #[test]
    fn comments_alone_are_nothing_to_run() {
        assert!(is_blank(" -- only\n/* words */ ;"));
        assert!(!is_blank("SELECT 1"));
        assert!(!is_blank("SELECT '"));
    }

    #[test]
    fn colours_change_no_character() {
        let texts = [
            "SELECT 'ä日', 12 -- é",
            "select \"a b\" from x where y = 'open",
            "/* open 日",
            "",
            "SELECT\n'two\nlines', 1",
        ];
        for text in texts {
            assert_eq!(plain(&coloured("", text)), text);
            assert_eq!(plain(&coloured("SELECT 'begun\n", text)), text);
        }
    }

    #[test]
    fn keywords_texts_numbers_and_comments_differ() {
        let shown = coloured("", "SELECT 'a', 1 -- c");
        let expected = format!("{BOLD}SELECT{RESET} {GREEN}'a'{RESET}, {CYAN}1{RESET} {DIM}-- c{RESET}");
        assert_eq!(shown, expected);
        assert!(coloured("SELECT 'begun\n", "ended'").starts_with(GREEN));
    }
}
