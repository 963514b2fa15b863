//! Predicates on text to search keys, for stores that are trusted to find a text wherever it stands.
//!
//! Pure. A key asks for less than the predicate: for words of it, which stand in the mail as they stand in the
//! column. Whether stores are asked at all is a setting; see [`super::pushdown`], which calls this for one condition.

mod regex;

use std::cmp::Reverse;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, InListExpr, LikeExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::Table;
use super::column::Search;
use super::pushdown::{searched, text, value};
use crate::mail::{SearchKey, SearchText, TextField};

/// The key for a condition that a column is, begins, ends with or contains a text; it finds a superset, and so must not
/// be negated.
pub fn search(table: &Table, predicate: &Arc<dyn PhysicalExpr>) -> Option<SearchKey> {
    if let Some(like) = predicate.downcast_ref::<LikeExpr>() {
        let field = field(table, like.expr()).filter(|_| !like.negated())?;
        return key(field, &pieces(&text(&value(like.pattern())?)?));
    }
    if let Some(binary) = predicate.downcast_ref::<BinaryExpr>() {
        if let Operator::RegexMatch | Operator::RegexIMatch = binary.op() {
            return key(field(table, binary.left())?, &regex::pieces(&text(&value(binary.right())?)?));
        }
        if let Some([column, wanted]) = placed(binary) {
            return key(field(table, column)?, &[text(&value(wanted)?)?]);
        }
        let is_equality = matches!(binary.op(), Operator::Eq | Operator::IsNotDistinctFrom);
        let sides = [(binary.left(), binary.right()), (binary.right(), binary.left())];
        let (field, wanted) = sides
            .into_iter()
            .filter(|_| is_equality)
            .find_map(|(column, wanted)| Some((field(table, column)?, value(wanted)?)))?;
        return key(field, &[text(&wanted)?]);
    }
    if let Some(list) = predicate.downcast_ref::<InListExpr>() {
        let field = field(table, list.expr()).filter(|_| !list.negated())?;
        let items = list.list().iter().map(value).collect::<Option<Vec<_>>>()?;
        // A null is equal to nothing.
        let items: Vec<_> = items.iter().filter(|item| !item.is_null()).collect();
        if items.len() > MOST_ITEMS {
            return None;
        }
        let keys = items.into_iter().map(|item| key(field, &[text(item)?])).collect::<Option<Vec<_>>>()?;
        return keys.into_iter().reduce(SearchKey::or);
    }
    let call = predicate.downcast_ref::<ScalarFunctionExpr>()?;
    let ("contains" | "starts_with" | "ends_with", [column, wanted]) = (call.name(), call.args()) else { return None };
    key(field(table, column)?, &[text(&value(wanted)?)?])
}

/// The text and what is looked for in it, of `strpos(…, …) > 0` and its like: it is somewhere.
fn placed(binary: &BinaryExpr) -> Option<[&Arc<dyn PhysicalExpr>; 2]> {
    let left = binary.left();
    let left =
        left.downcast_ref::<CastExpr>().filter(|cast| cast.cast_type().is_integer()).map_or(left, CastExpr::expr);
    let call = left.downcast_ref::<ScalarFunctionExpr>().filter(|call| call.name() == "strpos")?;
    let place = value(binary.right())?.cast_to(&DataType::Int64).ok()?;
    let ScalarValue::Int64(Some(place)) = place else { return None };
    let is_somewhere = match binary.op() {
        Operator::Gt => place >= 0,
        Operator::GtEq | Operator::Eq => place >= 1,
        Operator::NotEq => place == 0,
        _ => false,
    };
    match call.args() {
        [column, wanted] if is_somewhere => Some([column, wanted]),
        _ => None,
    }
}

/// The field of which an expression shows a piece, or all, as written or in lower case: servers look for text in any case.
fn field(table: &Table, expression: &Arc<dyn PhysicalExpr>) -> Option<TextField> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        return field(table, cast.expr()).filter(|_| cast.cast_type().is_string());
    }
    if let Some(call) = expression.downcast_ref::<ScalarFunctionExpr>() {
        return match (call.name(), call.args()) {
            ("lower" | "left" | "right" | "substr" | "split_part" | "btrim" | "ltrim" | "rtrim", [argument, ..]) => {
                field(table, argument)
            }
            _ => None,
        };
    }
    match searched(table, expression)? {
        Search::Text(field) => Some(field),
        Search::Here
        | Search::Account
        | Search::Folder
        | Search::Uid
        | Search::Flag(_)
        | Search::Size
        | Search::ReceivedAt => None,
    }
}

