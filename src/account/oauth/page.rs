//! What the browser shows at the end of a sign-in.
//!
//! Pages of our own, with nothing from elsewhere in them; what a provider said is shown as text and nothing else.

use crate::error::Error;

/// A page.
pub(super) struct Page {
    mark: &'static str,
    title: String,
    text: String,
    hint: Option<String>,
}

impl Page {
    /// All went well.
    pub(super) fn succeeded(user: &str) -> Self {
        let text = format!("mailql now tries the mail of {user}; the terminal tells what comes of it.");
        Self {
            mark: "✓",
            title: "You are signed in".to_owned(),
            text,
            hint: Some("You can close this window and go back to the terminal.".to_owned()),
        }
    }

    /// Something did not.
    pub(super) fn failed(error: &Error) -> Self {
        Self {
            mark: "✕",
            title: "You are not signed in".to_owned(),
            text: sentence(&error.to_string()),
            hint: error.way_out().map(sentence),
        }
    }

    /// There is nothing.
    pub(super) fn nothing() -> Self {
        Self {
            mark: "·",
            title: "Nothing to see here".to_owned(),
            text: "mailql waits at this address for the end of a sign-in, and for nothing else.".to_owned(),
            hint: None,
        }
    }

    /// The page as HTML.
    pub(super) fn html(&self) -> String {
        let (mark, title, text) = (self.mark, escaped(&self.title), escaped(&self.text));
        let hint = self.hint.as_deref().map(|hint| format!("<p class=hint>{}</p>", escaped(hint))).unwrap_or_default();
        let colour = match self.mark {
            "✓" => "#1a7f4b",
            "✕" => "#b3261e",
            _ => "#6b7280",
        };
        format!(
            "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>{title} – mailql</title><style>{STYLE}.mark{{color:{colour}}}</style>\
             <main><div class=mark aria-hidden=true>{mark}</div><h1>{title}</h1><p>{text}</p>{hint}\
             <footer>mailql</footer></main></html>\n"
        )
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let is_word = text.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    // An address begins as it does.
    let raised = |first: char| if is_word { first.to_uppercase().to_string() } else { first.to_string() };
    let first = letters.next().map(raised).unwrap_or_default();
    let rest = letters.as_str();
    format!("{first}{rest}{}", if text.ends_with(['.', '!', '?']) { "" } else { "." })
}

/// A text that is nothing but text.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        match letter {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            letter if letter.is_control() => shown.push(' '),
            letter => shown.push(letter),
        }
        shown
    })
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;background:#f6f7f9;color:#1f2328}\
main{box-sizing:border-box;width:min(30rem,92vw);padding:2.5rem 2rem 1.5rem;background:#fff;border:1px solid #d9dde3;border-radius:12px;text-align:center;overflow-wrap:anywhere}\
.mark{font-size:3rem;line-height:1}\
h1{margin:.75rem 0 .5rem;font-size:1.35rem}\
p{margin:.5rem 0}\
.hint{color:#59636e}\
footer{margin-top:1.75rem;font-size:.8rem;color:#8b949e;letter-spacing:.05em}\
@media(prefers-color-scheme:dark){body{background:#15181c;color:#e6e8eb}main{background:#1d2126;border-color:#343a42}.hint{color:#9da7b3}}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_a_provider_says_is_text_and_nothing_else() {
        let hostile = "<script>alert(1)</script> \" onload='x' &\u{1b}[2J";
        let error = Error::new(ErrorKind::Server, hostile).hint("</main><img src=x>");
        let page = Page::failed(&error).html();
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&lt;/main&gt;&lt;img"),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{1b}'), "{page}");
    }

    #[test]
    fn pages_need_nothing_from_elsewhere() {
        for page in [Page::succeeded("me@example.org"), Page::nothing()] {
            let html = page.html();
            assert!(!html.contains("http") && !html.contains("url(") && html.contains(&page.title), "{html}");
        }
    }
}
