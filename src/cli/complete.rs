//! What Tab offers: words of SQL, tables, columns, functions, accounts, commands, files, and folders inside quotes.
//!
//! It looks at the text before the cursor only; the one question it asks of the mail, the folders, has a short deadline.
//! The line is drawn on the terminal, so a name that would not be drawn as it is does not go into it.

use std::cell::RefCell;
use std::fmt::Write;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use rustyline::completion::{FilenameCompleter, Pair, longest_common_prefix};
use unicode_width::UnicodeWidthChar;

use super::meta;
use super::output::{Shape, neutral};
use super::session::Session;
use crate::engine;
use crate::engine::export::is_unseen;

/// The names that may stand in a statement.
#[derive(Debug, Default)]
pub(crate) struct Names {
    tables: Vec<String>,
    columns: Vec<String>,
    functions: Vec<String>,
    schemas: Vec<String>,
}

impl Names {
    /// Every name that the session knows now; views and files that were added are among them.
    pub(crate) fn of(session: &Session) -> Self {
        let described = engine::described();
        let ours = described.iter().map(|table| table.name.to_owned());
        let mut names = Self {
            tables: ours.collect(),
            columns: described.iter().flat_map(|table| &table.columns).map(|(name, _, _)| (*name).to_owned()).collect(),
            functions: meta::functions(session).into_iter().map(|(name, _)| name).collect(),
            schemas: session.engine.accounts().iter().map(|account| account.name.clone()).collect(),
        };
        let catalogs = session.engine.context().state().catalog_list().clone();
        for catalog in catalogs.catalog_names().iter().filter_map(|name| catalogs.catalog(name)) {
            for name in catalog.schema_names().into_iter().filter(|name| name != "information_schema") {
                let tables = catalog.schema(&name).map(|schema| schema.table_names()).unwrap_or_default();
                let known = |table: &String| names.tables.iter().any(|ours| ours.eq_ignore_ascii_case(table));
                let added = tables.into_iter().filter(|table| !known(table)).collect::<Vec<_>>();
                names.tables.extend(added);
                names.schemas.push(name);
            }
        }
        for list in [&mut names.tables, &mut names.columns, &mut names.functions, &mut names.schemas] {
            // SQL has no other way to write such a character within an identifier, so that name is not offered.
            list.retain(|name| is_drawn_as_it_is(name));
            list.sort_unstable();
            list.dedup();
        }
        names
    }
}

/// What can be asked for candidates.
pub(crate) struct Completion {
    pub(crate) names: Names,
    files: FilenameCompleter,
    /// Asked once, when it is first needed; `None` until it answered in time.
    folders: RefCell<Option<Vec<String>>>,
    ask_folders: Box<dyn Fn() -> Option<Vec<String>>>,
}

impl Completion {
    pub(crate) fn new(names: Names, ask_folders: Box<dyn Fn() -> Option<Vec<String>>>) -> Self {
        Self { names, files: FilenameCompleter::new(), folders: RefCell::new(None), ask_folders }
    }

    /// Where in the line the word begins, and what it may become; `before` are the lines above it.
    pub(crate) fn candidates(&self, before: &str, line: &str, position: usize) -> (usize, Vec<Pair>) {
        let typed = &line[..position];
        if before.is_empty() && typed.trim_start().starts_with('\\') {
            return self.of_command(line, position);
        }
        let text = format!("{before}{typed}");
        if let Some((quote, start)) = open_quote(&text) {
            // What is quoted above this line cannot be replaced here.
            let word = (start + 1).checked_sub(before.len());
            return match word {
                Some(word) if quote == '\'' && wants_folder(&text[..start]) => (word, self.of_folder(&typed[word..])),
                _ => (position, Vec::new()),
            };
        }
        let word = typed.rfind(|character: char| !is_word(character)).map_or(0, |end| end + last_length(typed, end));
        let before = &text[..text.len() - (typed.len() - word)];
        (word, self.of_word(&typed[word..], before))
    }