/// What a text that fits a LIKE pattern contains, piece by piece.
fn pieces(pattern: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' | '_' => pieces.push(std::mem::take(&mut piece)),
            '\\' => match letters.next() {
                Some(escaped @ ('%' | '_')) => piece.push(escaped),
                // Whether the backslash is meant or not, a piece may begin behind it.
                other => {
                    pieces.push(std::mem::take(&mut piece));
                    piece.extend(other);
                }
            },
            other => piece.push(other),
        }
    }
    pieces.push(piece);
    pieces
}

/// The key for a field that contains all these pieces: for the longest words of them.
fn key(field: TextField, pieces: &[String]) -> Option<SearchKey> {
    let words = pieces.iter().flat_map(|piece| piece.split(|letter| !stands_alike(field, letter)));
    let mut words: Vec<SearchText> =
        words.filter_map(|word| SearchText::new(word.get(..SearchText::LONGEST).unwrap_or(word))).collect();
    words.sort_by_key(|word| Reverse(word.len()));
    words.dedup();
    words.truncate(MOST_WORDS);
    words.into_iter().map(|word| SearchKey::Text(field, word)).reduce(SearchKey::and)
}

/// Whether a character of a column stands in the mail, too, right beside those that it stands beside in the column.
///
/// Never a blank: fields are folded there, and some servers look into the lines one by one.
fn stands_alike(field: TextField, letter: char) -> bool {
    match field {
        TextField::Subject => letter != ' ' && SearchText::may_have(letter),
        // The specials of RFC 5322 §3.2.3 but the dot: quotes, comments, brackets and blanks may stand beside them, or
        // they are not there at all, as the commas of our lists. The apostrophe is often escaped.
        TextField::From
        | TextField::To
        | TextField::Cc
        | TextField::Bcc
        | TextField::MessageId
        | TextField::InReplyTo
        | TextField::References => {
            letter != ' '
                && SearchText::may_have(letter)
                && !matches!(letter, '('..=')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | ',' | '\'')
        }
        // In HTML the others may be written as entities.
        TextField::Body => letter.is_ascii_alphanumeric(),
    }
}

/// How many words of a text are asked for: the two sides of an address, and enough of anything else.
const MOST_WORDS: usize = 2;
/// How many texts a list may have; each is a search of its own.
const MOST_ITEMS: usize = 10;

#[cfg(test)]
mod tests {
    use datafusion::common::DFSchema;
    use datafusion::prelude::SessionContext;

    use crate::table::find;
    use crate::table::pushdown::{Answer, search};
    use crate::table::settings::TextPushdown;

    /// The keys of a predicate with text and without it, as `super::super::pushdown` gives them; `-` for none.
    fn keys(sql: &str) -> [String; 2] {
        let table = find("MessageBody").unwrap();
        let schema = DFSchema::try_from(table.schema()).unwrap();
        let context = SessionContext::new();
        let expression = context.parse_sql_expr(sql, &schema).unwrap();
        let predicate = context.create_physical_expr(expression, &schema).unwrap();
        [TextPushdown::Trust, TextPushdown::Off].map(|text| match search(table, &predicate, None, text) {
            None => "-".to_owned(),
            Some(pushed) => {
                let answer = if pushed.answer == Answer::Exact { "" } else { "~" };
                format!("{answer}{}", pushed.key)
            }
        })
    }

    fn check(predicates: &[(&str, &str)]) {
        for (predicate, expected) in predicates {
            assert_eq!(keys(predicate), [*expected, "-"], "{predicate}");
        }
    }

