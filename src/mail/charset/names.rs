//! Names of character sets, as standards register them and as programs write them.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, KOI8_R, KOI8_U, MACINTOSH, REPLACEMENT, SHIFT_JIS,
    WINDOWS_874, WINDOWS_1252, X_MAC_CYRILLIC, X_USER_DEFINED,
};
use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};

/// A character set, by how it is decoded.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    /// Nothing was declared that says more than ASCII does.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16 whose mark says in which order octets come; without one, the first is the high one (RFC 2781 §4.3).
    Utf16,
    /// UTF-16 with the low octet first.
    Utf16Le,
    /// UTF-16 with the high octet first.
    Utf16Be,
    /// One that the standard of the Web has.
    Web(&'static Encoding),
    /// ISO-2022-JP and its extensions.
    Iso2022Jp,
    /// ISO-2022-KR (RFC 1557).
    Iso2022Kr,
    /// ISO-2022-CN (RFC 1922).
    Iso2022Cn,
    /// HZ (RFC 1843).
    Hz,
    /// A code page of DOS.
    Oem(u16),
    /// The Macintosh's of Central Europe.
    MacCe,
    /// One that only mail has: UTF-7.
    Mail(DecoderFnc),
}

/// The character set that a name means; nothing when none is known by it.
pub(super) fn find(name: &str) -> Option<Charset> {
    // What most mail declares costs nothing.
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        0 => return Some(Charset::Ascii),
        5 if is("utf-8") => return Some(Charset::Utf8),
        8 if is("us-ascii") => return Some(Charset::Ascii),
        10 if is("iso-8859-1") => return Some(Charset::Web(WINDOWS_1252)),
        _ => {}
    }
    let name = name.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    // Some programs write more than the name: an escape for its first letters, the year of the standard, parameters.
    let name = name.trim_start_matches('_').trim_end_matches("$esc");
    let name = name.split([';', ',', ' ', '\t']).next().unwrap_or_default();
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.:+()".contains(letter);
    if !name.chars().all(is_letter) {
        return None;
    }
    let key: String = name.split(':').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    if let Some(found) = by_key(&key).or_else(|| by_number(&key)) {
        return Some(found);
    }
    let web = [name.to_owned(), name.replace('_', "-"), key.clone(), with_hyphens(&key)];
    let web = web.iter().find_map(|name| Encoding::for_label(name.as_bytes()));
    match web {
        Some(encoding) if encoding == REPLACEMENT || encoding == X_USER_DEFINED => None,
        Some(encoding) => Some(Charset::Web(encoding)),
        None => charset_decoder(name.as_bytes()).map(Charset::Mail),
    }
}