    fn of_command(&self, line: &str, position: usize) -> (usize, Vec<Pair>) {
        let typed = &line[..position];
        let start = typed.len() - typed.trim_start().len();
        let Some(space) = typed[start..].find(char::is_whitespace).map(|space| start + space) else {
            let names = meta::COMMANDS.iter().map(|command| command.name);
            return (start, starting(&typed[start..], names).map(|name| pair(name, format!("{name} "))).collect());
        };
        let word = typed.rfind(char::is_whitespace).map_or(position, |end| end + 1);
        let offer = |names: &[String]| {
            starting(&typed[word..], names.iter().map(String::as_str)).map(|name| pair(name, name.to_owned())).collect()
        };
        let candidates = match &typed[start..space] {
            "\\i" | "\\o" => return self.of_file(line, position),
            "\\d" => offer(&self.names.tables),
            "\\df" => offer(&self.names.functions),
            "\\folders" => offer(&self.names.schemas),
            "\\format" => offer(&Shape::names().into_iter().map(str::to_owned).collect::<Vec<_>>()),
            _ => Vec::new(),
        };
        (word, candidates)
    }

    /// Files; a command has no other way to write a name that is not drawn as it is, so that one is not offered.
    fn of_file(&self, line: &str, position: usize) -> (usize, Vec<Pair>) {
        let (start, mut found) = self.files.complete_path(line, position).unwrap_or((position, Vec::new()));
        found.retain(|file| is_drawn_as_it_is(&file.display) && is_drawn_as_it_is(&file.replacement));
        (start, found)
    }

    fn of_folder(&self, typed: &str) -> Vec<Pair> {
        let mut known = self.folders.borrow_mut();
        if known.is_none() {
            *known = (self.ask_folders)();
        }
        let typed = typed.to_lowercase();
        let spelled = known.iter().flatten().map(|folder| (folder, spelled(folder)));
        let found = spelled.filter(|(_, spelled)| spelled.to_lowercase().starts_with(&typed));
        let mut found: Vec<Pair> = found.map(|(folder, spelled)| pair(&neutral(folder), spelled)).collect();
        // Of several, the line gets what they share; that must not end the quote, or no more would be offered in it.
        if let Some(end) = found.get(1).and_then(|_| end_of_quote(longest_common_prefix(&found)?)) {
            for folder in &mut found {
                folder.replacement.truncate(end);
            }
        }
        found
    }

    fn of_word(&self, typed: &str, before: &str) -> Vec<Pair> {
        let names = &self.names;
        let plain = |name: &str| pair(name, name.to_owned());
        let tables = starting(typed, names.tables.iter().map(String::as_str)).map(plain);
        let columns = starting(typed, names.columns.iter().map(String::as_str)).map(plain);
        let schemas = starting(typed, names.schemas.iter().map(String::as_str)).map(plain);
        if let Some(owner) = before.strip_suffix('.') {
            // What stands before the dot is an account, or else a table or its alias.
            let owner = owner.rsplit(|character| !is_word(character) && character != '"').next().unwrap_or_default();
            let is_schema = names.schemas.iter().any(|schema| schema.eq_ignore_ascii_case(owner.trim_matches('"')));
            return if is_schema { tables.collect() } else { columns.collect() };
        }
        if wants_table(before) {
            return tables.chain(schemas).collect();
        }
        if typed.is_empty() {
            return Vec::new();
        }
        let lower = typed.chars().all(|character| !character.is_uppercase());
        let keywords = starting(typed, KEYWORDS.iter().copied())
            .map(|word| if lower { plain(&word.to_lowercase()) } else { plain(word) });
        let functions = starting(typed, names.functions.iter().map(String::as_str));
        let functions = functions.map(|name| pair(name, format!("{name}(")));
        let mut found = keywords.chain(tables).chain(columns).chain(schemas).chain(functions).collect::<Vec<_>>();
        let mut seen = std::collections::HashSet::new();
        found.retain(|candidate| seen.insert(candidate.display.to_lowercase()));
        found
    }
}

/// A text as it follows an opening quote: the rest of an expression that is the text, with nothing in it that is not drawn
/// as it is (`'A' || chr(27) || 'B'`).
fn spelled(text: &str) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    if is_drawn_as_it_is(text) {
        return format!("{}'", quoted(text));
    }
    let is_plain = |letter: char| !is_unseen(letter) && letter.width() != Some(0);
    let mut spelled = String::new();
    let mut rest = text;
    loop {
        let end = rest.find(|letter| !is_plain(letter)).unwrap_or(rest.len());
        spelled.push_str(&quoted(&rest[..end]));
        spelled.push('\'');
        let from = rest[end..].find(is_plain).map_or(rest.len(), |length| end + length);
        for letter in rest[end..from].chars() {
            // Writing to a string cannot fail.
            write!(spelled, " || chr({})", u32::from(letter)).unwrap_or_default();
        }
        rest = &rest[from..];
        if rest.is_empty() {
            return spelled;
        }
        spelled.push_str(" || '");
    }
}