    #[test]
    fn every_way_to_say_contains_is_one_key() {
        check(&[
            ("subject = 'invoice'", r#"~SUBJECT "invoice""#),
            ("'invoice' = subject", r#"~SUBJECT "invoice""#),
            ("subject IS NOT DISTINCT FROM 'invoice'", r#"~SUBJECT "invoice""#),
            ("subject LIKE '%invoice%'", r#"~SUBJECT "invoice""#),
            ("subject ILIKE 'Invoice%'", r#"~SUBJECT "Invoice""#),
            ("contains(subject, 'invoice')", r#"~SUBJECT "invoice""#),
            ("starts_with(subject, 'invoice')", r#"~SUBJECT "invoice""#),
            ("ends_with(subject, 'invoice')", r#"~SUBJECT "invoice""#),
            ("lower(subject) = 'invoice'", r#"~SUBJECT "invoice""#),
            ("lower(subject) LIKE '%invoice%'", r#"~SUBJECT "invoice""#),
            ("contains(lower(subject), 'invoice')", r#"~SUBJECT "invoice""#),
            ("CAST(subject AS VARCHAR) = 'invoice'", r#"~SUBJECT "invoice""#),
        ]);
    }

    #[test]
    fn every_column_has_its_field() {
        check(&[
            ("from_name = 'Ada'", r#"~FROM "Ada""#),
            ("from_address = 'ada@example.org'", r#"~FROM "example.org" FROM "ada""#),
            ("to_addresses LIKE '%ada@example.org%'", r#"~TO "example.org" TO "ada""#),
            ("cc_addresses LIKE '%ada%'", r#"~CC "ada""#),
            ("bcc_addresses LIKE '%ada%'", r#"~BCC "ada""#),
            ("message_id = '<1234@example.org>'", r#"~HEADER Message-ID "example.org" HEADER Message-ID "1234""#),
            ("in_reply_to LIKE '<1234@%'", r#"~HEADER In-Reply-To "1234""#),
            ("reference_ids LIKE '%<1234@%'", r#"~HEADER References "1234""#),
            ("body_text LIKE '%invoice%'", r#"~BODY "invoice""#),
            ("body_html LIKE '%invoice%'", "-"),
            ("preview LIKE '%invoice%'", "-"),
            ("thread_id = '<1234@example.org>'", "-"),
            ("reply_to_addresses LIKE '%ada%'", "-"),
            ("labels = 'invoice'", "-"),
        ]);
    }

    #[test]
    fn only_words_that_stand_in_the_mail_like_that_are_asked_for() {
        check(&[
            ("subject LIKE '%Lamp invoice 17%'", r#"~SUBJECT "invoice" SUBJECT "Lamp""#),
            ("subject = 'Re: [list] 50%-off!'", r#"~SUBJECT "50%-off!" SUBJECT "[list]""#),
            (r#"subject LIKE '%say "hello" twice%'"#, r#"~SUBJECT "hello" SUBJECT "twice""#),
            ("subject LIKE '%Grüße aus Köln%'", r#"~SUBJECT "aus""#),
            ("subject LIKE '%Grüß%'", "-"),
            ("subject = 'ab cd'", "-"),
            ("subject LIKE '%a%'", "-"),
            ("subject LIKE '%'", "-"),
            ("subject = ''", "-"),
            ("subject = 'abc abc'", r#"~SUBJECT "abc""#),
            ("to_addresses = 'ada@a.example, bob@b.example'", r#"~TO "a.example" TO "b.example""#),
            ("from_name = 'O''Neil, Ada'", r#"~FROM "Neil" FROM "Ada""#),
            ("from_name = 'Ada (Sales)'", r#"~FROM "Sales" FROM "Ada""#),
            ("body_text LIKE '%AT&amp;T-Shirts <b>%'", r#"~BODY "Shirts" BODY "amp""#),
        ]);
        let long = "x".repeat(100);
        let key = format!("~SUBJECT \"{}\"", &long[..64]);
        check(&[(&format!("subject = '{long}'"), &key)]);
        check(&[("contains(subject, E'abc\\r\\nA1 LOGOUT')", r#"~SUBJECT "LOGOUT" SUBJECT "abc""#)]);
    }

    #[test]
    fn a_piece_of_a_column_is_in_the_column() {
        check(&[
            ("left(subject, 7) = 'invoice'", r#"~SUBJECT "invoice""#),
            ("right(from_address, 12) = '@example.org'", r#"~FROM "example.org""#),
            ("substr(lower(subject), 3) LIKE 'invoice%'", r#"~SUBJECT "invoice""#),
            ("split_part(from_address, '@', 2) = 'example.org'", r#"~FROM "example.org""#),
            (
                "split_part(from_address, '@', 2) IN ('x.example', 'y.example')",
                r#"~OR FROM "x.example" FROM "y.example""#,
            ),
            ("trim(subject) = 'invoice'", r#"~SUBJECT "invoice""#),
            ("strpos(subject, 'invoice') > 0", r#"~SUBJECT "invoice""#),
            ("position('invoice' IN lower(subject)) >= 1", r#"~SUBJECT "invoice""#),
            ("strpos(subject, 'invoice') = 4", r#"~SUBJECT "invoice""#),
            ("strpos(subject, 'invoice') <> 0", r#"~SUBJECT "invoice""#),
            ("strpos(subject, 'invoice') >= 0", "-"),
            ("strpos(subject, 'invoice') = 0", "-"),
            ("strpos(subject, 'invoice') < 5", "-"),
            ("strpos('invoice', subject) > 0", "-"),
            ("replace(subject, 'x', 'invoice') = 'invoice'", "-"),
        ]);
    }

    #[test]
    fn of_a_regular_expression_the_words_that_must_be_there() {
        check(&[
            ("subject ~ 'invoice'", r#"~SUBJECT "invoice""#),
            ("subject ~ '^Re: .*invoice [0-9]+$'", r#"~SUBJECT "invoice" SUBJECT "Re:""#),
            ("subject ~* 'invoice [0-9]+'", r#"~SUBJECT "invoice""#),
            ("regexp_like(subject, 'invoice [0-9]+')", "-"),
            ("subject ~ 'in.*ice|bill'", "-"),
            ("subject !~ 'invoice [0-9]+'", "-"),
            ("subject ~ '(invoice'", "-"),
            ("(subject ~ 'invoice [0-9]+') = true", r#"~SUBJECT "invoice""#),
        ]);
    }

    #[test]
    fn wildcards_cut_a_pattern_and_escaped_ones_do_not() {
        check(&[
            ("subject LIKE '%inv_ice%'", r#"~SUBJECT "inv" SUBJECT "ice""#),
            ("subject LIKE 'Lamp%invoice%'", r#"~SUBJECT "invoice" SUBJECT "Lamp""#),
            (r"subject LIKE '%50\%off%'", r#"~SUBJECT "50%off""#),
            (r"subject LIKE '%a\_b\%c%'", r#"~SUBJECT "a_b%c""#),
            (r"subject LIKE '%one\two\\three%'", r#"~SUBJECT "three" SUBJECT "one""#),
            (r"subject LIKE '%invoice\'", r#"~SUBJECT "invoice""#),
            (r"contains(subject, '50%_off')", r#"~SUBJECT "50%_off""#),
            (r"starts_with(subject, '50%_off')", r#"~SUBJECT "50%_off""#),
        ]);
    }

    #[test]
    fn lists_are_asked_item_by_item_when_all_can_be() {
        let list = |items: usize| (0..items).map(|item| format!("'item{item}'")).collect::<Vec<_>>().join(", ");
        check(&[
            ("subject IN ('one', 'two')", r#"~OR SUBJECT "one" SUBJECT "two""#),
            (
                "from_address IN ('ada@x.example', 'b@y.example')",
                r#"~OR (FROM "x.example" FROM "ada") FROM "y.example""#,
            ),
            ("subject IN ('one', 'x')", "-"),
            ("subject IN ('one', 'two', 'three', 'four', 'x')", "-"),
            ("subject IN ('one', 'two', 'three', 'four', from_name)", "-"),
            ("subject NOT IN ('one', 'two', 'three', 'four')", "-"),
            (&format!("subject IN ({})", list(11)), "-"),
        ]);
        let [trusted, _] = keys(&format!("subject IN ({}, NULL)", list(10)));
        assert_eq!(trusted.matches("SUBJECT \"item").count(), 10, "{trusted}");
        assert_eq!(trusted.matches("OR ").count(), 9, "{trusted}");
    }

    #[test]
    fn what_is_not_contained_is_not_asked_for() {
        check(&[
            ("subject NOT LIKE '%invoice%'", "-"),
            ("subject NOT ILIKE '%invoice%'", "-"),
            ("NOT (subject = 'invoice')", "-"),
            ("NOT (subject LIKE '%invoice%' OR from_name = 'Ada')", "-"),
            ("NOT contains(subject, 'invoice')", "-"),
            ("(subject LIKE '%invoice%') = false", "-"),
            ("(subject LIKE '%invoice%') IS NOT TRUE", "-"),
            ("subject <> 'invoice'", "-"),
            ("subject > 'invoice'", "-"),
            ("subject IS DISTINCT FROM 'invoice'", "-"),
            ("subject ~ 'in.*ice|bill'", "-"),
            ("upper(subject) = 'STRASSE'", "-"),
            ("contains('invoice', subject)", "-"),
            ("subject = from_name", "-"),
            ("subject = NULL", "-"),
            ("subject LIKE from_name", "-"),
            ("length(subject) = 7", "-"),
            ("subject || 'x' = 'invoicex'", "-"),
        ]);
    }

    #[test]
    fn text_goes_with_other_keys_like_any_superset() {
        let both = |predicate| keys(predicate).join(" off ");
        assert_eq!(both("NOT seen AND subject LIKE '%invoice%'"), r#"~UNSEEN SUBJECT "invoice" off ~UNSEEN"#);
        assert_eq!(both("seen OR subject LIKE '%invoice%'"), r#"~OR SEEN SUBJECT "invoice" off -"#);
        assert_eq!(both("seen OR subject LIKE '%x%'"), "- off -");
        assert_eq!(both("uid = 7 AND NOT (seen AND subject = 'invoice')"), "~UID 7 off ~UID 7");
    }
}
