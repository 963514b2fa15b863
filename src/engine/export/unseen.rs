//! Characters that nobody sees: controls, bidi overrides, zero-width and other invisible formatting.
//!
//! It only tells them apart; what is shown or written in their place is decided by who shows or writes.

/// Tells whether a character leaves no mark of its own, so that text with it is not what it looks like.
///
/// Variation selectors and the two joiners count: whoever knows their neighbours may let them pass.
/// Combining marks and spaces of any width do not.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || UNSEEN
            .binary_search_by(|(first, last)| {
                if character < *first {
                    std::cmp::Ordering::Greater
                } else if character > *last {
                    std::cmp::Ordering::Less
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
}

/// Unicode's default-ignorable code points and format characters that have no glyph, in order.
const UNSEEN: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),       // soft hyphen
    ('\u{34f}', '\u{34f}'),     // combining grapheme joiner
    ('\u{61c}', '\u{61c}'),     // Arabic letter mark
    ('\u{115f}', '\u{1160}'),   // Hangul fillers
    ('\u{17b4}', '\u{17b5}'),   // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),   // Mongolian selectors
    ('\u{200b}', '\u{200f}'),   // zero-width space, joiners, marks
    ('\u{2028}', '\u{202e}'),   // line ends, bidi embeddings and overrides
    ('\u{2060}', '\u{206f}'),   // word joiner, invisible operators, bidi isolates
    ('\u{2800}', '\u{2800}'),   // Braille blank
    ('\u{3164}', '\u{3164}'),   // Hangul filler
    ('\u{fe00}', '\u{fe0f}'),   // variation selectors
    ('\u{feff}', '\u{feff}'),   // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),   // halfwidth Hangul filler
    ('\u{fff0}', '\u{fffb}'),   // interlinear annotation
    ('\u{110bd}', '\u{110bd}'), // Kaithi number sign
    ('\u{13430}', '\u{1343f}'), // hieroglyph format controls
    ('\u{1bca0}', '\u{1bca3}'), // shorthand format controls
    ('\u{1d173}', '\u{1d17a}'), // musical beams
    ('\u{e0000}', '\u{e0fff}'), // tags and more selectors
];

#[cfg(test)]
mod tests {
    use super::{UNSEEN, is_unseen};

    #[test]
    fn the_table_is_in_order() {
        assert!(UNSEEN.windows(2).all(|pair| pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0));
    }

    #[test]
    fn controls_and_bidi_are_unseen_and_letters_are_not() {
        for unseen in
            ['\0', '\u{1b}', '\u{7f}', '\u{9b}', '\u{ad}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}']
        {
            assert!(is_unseen(unseen), "{:x}", u32::from(unseen));
        }
        for seen in ['a', ' ', 'é', '\u{301}', '日', '🎉', '\u{a0}', '\u{3000}', '\u{fffd}'] {
            assert!(!is_unseen(seen), "{:x}", u32::from(seen));
        }
    }
}