/// Where a text that follows an opening quote ends it; two quotes are one of the text.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('\'').map(|(position, _)| position).peekable();
    loop {
        let quote = quotes.next()?;
        if quotes.next_if_eq(&(quote + 1)).is_none() {
            return Some(quote);
        }
    }
}

/// Tells whether a terminal draws a text as it is, and nothing of it moves the cursor or hides.
fn is_drawn_as_it_is(text: &str) -> bool {
    neutral(text) == text
}

/// The quote that is open at the end of a text, and where it began.
pub(crate) fn open_quote(text: &str) -> Option<(char, usize)> {
    let mut open = None;
    let mut characters = text.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        match (open, character) {
            (None, '\'' | '"') => open = Some((character, position)),
            (None, '-') if text[position..].starts_with("--") => {
                while characters.next_if(|(_, character)| *character != '\n').is_some() {}
            }
            (None, '/') if text[position..].starts_with("/*") => {
                let end = text[position + 2..].find("*/")? + position + 4;
                while characters.next_if(|(position, _)| *position < end).is_some() {}
            }
            (Some((quote, _)), character) if quote == character => open = None,
            _ => {}
        }
    }
    open
}

/// Tells whether a quote that follows this text holds the name of a folder.
fn wants_folder(text: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else { return false };
    let mut tokens = tokens.into_iter().rev().filter(|token| !matches!(token, Token::Whitespace(_))).peekable();
    let is_folder =
        |token: Option<Token>| matches!(token, Some(Token::Word(word)) if word.value.eq_ignore_ascii_case("folder"));
    let is_keyword =
        |token: &Token, wanted: &[Keyword]| matches!(token, Token::Word(word) if wanted.contains(&word.keyword));
    match tokens.next() {
        Some(Token::Eq | Token::Neq) => is_folder(tokens.next()),
        Some(token) if is_keyword(&token, &[Keyword::LIKE, Keyword::ILIKE]) => {
            tokens.next_if(|token| is_keyword(token, &[Keyword::NOT]));
            is_folder(tokens.next())
        }
        Some(Token::LParen | Token::Comma) => {
            while tokens
                .next_if(|token| matches!(token, Token::SingleQuotedString(_) | Token::Comma | Token::LParen))
                .is_some()
            {}
            if !tokens.next().is_some_and(|token| is_keyword(&token, &[Keyword::IN])) {
                return false;
            }
            tokens.next_if(|token| is_keyword(token, &[Keyword::NOT]));
            is_folder(tokens.next())
        }
        _ => false,
    }
}

