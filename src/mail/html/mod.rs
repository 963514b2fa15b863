//! HTML as the text that a browser shows, and the targets of its links.
//!
//! Pure. The text is what `innerText` of the body gives (HTML Standard §3.2.7): blocks begin a line, cells of a table are apart by a
//! tab, rows by a line end, and what is not shown is left out. No tree is made of it: `open` holds the elements that are open, no
//! more than some hundred, and `lines` the text so far. Start at `element` for what the elements are.

mod element;
mod lines;
mod links;
mod open;
mod reader;
mod style;

use html5gum::Span;
use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

use self::links::Links;
use self::reader::Reader;

/// The text of HTML, as `innerText` gives it: without targets of links, images, and what `hidden` or an inline style does not show.
///
/// Style sheets are not looked at. A no-break space is a blank, so that words are found by it; there is no blank line at the beginning
/// or the end, and line ends are LF. It takes time by the length of the HTML, and is no longer than three times that.
pub fn text(html: &str) -> String {
    let mut reader = Reader::default();
    tokenize(html, |event| reader.on(&event));
    reader.finish()
}

/// The targets of the links (`a` and `area`), in order, as they are written: references to characters are resolved, line ends within
/// an address and blanks around it are taken away, as browsers do (URL Standard §4.4). A target without a letter is none.
pub fn links(html: &str) -> Vec<String> {
    let mut links = Links::default();
    tokenize(html, |event| links.on(&event));
    links.finish()
}

/// Tells the tokens of HTML (HTML Standard §13.2.5), one by one.
fn tokenize(html: &str, mut on: impl FnMut(CallbackEvent<'_>)) {
    let told = |event: CallbackEvent<'_>, _: Span<()>| {
        on(event);
        None
    };
    let mut emitter = CallbackEmitter::<_, std::convert::Infallible>::new(told);
    // Scripts, styles and titles have no tags in them.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
}

#[cfg(test)]
mod tests;
