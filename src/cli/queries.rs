//! The ready-made queries that the program carries, by name.
//!
//! The texts are files of `queries/`, each of which says in its first line what it answers; nothing is run here.

use crate::error::{Error, ErrorKind, Result};

/// A query and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

impl Query {
    /// The query of that name.
    ///
    /// # Errors
    /// There is none; the hint names the nearest.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let wanted = name.to_ascii_lowercase().replace('_', "-");
        let wanted = wanted.strip_suffix(".sql").unwrap_or(&wanted);
        all().find(|query| query.name == wanted).ok_or_else(|| {
            let nearest = nearest(wanted, all().map(|query| query.name));
            let hint = match nearest {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "mailql queries lists them".to_owned(),
            };
            Error::new(ErrorKind::Config, format!("there is no ready-made query {name}")).hint(hint)
        })
    }

    /// What it answers, in one sentence.
    pub(crate) fn sentence(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('-').trim()
    }
}

/// Every query, in order of name.
pub(crate) fn all() -> impl Iterator<Item = Query> {
    QUERIES.iter().map(|(name, text)| Query { name, text })
}

/// The name most like the one that was typed, when it is like it at all.
pub(crate) fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&typed, &name.to_lowercase());
    let scored = names.into_iter().map(|name| (distance(name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= typed.chars().count().max(2) / 2).then_some(name)
}

const QUERIES: [(&str, &str); 19] = [
    ("attachment-types", include_str!("../../queries/attachment-types.sql")),
    ("biggest-folders", include_str!("../../queries/biggest-folders.sql")),
    ("busiest-hours", include_str!("../../queries/busiest-hours.sql")),
    ("domains", include_str!("../../queries/domains.sql")),
    ("duplicates", include_str!("../../queries/duplicates.sql")),
    ("flagged-and-waiting", include_str!("../../queries/flagged-and-waiting.sql")),
    ("invoices", include_str!("../../queries/invoices.sql")),
    ("largest-attachments", include_str!("../../queries/largest-attachments.sql")),
    ("longest-threads", include_str!("../../queries/longest-threads.sql")),
    ("mail-per-month", include_str!("../../queries/mail-per-month.sql")),
    ("mail-per-weekday", include_str!("../../queries/mail-per-weekday.sql")),
    ("mail-with-problems", include_str!("../../queries/mail-with-problems.sql")),
    ("mail-without-subject", include_str!("../../queries/mail-without-subject.sql")),
    ("newsletters", include_str!("../../queries/newsletters.sql")),
    ("response-time-by-thread", include_str!("../../queries/response-time-by-thread.sql")),
    ("unanswered-for-a-week", include_str!("../../queries/unanswered-for-a-week.sql")),
    ("unread-by-folder", include_str!("../../queries/unread-by-folder.sql")),
    ("who-i-write-to", include_str!("../../queries/who-i-write-to.sql")),
    ("who-writes-most", include_str!("../../queries/who-writes-most.sql")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_in_order_and_say_what_they_answer() {
        assert!(QUERIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for query in all() {
            assert!(query.text.starts_with("-- ") && query.sentence().len() > 10, "{}", query.name);
        }
    }

    #[test]
    fn every_file_of_queries_is_carried() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut files = files.filter(|path| path.extension().is_some_and(|ending| ending == "sql"));
        let unknown = files.find(|path| Query::named(&path.file_stem().unwrap().to_string_lossy()).is_err());
        assert_eq!(unknown, None);
    }

    #[test]
    fn a_mistyped_name_gets_the_nearest() {
        assert_eq!(nearest("larjest", ["largest", "other"]), Some("largest"));
        assert_eq!(nearest("zzzzzz", ["largest", "other"]), None);
        assert!(Query::named("who-write-most").unwrap_err().way_out().unwrap().contains("who-writes-most"));
    }
}
