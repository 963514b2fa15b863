//! The words of dates: months as programs name them in many languages, and zones by their names.
//!
//! A word is in the table of months only where every language that uses it means the same month: `lis` is November in
//! Polish and October in Croatian, so it is none.

/// The month of a word in lower case, 1 to 12.
pub(super) fn month(word: &str) -> Option<u32> {
    let position = MONTHS.iter().position(|names| names.split(' ').any(|name| name == word))?;
    u32::try_from(position + 1).ok()
}

/// Minutes east of UTC of a zone in upper case; nothing for a name that nobody or more than one zone has.
pub(super) fn zone(name: &str) -> Option<i32> {
    let hours = |hours: i32| hours * 60;
    Some(match name {
        "UT" | "UTC" | "GMT" | "Z" | "WET" | "GMT0" => 0,
        // RFC 5322 §4.3.
        "EST" | "CDT" => hours(-5),
        "EDT" => hours(-4),
        "CST" | "MDT" => hours(-6),
        "MST" | "PDT" => hours(-7),
        "PST" | "AKDT" => hours(-8),
        // Names that one zone has.
        "AKST" => hours(-9),
        "HST" => hours(-10),
        "NST" => -210,
        "NDT" => -150,
        "BRT" | "ART" => hours(-3),
        "CET" | "MEZ" | "MET" | "WEST" => hours(1),
        "CEST" | "MESZ" | "MEST" | "EET" | "SAST" => hours(2),
        "EEST" | "MSK" => hours(3),
        "MSD" => hours(4),
        "PKT" => hours(5),
        "HKT" | "SGT" | "AWST" => hours(8),
        "JST" | "KST" => hours(9),
        "ACST" => 570,
        "AEST" => hours(10),
        "AEDT" => hours(11),
        "NZST" => hours(12),
        "NZDT" => hours(13),
        _ => return None,
    })
}

/// The names of each month: English, then German, French, Spanish, Portuguese, Italian, Catalan, Romanian, Dutch, Danish,
/// Norwegian, Swedish, Finnish, Estonian, Polish, Czech, Slovak, Croatian, Slovenian, Hungarian, Turkish, Indonesian,
/// Russian, Ukrainian, Bulgarian, Greek; short ones, whole ones, and those without accents.
const MONTHS: [&str; 12] = [
    "jan january januar jänner jaenner jän jaen janv janvier ene enero janeiro gen gennaio gener ian ianuarie januari \
     tammi tammikuu tammikuuta jaan jaanuar sty stycznia styczeń led ledna leden siječnja siječanj sij január janár ocak oca \
     янв января январь січ січня ян януари ιαν ιανουαρίου",
    "feb february februar febr fév févr fev fevr février fevrier febrero fevereiro febbraio febrer februarie februari \
     helmi helmikuu helmikuuta veebr veebruar lut lutego luty úno února únor február veljače veljača velj şub şubat \
     фев февр февраля февраль лют лютого февруари φεβ φεβρουαρίου",
    "mar march mär mrz märz maerz marz mars marzo março marco març martie maart mrt marts marzec marca \
     maalis maaliskuu maaliskuuta märts bře března březen marec ožu ožujka ožujak márc március mart maret \
     мар марта март бер березня μαρ μαρτίου",
    "apr april avr avril abr abril aprile aprilie huhti huhtikuu huhtikuuta aprill kwi kwietnia kwiecień dub dubna duben \
     apríl tra travnja travanj ápr április nis nisan апр апреля апрель кві квітня април απρ απριλίου",
    "may mai mayo maio maj maja mag maggio maig mei touko toukokuu toukokuuta kvě května květen máj svi svibnja svibanj \
     május mayıs мая май тра травня травень μαΐ μαΐου μαι μαΐος",
    "jun june juni juin junio junho giu giugno juny iun iunie kesä kesäkuu kesäkuuta juuni cze czerwca czerwiec června červen čvn \
     jún lipnja lipanj junij jún június haz haziran июн июня июнь чер червня юни ιουν ιουνίου",
    "jul july juli juil juillet julio julho lug luglio juliol iul iulie heinä heinäkuu heinäkuuta juuli lipca lipiec \
     července červenec čvc júl srpnja srpanj julij július tem temmuz июл июля июль липня юли ιουλ ιουλίου",
    "aug august août aout ago agosto agost augustus augusti elo elokuu elokuuta sie sierpnia sierpień srpna srpen \
     kolovoza kolovoz kol avgust avg augusztus ağu ağustos agustus agu agt авг августа август серпня αυγ αυγούστου",
    "sep sept september septembre septiembre setiembre set setembro settembre setembre septembrie syys syyskuu syyskuuta \
     wrz września wrzesień zář září ruj rujna rujan szept szeptember eyl eylül сен сент сентября сентябрь вер вересня \
     септември σεπ σεπτεμβρίου",
    "oct october okt oktober octobre octubre out outubro ott ottobre octombrie loka lokakuu lokakuuta oktoober \
     paź października październik říj října říjen október eki ekim окт октября октябрь жов жовтня октомври οκτ οκτωβρίου",
    "nov november novembre noviembre novembro noiembrie noi marras marraskuu marraskuuta stu studenoga studenog studeni \
     kas kasım ноя нояб ноября ноябрь листопада ноември νοε νοεμβρίου",
    "dec december dez dezember déc décembre decembre dic diciembre dezembro dicembre des desember decembrie \
     joulu joulukuu joulukuuta dets detsember gru grudnia grudzień pro prosince prosinec prosinca dec ara aralık \
     desember дек декабря декабрь гру грудня декември δεκ δεκεμβρίου",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_two_months() {
        let mut all: Vec<(&str, usize)> =
            (1..).zip(MONTHS).flat_map(|(month, names)| names.split(' ').map(move |name| (name, month))).collect();
        all.sort_unstable();
        all.dedup();
        for pair in all.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "{pair:?}");
        }
        assert!(all.iter().all(|(name, _)| *name == name.to_lowercase() && !name.is_empty()));
    }

    #[test]
    fn months_are_known_in_many_languages() {
        for (word, wanted) in [
            ("ene", 1),
            ("set", 9),
            ("out", 10),
            ("gen", 1),
            ("lug", 7),
            ("févr", 2),
            ("août", 8),
            ("mai", 5),
            ("dez", 12),
        ] {
            assert_eq!(month(word), Some(wanted), "{word}");
        }
        for word in ["lis", "lip", "srp", "jui", "листопад", "x", ""] {
            assert_eq!(month(word), None, "{word}");
        }
    }
}
