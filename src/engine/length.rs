//! How long the parts of a statement may be, looked at before it is parsed.
//!
//! A long run of operators becomes a tree that is as deep, and a tree that is too deep for the stack ends the process. The parser bounds
//! what is nested, but not what follows each other: operators, queries between UNION, tables between JOIN. Works on tokens,
//! and so never needs a stack of its own. What became of the statement is looked at once more in [`super::depth`].

use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, ErrorKind, Result};

/// Refuses a text of statements where one of them has a part that is too long.
///
/// # Errors
/// When it has. A text that is no SQL is left to the parser.
pub fn check(dialect: &dyn Dialect, text: &str) -> Result<()> {
    // The least that is too long has a token and a blank for each operator.
    if text.len() < MOST_QUERIES.min(MOST_TABLES) {
        return Ok(());
    }
    let Ok(tokens) = Tokenizer::new(dialect, text).tokenize() else { return Ok(()) };
    let mut levels = Levels { open: Vec::new(), level: Level::default(), before: Keyword::NoKeyword };
    tokens.iter().try_for_each(|token| levels.next(token))
}

/// Counts of the tokens between two brackets, as far as they were read.
#[derive(Default)]
struct Level {
    /// ANDs and ORs since the last comma, or in the brackets since then: where there were more.
    terms: usize,
    /// Other operators since the last AND, OR or comma, or in the brackets since then.
    steps: usize,
    /// The most of both in any run of the level.
    most: (usize, usize),
    /// BETWEENs whose AND is still to come.
    between: usize,
    queries: usize,
    tables: usize,
    is_in_from: bool,
}

struct Levels {
    open: Vec<Level>,
    level: Level,
    /// The word before, if that was the last token but blanks.
    before: Keyword,
}

impl Levels {
    fn next(&mut self, token: &Token) -> Result<()> {
        let keyword = match token {
            Token::Whitespace(_) => return Ok(()),
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        let before = std::mem::replace(&mut self.before, keyword);
        match token {
            Token::LParen | Token::LBrace => self.begin(),
            Token::LBracket => {
                self.step()?;
                self.begin();
            }
            Token::RParen | Token::RBracket | Token::RBrace => self.end(),
            Token::SemiColon => (self.open, self.level) = (Vec::new(), Level::default()),
            Token::Comma => {
                if self.level.is_in_from {
                    self.table()?;
                }
                self.level.cut_terms();
            }
            Token::Word(_) if keyword != Keyword::NoKeyword => self.word(keyword, before)?,
            Token::Word(_)
            | Token::Number(..)
            | Token::Char(_)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
            // The parser counts these.
            | Token::Period
            | Token::EOF => {}
            _ => self.step()?,
        }
        Ok(())
    }

    fn word(&mut self, keyword: Keyword, before: Keyword) -> Result<()> {
        let level = &mut self.level;
        match keyword {
            Keyword::AND if level.between > 0 => {
                level.between -= 1;
                return self.step();
            }
            Keyword::AND | Keyword::OR => {
                level.cut_steps();
                level.terms += 1;
                level.most.0 = level.most.0.max(level.terms);
                if level.terms > MOST_TERMS {
                    return Err(too_many(MOST_TERMS, "ANDs and ORs", VALUES));
                }
            }
            Keyword::CASE => self.begin(),
            Keyword::END => self.end(),
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => level.cut_terms(),
            Keyword::SELECT => {
                level.cut_terms();
                level.is_in_from = false;
            }
            Keyword::FROM if before != Keyword::DISTINCT => (level.is_in_from, level.tables) = (true, 0),
            Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER | Keyword::LIMIT | Keyword::WINDOW => {
                level.is_in_from = false;
                return self.step();
            }
            Keyword::JOIN => {
                level.cut_terms();
                return self.table();
            }
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS => {
                level.is_in_from = false;
                level.queries += 1;
                if level.queries > MOST_QUERIES {
                    return Err(too_many(MOST_QUERIES, "queries between UNION, INTERSECT or EXCEPT", UNION));
                }
            }
            Keyword::BETWEEN => {
                level.between += 1;
                return self.step();
            }
            _ => return self.step(),
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        self.level.steps += 1;
        self.level.most.1 = self.level.most.1.max(self.level.steps);
        if self.level.steps > MOST_STEPS {
            return Err(too_many(MOST_STEPS, "operators in one expression", STEPS));
        }
        Ok(())
    }

    fn table(&mut self) -> Result<()> {
        self.level.tables += 1;
        if self.level.tables >= MOST_TABLES {
            return Err(too_many(MOST_TABLES, "tables in one FROM", TABLES));
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.open.push(std::mem::take(&mut self.level));
    }

    /// The brackets are an operand of what is around them, and as deep as what is in them.
    fn end(&mut self) {
        let Some(around) = self.open.pop() else { return };
        let inner = std::mem::replace(&mut self.level, around);
        let level = &mut self.level;
        level.terms = level.terms.max(inner.most.0);
        level.steps = level.steps.max(inner.most.1);
        level.most = (level.most.0.max(level.terms), level.most.1.max(level.steps));
    }
}

impl Level {
    fn cut_steps(&mut self) {
        self.steps = 0;
    }

    fn cut_terms(&mut self) {
        (self.terms, self.steps, self.between) = (0, 0, 0);
    }
}

fn too_many(most: usize, what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Query, format!("the statement has more than {most} {what}")).hint(hint)
}

/// ANDs and ORs of one condition.
const MOST_TERMS: usize = 20_000;
/// Other operators of one expression.
const MOST_STEPS: usize = 1_000;
/// Queries of one UNION.
const MOST_QUERIES: usize = 200;
/// Tables of one FROM.
const MOST_TABLES: usize = 100;

const VALUES: &str =
    "put the values into a list (… IN (1, 2, 3)), or into a table and join it: VALUES (1), (2), or a CSV file";
const STEPS: &str =
    "put the values into a table and use an aggregate function (sum, string_agg), or do it in several steps";
const UNION: &str = "put the values into one query: VALUES (1), (2), …, or one SELECT with IN (…)";
const TABLES: &str = "join fewer at once, and keep what comes out: CREATE TABLE … AS SELECT …";
