//! How wide each column of a table is, and which columns find no room.
//!
//! Pure: natural widths in, widths to print out. The printer in `printer` asks once per answer.

/// What is known of a column when the widths are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Natural {
    /// The widest cell seen so far, or the name.
    pub(crate) width: usize,
    /// Its cells may not be cut.
    pub(crate) rigid: bool,
    /// It says nothing: NULL, or the same, in every row seen.
    pub(crate) dull: bool,
}

/// Widths that fit into a line of `available` columns; `None` for a column that finds no room.
///
/// The longest texts shrink first. When even short ones do not fit, columns that say nothing go, then those at the end.
pub(crate) fn fit(columns: &[Natural], available: usize) -> Vec<Option<usize>> {
    let least = |column: &Natural| if column.rigid { column.width } else { column.width.min(LEAST) };
    let mut shown = vec![true; columns.len()];
    let needed = |shown: &[bool]| {
        let widths = columns.iter().zip(shown).filter(|(_, shown)| **shown).map(|(column, _)| least(column));
        widths.map(|width| width + GAP).sum::<usize>().saturating_sub(1)
    };
    while needed(&shown) > available && shown.iter().filter(|shown| **shown).count() > 1 {
        let dull = (0..columns.len()).rfind(|column| shown[*column] && columns[*column].dull);
        let Some(gone) = dull.or_else(|| shown.iter().rposition(|shown| *shown)) else { break };
        shown[gone] = false;
    }
    let mut widths =
        columns.iter().zip(&shown).map(|(column, shown)| shown.then_some(column.width)).collect::<Vec<_>>();
    loop {
        let total = widths.iter().flatten().map(|width| width + GAP).sum::<usize>().saturating_sub(1);
        let over = total.saturating_sub(available);
        let flexible = |(position, width): (usize, &Option<usize>)| {
            width.filter(|width| !columns[position].rigid && *width > 1).map(|width| (width, position))
        };
        let mut longest = widths.iter().enumerate().filter_map(flexible).collect::<Vec<_>>();
        longest.sort_unstable_by_key(|(width, position)| std::cmp::Reverse((*width, *position)));
        let Some((width, position)) = longest.first().copied().filter(|_| over > 0) else { return widths };
        // Down to the next longest at once, then step by step in turn.
        let next = longest.get(1).map_or(1, |(width, _)| *width);
        let step = width.saturating_sub(next).max(1).min(over);
        widths[position] = Some(width - step);
    }
}

/// Two spaces and a line between two columns.
const GAP: usize = 3;
/// A text column narrower than this tells nothing.
const LEAST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: usize) -> Natural {
        Natural { width, rigid: false, dull: false }
    }

    fn number(width: usize) -> Natural {
        Natural { width, rigid: true, dull: false }
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(fit(&[text(10), number(5)], 80), [Some(10), Some(5)]);
        assert_eq!(fit(&[text(10)], 12), [Some(10)]);
        assert_eq!(fit(&[text(10)], 11), [Some(9)]);
    }

    #[test]
    fn the_longest_text_shrinks_first_and_numbers_never() {
        assert_eq!(fit(&[text(10), text(100), number(12)], 60), [Some(10), Some(30), Some(12)]);
        let widths = fit(&[text(100), text(100)], 61);
        assert_eq!(widths.iter().flatten().sum::<usize>(), 61 - 5);
        assert!(widths.iter().flatten().all(|width| (27..=29).contains(width)), "{widths:?}");
    }

    #[test]
    fn columns_without_room_go_dull_ones_first() {
        let dull = Natural { width: 20, rigid: false, dull: true };
        assert_eq!(fit(&[dull, text(20), text(20), text(20)], 34), [None, Some(9), Some(9), Some(8)]);
        let many = fit(&vec![text(30); 25], 80);
        assert_eq!(many.iter().flatten().count(), 7);
        assert!(many[0].is_some() && many[24].is_none());
    }

    #[test]
    fn one_column_is_always_shown() {
        assert_eq!(fit(&[number(30), number(30)], 10), [Some(30), None]);
        assert_eq!(fit(&[text(30)], 10), [Some(8)]);
        assert_eq!(fit(&[text(30)], 2), [Some(1)]);
    }

    #[test]
    fn a_line_never_exceeds_the_terminal_when_texts_can_shrink() {
        for available in 20..200 {
            let widths = fit(&[text(7), text(60), number(6), text(35), text(90)], available);
            let total = widths.iter().flatten().map(|width| width + GAP).sum::<usize>() - 1;
            assert!(total <= available, "{widths:?} in {available}");
        }
    }
}