/// Names without anything but letters and digits.
fn by_key(key: &str) -> Option<Charset> {
    Some(match key {
        "" | "usascii" | "ascii" | "ansix341968" | "iso646us" | "us" | "7bit" | "8bit" => Charset::Ascii,
        "utf8" | "utf" | "utf8mb4" | "utf8n" | "unicode11utf8" | "unicode20utf8" | "xunicode20utf8" => Charset::Utf8,
        "utf16" | "csutf16" | "ucs2" | "iso10646ucs2" | "csucs2" => Charset::Utf16,
        "utf16le" | "csutf16le" | "ucs2le" | "unicode" | "unicodefeff" | "csunicode" => Charset::Utf16Le,
        "utf16be" | "csutf16be" | "ucs2be" | "unicodefffe" => Charset::Utf16Be,
        "utf7" | "csutf7" | "unicode11utf7" | "xunicode20utf7" => Charset::Mail(charset_decoder(b"utf-7")?),
        "iso2022jp" | "iso2022jp1" | "iso2022jp2" | "iso2022jp3" | "iso2022jp2004" | "iso2022jpms" | "csiso2022jp"
        | "csiso2022jp2" | "jis" => Charset::Iso2022Jp,
        "iso2022kr" | "csiso2022kr" => Charset::Iso2022Kr,
        "iso2022cn" | "iso2022cnext" | "csiso2022cn" => Charset::Iso2022Cn,
        "hz" | "hzgb2312" | "hzgb" | "cshzgb2312" => Charset::Hz,
        "shiftjis" | "sjis" | "xsjis" | "sjiswin" | "sjisopen" | "sjisms" | "mskanji" | "shiftjis2004"
        | "shiftjisx0213" | "windows31j" | "mswindows31j" | "xshiftjis" => Charset::Web(SHIFT_JIS),
        "eucjp" | "xeucjp" | "eucjpms" | "eucjpwin" | "eucjisx0213" | "eucjis2004" | "ujis" => Charset::Web(EUC_JP),
        "euckr" | "xeuckr" | "uhc" | "ksc5601" | "ksc56011987" | "ksc56011989" | "ksc56011992" | "ksx1001"
        | "korean" | "unifiedhangul" | "xuhc" => Charset::Web(EUC_KR),
        "big5" | "big5eten" | "xbig5" | "big5hkscs" | "big5hkscs2004" | "cnbig5" | "xxbig5" | "csbig5" | "big5tw"
        | "big5hk" => Charset::Web(BIG5),
        "gb2312" | "gb23121980" | "gb231280" | "gbk" | "xgbk" | "euccn" | "xeuccn" | "cngb" | "gb" | "chinese" => {
            Charset::Web(GBK)
        }
        "gb18030" | "gb180302000" | "gb180302005" | "gb180302022" => Charset::Web(GB18030),
        "macintosh" | "mac" | "macroman" | "xmacroman" | "xmacintosh" => Charset::Web(MACINTOSH),
        "maccyrillic" | "xmaccyrillic" | "macukrainian" | "xmacukrainian" => Charset::Web(X_MAC_CYRILLIC),
        "macce" | "xmacce" | "maccentraleurope" | "xmaccentraleurroman" | "xmaccentraleurope" | "maclatin2" => {
            Charset::MacCe
        }
        "koi8" | "koi8r" | "cskoi8r" | "koi" => Charset::Web(KOI8_R),
        "koi8u" | "koi8ru" => Charset::Web(KOI8_U),
        "tis620" | "iso885911" | "iso8859112001" => Charset::Web(WINDOWS_874),
        "ansi" | "xansi" | "westerneuropean" => Charset::Web(WINDOWS_1252),
        "cspc8codepage437" => Charset::Oem(437),
        "cspc850multilingual" => Charset::Oem(850),
        "cspcp852" => Charset::Oem(852),
        _ => return None,
    })
}

/// Code pages, by whatever stands before their number.
fn by_number(key: &str) -> Option<Charset> {
    let digits = key.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let before = &key[..key.len() - digits.len()];
    let is_page = [
        "",
        "cp",
        "ms",
        "win",
        "windows",
        "ansi",
        "ibm",
        "xcp",
        "xwindows",
        "mswin",
        "wincp",
        "dos",
        "oem",
        "cpms",
        "windowscp",
        "csibm",
        "cswindows",
        "xibm",
    ];
    let number: u16 = is_page.contains(&before).then(|| digits.parse().ok()).flatten()?;
    let web = |label: &str| Encoding::for_label(label.as_bytes()).map(Charset::Web);
    match number {
        367 | 20127 => Some(Charset::Ascii),
        819 => Some(Charset::Web(WINDOWS_1252)),
        866 => Some(Charset::Web(IBM866)),
        874 => Some(Charset::Web(WINDOWS_874)),
        932 | 943 => Some(Charset::Web(SHIFT_JIS)),
        936 | 51936 => Some(Charset::Web(GBK)),
        949 | 1363 | 51949 => Some(Charset::Web(EUC_KR)),
        950 | 951 => Some(Charset::Web(BIG5)),
        1200 => Some(Charset::Utf16Le),
        1201 => Some(Charset::Utf16Be),
        1250..=1258 => web(&format!("windows-{number}")),
        10000 => Some(Charset::Web(MACINTOSH)),
        10007 => Some(Charset::Web(X_MAC_CYRILLIC)),
        10029 => Some(Charset::MacCe),
        20866 => Some(Charset::Web(KOI8_R)),
        21866 => Some(Charset::Web(KOI8_U)),
        28591..=28606 => web(&format!("iso-8859-{}", number - 28590)),
        50220..=50222 => Some(Charset::Iso2022Jp),
        50225 => Some(Charset::Iso2022Kr),
        50227 => Some(Charset::Iso2022Cn),
        51932 => Some(Charset::Web(EUC_JP)),
        52936 => Some(Charset::Hz),
        54936 => Some(Charset::Web(GB18030)),
        65000 => by_key("utf7"),
        65001 => Some(Charset::Utf8),
        _ => super::oem::is_known(number).then_some(Charset::Oem(number)),
    }
}

