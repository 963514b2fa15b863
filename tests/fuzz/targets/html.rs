//! HTML: its text is bounded by it, text that is written as HTML comes back, and links are where their tags are.

use mailql::mail::html;

pub fn check(data: &[u8]) {
    let page = String::from_utf8_lossy(data);
    // A NUL may become U+FFFD, which has three octets.
    let text = html::text(&page);
    assert!(text.len() <= 3 * page.len(), "{} of {}", text.len(), page.len());
    assert!(!text.contains(['\u{a0}', '\0', '\r']), "{text:?}");
    let is_blank = |line: Option<&str>| line.is_some_and(|line| line.trim().is_empty());
    assert!(
        text.is_empty() || !is_blank(text.split('\n').next()) && !is_blank(text.split('\n').next_back()),
        "{text:?}"
    );
    let links = html::links(&page);
    assert!(links.iter().map(String::len).sum::<usize>() <= 3 * page.len());
    for link in &links {
        assert!(!link.is_empty() && link.trim_matches(' ') == link && !link.contains(['\n', '\r', '\t']), "{link:?}");
    }
    escaped(&page);
}

/// What has no tags comes back word by word, and as it is where white space is kept.
fn escaped(text: &str) {
    let plain = text.replace(['\0', '\r', '\u{a0}'], " ");
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let words =
        |text: &str| text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let kept = html::text(&format!("<i>(</i>{escaped}<i>)</i>"));
    assert_eq!(words(&kept), words(&format!("({plain})")));
    assert!(!kept.contains("  ") && !kept.contains('\n'), "{kept:?}");
    assert_eq!(html::text(&format!("<pre><i>(</i>{escaped})</pre>")), format!("({plain})"));
    let target = plain.trim_matches(|letter| letter <= ' ').replace(['\t', '\n'], "");
    let links = html::links(&format!("<p><a title='>' href=\"{escaped}\">x</a>"));
    assert_eq!(links, if target.is_empty() { vec![] } else { vec![target] });
}
