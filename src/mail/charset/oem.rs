//! Character sets of one octet a character that the standard of the Web leaves out: code pages of DOS, and the
//! Macintosh's of Central Europe.

use oem_cp::code_table::DECODING_TABLE_CP_MAP;

/// Whether a code page of this number is known.
pub(super) fn is_known(number: u16) -> bool {
    DECODING_TABLE_CP_MAP.contains_key(&number)
}

/// Text of a code page, and whether it has all characters; nothing when the code page is not known.
pub(super) fn decode(octets: &[u8], number: u16) -> Option<(String, bool)> {
    let text = DECODING_TABLE_CP_MAP.get(&number)?.decode_string_lossy(octets);
    let held = !text.contains(char::REPLACEMENT_CHARACTER);
    Some((text, held))
}

/// Text of the Macintosh's character set of Central Europe.
pub(super) fn decode_mac_ce(octets: &[u8]) -> String {
    let upper: Vec<char> = MAC_CE.chars().collect();
    let letter = |octet: &u8| match octet.checked_sub(0x80) {
        None => char::from(*octet),
        Some(place) => upper.get(usize::from(place)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    octets.iter().map(letter).collect()
}

/// Its upper half.
const MAC_CE: &str = "ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü†°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅņŃ¬√ńŇ∆«»…\u{a0}ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖŗŠ‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ";
