//! What a text that a regular expression finds must contain.
//!
//! Pure. Only what stands in every match is told: words of the expression itself, and of groups that must occur.

use regex_syntax::hir::{Hir, HirKind};

/// The pieces that every match contains, each as it is written in the expression; none when it is no such expression.
pub fn pieces(pattern: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    if let Ok(parsed) = regex_syntax::parse(pattern) {
        collect(&parsed, &mut pieces);
    }
    pieces
}

// The parser sets a limit to how deep an expression is nested.
fn collect(parsed: &Hir, pieces: &mut Vec<String>) {
    match parsed.kind() {
        HirKind::Literal(literal) => pieces.extend(String::from_utf8(literal.0.to_vec()).ok()),
        HirKind::Capture(group) => collect(&group.sub, pieces),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, pieces)),
        HirKind::Repetition(repeated) if repeated.min > 0 => collect(&repeated.sub, pieces),
        HirKind::Repetition(_) | HirKind::Alternation(_) | HirKind::Class(_) | HirKind::Look(_) | HirKind::Empty => {}
    }
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn only_what_every_match_has_is_told() {
        for (pattern, expected) in [
            ("invoice", &["invoice"][..]),
            ("^Re: .*invoice [0-9]+$", &["Re: ", "invoice "]),
            ("(invoice|bill) overdue", &[" overdue"]),
            ("in(voice)+ (of)? (the (month)) now", &["in", "voice", " ", " ", "the ", "month", " now"]),
            ("(?:abc){2,3}d*e", &["abc", "e"]),
            ("(abc){0,2}", &[]),
            ("abc|abd", &[]),
            (r"50\.00 \$\d", &["50.00 $"]),
            (r"\binvoice\b", &["invoice"]),
            ("(?i)invoice", &[]),
            ("(?x) in voice", &["invoice"]),
            ("[i]nvoice", &["invoice"]),
            ("Gr\u{fc}\u{df}e", &["Gr\u{fc}\u{df}e"]),
            ("a(", &[]),
            ("", &[]),
        ] {
            assert_eq!(pieces(pattern), expected, "{pattern}");
        }
    }
}
