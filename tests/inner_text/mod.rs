//! HTML as text, held against a browser: `innerText` of the body of the same page.
//!
//! Pages are in [`pages`], and made at random; what we do otherwise on purpose is at the end, each with its reason.

mod pages;

use mailql::mail::html;

use super::chance::Chance;
use super::server::browser::Browser;

#[test]
fn html_is_the_text_that_a_browser_shows() {
    let browser = Browser::start();
    let pages: Vec<String> = pages::MAILS.iter().chain(&pages::PIECES).map(|page| (*page).to_owned()).collect();
    assert!(pages.len() >= 150);
    agree(&browser, &pages);
    let random: Vec<String> = (0..PAGES).map(|seed| page(&mut Chance::of(seed))).collect();
    agree(&browser, &random);
    for (html, shown, ours, reason) in OTHERWISE {
        assert_eq!(told(&browser.inner_texts(&[html.to_owned()])[0]), shown, "{html}: is it still so that {reason}?");
        assert_eq!(html::text(html), ours, "{html}: {reason}");
    }
}

fn agree(browser: &Browser, pages: &[String]) {
    let shown = browser.inner_texts(pages);
    assert_eq!(shown.len(), pages.len());
    for (page, shown) in pages.iter().zip(&shown) {
        assert_eq!(html::text(page), told(shown), "{page:?}");
    }
}

/// A no-break space is a blank, and there are no blank lines at the ends: that much differs everywhere.
fn told(shown: &str) -> String {
    let shown = shown.replace('\u{a0}', " ");
    let lines: Vec<&str> = shown.split('\n').collect();
    let is_text = |line: &&str| !line.trim().is_empty();
    let first = lines.iter().position(is_text);
    let last = lines.iter().rposition(is_text);
    first.zip(last).map(|(first, last)| lines[first..=last].join("\n")).unwrap_or_default()
}

/// A page at random: blocks, lists and tables in each other, some hidden, some without an end tag.
fn page(chance: &mut Chance) -> String {
    let mut page = String::new();
    if chance.once_in(2) {
        page.push_str("<!DOCTYPE html>");
    }
    flow(chance, 4, &mut page);
    page
}

fn flow(chance: &mut Chance, depth: usize, page: &mut String) {
    for _ in 0..=chance.below(4) {
        match if depth == 0 { 0 } else { chance.below(10) } {
            0..=3 => page.push_str(chance.one(&TEXTS)),
            4 => page.push_str(chance.one(&["<br>", "<hr>", "<!-- c -->", "<style>s</style>"])),
            5 | 6 => element(chance, &BLOCKS, depth, page),
            7 => {
                let name = chance.one(&["span", "b", "i", "font", "a", "u", "strong"]);
                page.push_str(&format!("<{name}>"));
                flow(chance, depth - 1, page);
                page.push_str(&format!("</{name}>"));
            }
            _ => {
                page.push_str("<table>");
                for _ in 0..chance.below(4) {
                    page.push_str(&format!("<tr{}>", chance.one(&HIDDEN)));
                    (0..chance.below(4)).for_each(|_| element(chance, &["td", "td", "th"], depth, page));
                }
                page.push_str("</table>");
            }
        }
    }
}

fn element(chance: &mut Chance, names: &[&str], depth: usize, page: &mut String) {
    let name = chance.one(names);
    page.push_str(&format!("<{name}{}>", chance.one(&HIDDEN)));
    flow(chance, depth - 1, page);
    if !chance.once_in(7) {
        page.push_str(&format!("</{name}>"));
    }
}

const TEXTS: [&str; 10] = ["a", "b", " c ", "d  e", " ", "\n", "\n f\n", "&nbsp;", "g&amp;h", "i\n\nj"];

const BLOCKS: [&str; 13] =
    ["div", "p", "ul", "ol", "li", "h2", "blockquote", "pre", "center", "dl", "dt", "dd", "section"];

const HIDDEN: [&str; 10] = ["", "", "", "", "", "", "", "", " hidden", " style='display:none'"];

/// Random pages.
const PAGES: u64 = 400;

/// What a browser shows, what we make of it, and why.
const OTHERWISE: [(&str, &str, &str, &str); 6] = [
    ("a <img> b", "a  b", "a b", "an image is nothing, and the blanks around it are one: words are looked for"),
    ("a<button> b </button>c", "abc", "a b c", "a button is text like any other"),
    (
        "<details><summary>s</summary>t</details>",
        "s",
        "s\nt",
        "what a reader can unfold is text of the mail, and mail programs show it",
    ),
    ("<b style='text-transform:uppercase'>a</b>", "A", "a", "text is as it was written"),
    (
        "<table><tr><td>a</td></tr>b<tr><td>c</td></tr></table>",
        "b\na\nc",
        "a\nb\nc",
        "text between cells stays where it is: the table before it was read",
    ),
    ("<style>p { display: none }</style><p>a</p>", "", "a", "style sheets are not read"),
];