/// `iso88592` and `latin9` as the standards of ISO write them.
fn with_hyphens(key: &str) -> String {
    let later = [("latin7", 13), ("latin8", 14), ("latin9", 15), ("latin10", 16)];
    if let Some((_, number)) = later.into_iter().find(|(latin, _)| *latin == key) {
        return format!("iso-8859-{number}");
    }
    match key.strip_prefix("iso8859").or_else(|| key.strip_prefix("8859")) {
        Some(number) if !number.is_empty() => format!("iso-8859-{number}"),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        match find(name) {
            None => "-".to_owned(),
            Some(Charset::Web(encoding)) => encoding.name().to_lowercase(),
            Some(Charset::Oem(number)) => number.to_string(),
            Some(Charset::Ascii) => "ascii".to_owned(),
            Some(Charset::Utf8) => "utf-8".to_owned(),
            Some(Charset::Utf16 | Charset::Utf16Le | Charset::Utf16Be) => "utf-16".to_owned(),
            Some(Charset::Iso2022Jp | Charset::Iso2022Kr | Charset::Iso2022Cn | Charset::Hz) => "iso-2022".to_owned(),
            Some(Charset::MacCe) => "mac-ce".to_owned(),
            Some(Charset::Mail(_)) => "utf-7".to_owned(),
        }
    }

    #[test]
    fn names_are_known_as_programs_write_them() {
        for (names, wanted) in [
            ("cp932 CP-932 SJIS-win ms932 windows-31j Shift_JIS x-sjis", "shift_jis"),
            ("MS949 x-windows-949 UHC cp949 euckr KS_C_5601 ks_c_5601-1987 EUC-KR", "euc-kr"),
            ("cp950 Big5 big5-hkscs x-x-big5", "big5"),
            ("gb2312 GB2312-80 cp936 x-gbk euc-cn gb_2312-80", "gbk"),
            ("win-1251 windows1251 cp1251 WINDOWS-1251 ansi-1251 x-cp1251 1251", "windows-1251"),
            ("eucJP-ms euc-jp ujis x-euc-jp cp51932", "euc-jp"),
            (
                "iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-ms cp50220 _iso-2022-jp$ESC iso-2022-kr hz-gb-2312",
                "iso-2022",
            ),
            ("cp852 IBM852 852", "852"),
            ("cp437 ibm437", "437"),
            ("x-mac-ce", "mac-ce"),
            ("macintosh x-mac-roman", "macintosh"),
            ("iso-8859-1 latin1 ISO8859-1 iso_8859-1:1987 iso88591 8859-1 \"iso-8859-1\" cp1252", "windows-1252"),
            ("iso-8859-15 iso8859_15 latin9", "iso-8859-15"),
            ("iso-8859-8-i", "iso-8859-8-i"),
            ("koi8-r KOI8R cskoi8r", "koi8-r"),
            ("koi8-u koi8-ru", "koi8-u"),
            ("utf-7 unicode-1-1-utf-7", "utf-7"),
            ("utf-16 UTF-16LE utf16be unicode ucs-2", "utf-16"),
            ("UTF-8 utf8 unicode-1-1-utf-8", "utf-8"),
            ("us-ascii ANSI_X3.4-1968 'us-ascii' 8bit", "ascii"),
            ("tis-620 iso-8859-11 windows-874", "windows-874"),
            ("../utf-8 x-unknown unknown-8bit x-user-defined cp9999 johab default", "-"),
        ] {
            for name in names.split(' ') {
                assert_eq!(shown(name), wanted, "{name}");
            }
        }
    }
}