/// Tells whether the word after this text is the name of a table.
fn wants_table(text: &str) -> bool {
    let word = text.trim_end().rsplit(|character| !is_word(character)).next().unwrap_or_default();
    text.ends_with(char::is_whitespace)
        && ["FROM", "JOIN", "INTO", "TABLE", "DESCRIBE"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn starting<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let typed = typed.to_lowercase();
    names.filter(move |name| name.to_lowercase().starts_with(&typed))
}

fn pair(display: &str, replacement: String) -> Pair {
    Pair { display: display.to_owned(), replacement }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn last_length(text: &str, position: usize) -> usize {
    text[position..].chars().next().map_or(0, char::len_utf8)
}

/// Words that people begin to type; the parser knows many more.
const KEYWORDS: [&str; 78] = [
    "ALL",
    "ALTER",
    "AND",
    "ANTI",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COPY",
    "CREATE",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXECUTE",
    "EXISTS",
    "EXPLAIN",
    "EXTERNAL",
    "EXTRACT",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCATION",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PREPARE",
    "RECURSIVE",
    "RIGHT",
    "SELECT",
    "SEMI",
    "SET",
    "SHOW",
    "STORED",
    "TABLE",
    "THEN",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "VIEW",
    "WHERE",
    "WITH",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn completion() -> Completion {
        let names = Names {
            tables: vec!["Folder".into(), "MessagesInFolder".into()],
            columns: vec!["folder".into(), "from_address".into(), "messages".into(), "subject".into()],
            functions: vec!["substr".into()],
            schemas: vec!["work".into()],
        };
        let folders = || Some(vec!["INBOX".to_owned(), "It's".to_owned(), "Größe".to_owned()]);
        Completion::new(names, Box::new(folders))
    }

    fn offered(before: &str, line: &str) -> (usize, Vec<String>) {
        let (start, pairs) = completion().candidates(before, line, line.len());
        (start, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    #[test]
    fn words_become_keywords_tables_columns_and_functions() {
        assert_eq!(offered("", "sel"), (0, vec!["select".to_owned()]));
        assert_eq!(offered("", "SELECT su"), (7, vec!["subject".to_owned(), "substr(".to_owned()]));
        assert_eq!(offered("", "SELECT * FROM mess").1, ["MessagesInFolder"]);
        assert_eq!(offered("", "SELECT * FROM wo").1, ["work"]);
        assert_eq!(offered("", "SELECT * FROM work.mess"), (19, vec!["MessagesInFolder".to_owned()]));
        assert_eq!(offered("", "SELECT m.mess").1, ["messages"]);
        assert_eq!(offered("SELECT *\n", "FROM fold").1, ["Folder"]);
    }

    #[test]
    fn quotes_after_folder_offer_folders() {
        assert_eq!(offered("", "SELECT 1 WHERE folder = 'in"), (25, vec!["INBOX'".to_owned()]));
        assert_eq!(offered("SELECT 1\n", "WHERE m.folder IN ('INBOX', 'gr").1, ["Größe'"]);
        assert_eq!(offered("", "WHERE folder NOT IN ('").1.len(), 3);
        assert_eq!(offered("", "WHERE folder = 'it").1, ["It''s'"]);
        assert!(offered("", "WHERE subject = 'in").1.is_empty());
        assert!(offered("", "SELECT 'sel").1.is_empty());
    }

    fn folders(names: &'static [&'static str]) -> Completion {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Completion::new(Names::default(), Box::new(move || Some(names.clone())))
    }

    #[test]
    fn no_folder_puts_a_character_into_the_line_that_is_not_drawn_as_it_is() {
        for letter in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|letter| is_unseen(*letter)) {
            let code = u32::from(letter);
            let spelled = spelled(&format!("a'{letter}{letter}[2Jb"));
            assert_eq!(spelled, format!("a''' || chr({code}) || chr({code}) || '[2Jb'"));
            assert!(is_drawn_as_it_is(&spelled), "{code:x}");
        }
        assert_eq!(spelled("\u{1b}]52;c;YQ==\u{7}"), "' || chr(27) || ']52;c;YQ==' || chr(7)");
        assert_eq!(spelled("می\u{200c}خواهم"), "می\u{200c}خواهم'", "it is spelling");
        assert_eq!(spelled(&format!("e{}", "\u{301}".repeat(9))), format!("e'{}", " || chr(769)".repeat(9)));
    }

    #[test]
    fn what_several_folders_share_does_not_end_the_quote() {
        let shared = |names| {
            let (_, found) = folders(names).candidates("", "WHERE folder = '", 16);
            (found.len(), longest_common_prefix(&found).unwrap_or_default().to_owned())
        };
        assert_eq!(shared(&["A\u{1b}b", "A\u{1b}c"]), (2, "A".to_owned()));
        assert_eq!(shared(&["A", "A'"]), (2, "A".to_owned()));
        assert_eq!(shared(&["A'b", "A'c"]), (2, "A''".to_owned()));
        assert_eq!(shared(&["INBOX", "IN\u{7}"]), (2, "IN".to_owned()));
        assert_eq!(shared(&["A\u{1b}b"]), (1, "A' || chr(27) || 'b'".to_owned()));
    }

    #[test]
    fn a_file_that_is_not_drawn_as_it_is_is_not_offered() {
        let place = tempfile::tempdir().unwrap();
        for name in ["plain.sql", "p\u{1b}[2J.sql", "p\u{202e}.sql"] {
            std::fs::write(place.path().join(name), "").unwrap();
        }
        let (_, found) = offered("", &format!("\\i {}/p", place.path().display()));
        assert!(found.len() == 1 && found[0].ends_with("plain.sql"), "{found:?}");
    }

    #[test]
    fn commands_and_what_follows_them_are_offered() {
        assert_eq!(offered("", "\\ti"), (0, vec!["\\timing ".to_owned()]));
        assert_eq!(offered("", "\\d Mess").1, ["MessagesInFolder"]);
        assert_eq!(offered("", "\\format c").1, ["csv"]);
        assert_eq!(offered("", "\\folders w").1, ["work"]);
    }

    #[test]
    fn an_open_quote_is_seen_past_comments_and_doubled_quotes() {
        assert_eq!(open_quote("SELECT 'it''s"), Some(('\'', 11)));
        assert_eq!(open_quote("-- it's\nSELECT 1"), None);
        assert_eq!(open_quote("/* it's */ SELECT \"a"), Some(('"', 18)));
        assert_eq!(open_quote("SELECT 'a' "), None);
    }

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
