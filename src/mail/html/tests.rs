//! Text and links of HTML; what a browser makes of the same is in `tests/inner_text/`.

use super::*;

#[test]
fn blocks_rows_cells_and_items_are_apart() {
    for (html, shown) in [
        (
            "<table><tr><td>Item</td><td>Price</td></tr><tr><td>Lamp</td><td>10.00</td></tr>\
             <tr><td>Total</td><td>110.00</td></tr></table>",
            "Item\tPrice\nLamp\t10.00\nTotal\t110.00",
        ),
        ("<div>first</div><div>second</div>", "first\nsecond"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<h1>Title</h1><h2>Sub</h2>text", "Title\nSub\ntext"),
        ("before<blockquote>quoted</blockquote>after", "before\nquoted\nafter"),
        ("<dl><dt>Term</dt><dd>Def</dd></dl>", "Term\nDef"),
        ("above<hr>below", "above\nbelow"),
        ("<p>one</p><p>two</p>three", "one\n\ntwo\n\nthree"),
        ("<p>5 < 6 and 7 > 3</p>", "5 < 6 and 7 > 3"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("<pre>\na</pre>", "a"),
        ("a<br>b<br/>c</br>d", "a\nb\nc\nd"),
        ("<table><td>a<td>b<tr><td>c</table>", "a\tb\nc"),
        ("<table>x<tr><td>a</table>", "x\na"),
        ("<td>a</td><td>b</td>", "ab"),
    ] {
        assert_eq!(text(html), shown, "{html}");
    }
}

#[test]
fn white_space_is_one_blank_and_none_at_the_ends_of_a_line() {
    for (html, shown) in [
        (" a \r\n\t b ", "a b"),
        ("<b>a </b> <i> b</i>", "a b"),
        ("<div> a </div>\n \n<div> b </div>", "a\nb"),
        ("a <br> b", "a\nb"),
        ("a&nbsp;b", "a b"),
        ("1&nbsp;234&nbsp;&nbsp;EUR", "1 234  EUR"),
        ("a <img src=x> b", "a b"),
        ("<br><div>&nbsp;</div>a<br><br>", "a"),
        ("<table><tr><td></td><td>a</td><td></td></tr></table>", "\ta\t"),
        (" \n", ""),
        ("&nbsp;", ""),
        ("a\0b", "ab"),
        ("<span style='white-space: pre-wrap'>a  b\n c</span>  d", "a  b\n c d"),
        ("<div style='white-space:pre-line'>a  b \n c</div>", "a b\nc"),
        ("Grüße&nbsp;—&amp;&#8364;&lt;b&gt; 日本", "Grüße —&€<b> 日本"),
    ] {
        assert_eq!(text(html), shown, "{html}");
    }
}

#[test]
fn only_what_is_shown_is_text() {
    for hidden in [
        "<style>p > a { color: red }</style>",
        "<script>if (a < b) { '<p>' }</script>",
        "<title>t</title>",
        "<!-- c -->",
        "<!--[if mso]><p>outlook</p><![endif]-->",
        "<template><p>t</p></template>",
        "<noscript>n</noscript>",
        "<textarea>t</textarea>",
        "<div hidden><p>h</p></div>",
        "<span hidden>a<span>b</span>c</span>",
        "<div style='max-height:0; display: none !important; display:block'><p>h</p></div>",
        "<div style='DISPLAY:NONE'>h</div>",
        "<div style='/* display:block; */display:none'>h</div>",
        "<span style=visibility:hidden>h</span>",
        "<img alt='a picture' src=x>",
    ] {
        assert_eq!(text(&format!("{hidden}x")), "x", "{hidden}");
    }
    for cut_off in ["x<p", "x<a href='", "x<!-- ", "x<style>p"] {
        assert_eq!(text(cut_off), "x", "{cut_off}");
    }
    for shown in [
        "<div style='mso-hide:all'>x</div>",
        "<div style='font:\"a;display:none\"'>x</div>",
        "<div style='background:url(a;display:none)'>x</div>",
        "<div style='display:block; display:bogus'>x</div>",
        "<div style='' style='display:none'>x</div>",
        "<div data-style='display:none'>x</div>",
        "<div hidden style='display:block'>x</div>",
        "<![if !mso]>x<![endif]>",
        "<b hidden><div></b>x</div>",
        "<div hidden></div>x",
        "<p hidden><div>x</div>",
    ] {
        assert_eq!(text(shown), "x", "{shown}");
    }
}

/// The end of a hidden element is found whatever else is open, so that no text is lost with it.
#[test]
fn hidden_text_ends_where_its_element_ends() {
    for html in [
        "<div hidden><b>h<div>h</div>h</div>x",
        "<table><tr><td hidden><div>h</td><td>x</td></tr></table>",
        "<ul><li hidden>h<li>x</ul>",
        "<p hidden>h<p>x",
        "<table><tr hidden><td>h<tr><td>x</table>",
        "<span hidden>h<div></span>h</div></span>x",
        &format!("{}<style>h</style>x", "<div>".repeat(600)),
    ] {
        assert_eq!(text(html), "x", "{html}");
    }
}

/// Tables that lay a newsletter out: one tab between two cells, and none for a table within a cell.
#[test]
fn a_table_of_layout_is_lines() {
    let cell = |content: &str| format!("<table width=600>\n <tr>\n  <td>\n{content}\n  </td>\n </tr>\n</table>");
    let rows = [cell("Hello,"), cell("<h2>New</h2>"), cell(&cell("deep"))].concat();
    assert_eq!(text(&cell(&cell(&rows))), "Hello,\nNew\ndeep");
}

#[test]
fn what_is_too_deep_or_never_ends_is_text_all_the_same() {
    for (html, lines) in [
        (format!("{}x{}y", "<div>".repeat(100_000), "</div>".repeat(100_000)), "x\ny"),
        (format!("{}x", "<table><tr><td>".repeat(2_000)), "x"),
        (format!("a{}x", "<span style='display:inline-block'>".repeat(100_000)), "ax"),
        (format!("{}x", "<b hidden></b>".repeat(10_000)), "x"),
        (format!("{}x", "</div></p></td>".repeat(10_000)), "x"),
        (format!("<a title=\"{}\">x", "y".repeat(1 << 20)), "x"),
        (format!("<{}>x", "y".repeat(1 << 20)), "x"),
        (format!("<!--{}-->x", "-".repeat(1 << 20)), "x"),
    ] {
        assert_eq!(text(&html), lines, "{}", &html[..40]);
    }
    let open = "<".repeat(1 << 20);
    assert_eq!(text(&open), open);
    let reference = format!("&#{};x", "9".repeat(1 << 20));
    assert_eq!(text(&reference), "\u{fffd}x");
}

#[test]
fn links_come_in_order_as_they_are_written() {
    let html = "<a href=\" https://x.example/?a=1&amp;b=2\n \">one</a> <a name=top></a><a href=''></a>\
                <area href=mailto:a@x.example><A HREF='cid:1'><!-- <a href=no> --></a>\
                <a class=x HRef=https://x.example/ä href=second>two</a><div hidden><a href=hidden></a></div>\
                <a href='https://x.example/a\n  b'></a><link href=style.css><a href=cid:1></a><a href";
    let found = [
        "https://x.example/?a=1&b=2",
        "mailto:a@x.example",
        "cid:1",
        "https://x.example/ä",
        "hidden",
        "https://x.example/a  b",
        "cid:1",
    ];
    assert_eq!(links(html), found);
    assert_eq!(links("no links < at all"), Vec::<String>::new());
    assert_eq!(links("<a href=\"x\u{18}'y`\">"), ["x\u{18}'y`"]);
    assert_eq!(links("<a href='' href=second><a title href=x><a href title=y>"), ["x"]);
}
