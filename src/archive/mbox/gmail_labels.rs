//! What the labels of a Google Takeout archive tell of a message's flags, in the languages that are known here.
//!
//! Takeout writes the names of Gmail's own labels in the language of the account. The flags are known only where a label
//! shows which language that is: then a message without the word for *unread* is read.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The flags, where the labels tell them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) seen: Option<bool>,
    pub(super) starred: Option<bool>,
    pub(super) draft: Option<bool>,
}

/// What the labels of one message tell.
pub(super) fn told(labels: &[String]) -> Told {
    let kinds = labels.iter().filter_map(|label| WORDS.get(&plain(label))).fold(0, |all, kinds| all | kinds);
    let only_if_known = |kind: u8| (kinds != 0).then_some(kinds & kind != 0);
    Told {
        seen: only_if_known(UNREAD).map(|unread| !unread),
        starred: only_if_known(STARRED),
        draft: only_if_known(DRAFT),
    }
}

/// Letters in lower case, and plain spaces.
fn plain(label: &str) -> String {
    label.replace('\u{a0}', " ").to_lowercase()
}

/// What each word of any language means, one bit for each kind. Made once: a scan of an archive asks for every message.
static WORDS: LazyLock<HashMap<String, u8>> = LazyLock::new(|| {
    let mut words: HashMap<String, u8> = HashMap::new();
    for language in LANGUAGES {
        for (kind, names) in [
            (UNREAD, language.unread),
            (OPENED, language.opened),
            (STARRED, language.starred),
            (DRAFT, language.draft),
            (OTHERS, language.others),
        ] {
            for name in names {
                *words.entry(plain(name)).or_default() |= kind;
            }
        }
    }
    words
});

const UNREAD: u8 = 1;
const OPENED: u8 = 2;
const STARRED: u8 = 4;
const DRAFT: u8 = 8;
const OTHERS: u8 = 16;

/// Gmail's words for labels in one language, with the forms that were used over the years.
struct Language {
    unread: &'static [&'static str],
    opened: &'static [&'static str],
    starred: &'static [&'static str],
    draft: &'static [&'static str],
    /// Inbox, sent mail, trash, archived: labels that show the language and no flag. Words that are the same in many
    /// languages, such as Spam, are left out.
    others: &'static [&'static str],
}

#[rustfmt::skip]
const LANGUAGES: &[Language] = &[
    // English
    Language { unread: &["Unread"], opened: &["Opened"], starred: &["Starred"], draft: &["Drafts", "Draft"], others: &["Inbox", "Sent", "Trash", "Archived", "Category Personal", "Category Social", "Category Promotions", "Category Updates", "Category Forums"] },
    // German
    Language { unread: &["Ungelesen"], opened: &["Geöffnet"], starred: &["Markiert"], draft: &["Entwürfe", "Entwurf"], others: &["Posteingang", "Gesendet", "Papierkorb", "Archiviert"] },
    // French
    Language { unread: &["Non lus", "Non lu"], opened: &["Ouvert", "Ouverts"], starred: &["Favoris", "Suivis", "Suivi"], draft: &["Brouillons", "Brouillon"], others: &["Boîte de réception", "Messages envoyés", "Envoyés", "Corbeille", "Messages archivés", "Archivés"] },
    // Spanish
    Language { unread: &["No leídos", "No leído", "Sin leer"], opened: &["Abiertos", "Abierto"], starred: &["Destacados", "Destacado"], draft: &["Borradores", "Borrador"], others: &["Recibidos", "Enviados", "Papelera", "Archivados"] },
    // Italian
    Language { unread: &["Da leggere", "Non letti", "Non letto"], opened: &["Aperti", "Aperto"], starred: &["Speciali"], draft: &["Bozze", "Bozza"], others: &["Posta in arrivo", "Posta inviata", "Inviati", "Cestino", "Archiviati"] },
    // Portuguese
    Language { unread: &["Não lidas", "Não lidos", "Não lida", "Não lido"], opened: &["Abertas", "Abertos", "Aberta", "Aberto"], starred: &["Com estrela"], draft: &["Rascunhos", "Rascunho"], others: &["Caixa de entrada", "Enviados", "Enviadas", "Lixeira", "Arquivados"] },
    // Dutch
    Language { unread: &["Ongelezen"], opened: &["Geopend"], starred: &["Met ster"], draft: &["Concepten", "Concept"], others: &["Postvak IN", "Verzonden", "Prullenbak", "Gearchiveerd"] },
    // Czech
    Language { unread: &["Nepřečtené", "Nepřečteno"], opened: &["Otevřené", "Otevřeno"], starred: &["S hvězdičkou"], draft: &["Koncepty", "Koncept"], others: &["Doručená pošta", "Doručené", "Odeslaná pošta", "Odeslané", "Koš", "Archivováno"] },
    // Polish
    Language { unread: &["Nieprzeczytane"], opened: &["Otwarte"], starred: &["Oznaczone gwiazdką"], draft: &["Wersje robocze", "Kopie robocze", "Szkice"], others: &["Odebrane", "Wysłane", "Kosz", "Zarchiwizowane"] },
    // Russian
    Language { unread: &["Непрочитанные"], opened: &["Открытые", "Открыто"], starred: &["Помеченные"], draft: &["Черновики"], others: &["Входящие", "Отправленные", "Корзина"] },
    // Ukrainian
    Language { unread: &["Непрочитані"], opened: &["Відкриті", "Відкрито"], starred: &["Із зірочкою"], draft: &["Чернетки"], others: &["Вхідні", "Надіслані", "Кошик"] },
    // Danish
    Language { unread: &["Ulæste", "Ulæst"], opened: &["Åbnet", "Åbnede"], starred: &["Stjernemarkerede", "Stjernemarkeret"], draft: &["Kladder"], others: &["Indbakke", "Papirkurv", "Arkiveret"] },
    // Norwegian
    Language { unread: &["Uleste", "Ulest"], opened: &["Åpnet", "Åpnede"], starred: &["Stjernemerkede", "Stjernemerket"], draft: &["Utkast"], others: &["Innboks", "Sendt", "Papirkurv", "Arkivert"] },
    // Swedish
    Language { unread: &["Olästa", "Oläst"], opened: &["Öppnade", "Öppnad", "Öppnat"], starred: &["Stjärnmärkta", "Stjärnmärkt"], draft: &["Utkast"], others: &["Inkorg", "Inkorgen", "Skickat", "Skickade", "Papperskorgen", "Arkiverade"] },
    // Finnish
    Language { unread: &["Lukemattomat", "Lukematon"], opened: &["Avatut", "Avattu"], starred: &["Tähdellä merkityt"], draft: &["Luonnokset"], others: &["Postilaatikko", "Lähetetyt", "Roskakori"] },
    // Hungarian
    Language { unread: &["Olvasatlan"], opened: &["Megnyitott", "Megnyitva"], starred: &["Csillagozott"], draft: &["Piszkozatok"], others: &["Beérkező levelek", "Elküldött", "Elküldött üzenetek", "Kuka"] },
    // Turkish
    Language { unread: &["Okunmamış"], opened: &["Açıldı"], starred: &["Yıldızlı"], draft: &["Taslaklar"], others: &["Gelen Kutusu", "Gönderilmiş Postalar", "Çöp Kutusu"] },
    // Japanese
    Language { unread: &["未読"], opened: &["開封済み"], starred: &["スター付き"], draft: &["下書き"], others: &["受信トレイ", "送信済み", "送信済みメール", "ゴミ箱"] },
    // Korean
    Language { unread: &["읽지않음", "읽지 않음"], opened: &["열림"], starred: &["별표편지함"], draft: &["임시보관함"], others: &["받은편지함", "보낸편지함", "휴지통"] },
    // Chinese, simplified and traditional
    Language { unread: &["未读"], opened: &["已打开"], starred: &["已加星标"], draft: &["草稿"], others: &["收件箱", "已发送", "已发邮件", "已删除邮件"] },
    Language { unread: &["未讀", "未讀取"], opened: &["已開啟"], starred: &["已加星號"], draft: &["草稿"], others: &["收件匣", "寄件備份", "垃圾桶"] },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &str) -> [Option<bool>; 3] {
        let labels: Vec<String> = labels.split(',').map(str::to_owned).collect();
        let told = told(&labels);
        [told.seen, told.starred, told.draft]
    }

    const NO: Option<bool> = Some(false);
    const YES: Option<bool> = Some(true);

    #[test]
    fn each_language_tells_what_is_read_starred_and_a_draft() {
        for (unread, opened, starred, draft, inbox) in [
            ("Unread", "Opened", "Starred", "Drafts", "Inbox"),
            ("Ungelesen", "Geöffnet", "Markiert", "Entwürfe", "Posteingang"),
            ("Non lus", "Ouvert", "Favoris", "Brouillons", "Boîte de réception"),
            ("No leídos", "Abiertos", "Destacados", "Borradores", "Recibidos"),
            ("Da leggere", "Aperti", "Speciali", "Bozze", "Posta in arrivo"),
            ("Não lidas", "Abertas", "Com estrela", "Rascunhos", "Caixa de entrada"),
            ("Ongelezen", "Geopend", "Met ster", "Concepten", "Postvak IN"),
            ("Nepřečtené", "Otevřené", "S hvězdičkou", "Koncepty", "Doručená pošta"),
            ("Nieprzeczytane", "Otwarte", "Oznaczone gwiazdką", "Wersje robocze", "Odebrane"),
            ("Непрочитанные", "Открытые", "Помеченные", "Черновики", "Входящие"),
            ("Непрочитані", "Відкриті", "Із зірочкою", "Чернетки", "Вхідні"),
            ("Ulæste", "Åbnet", "Stjernemarkerede", "Kladder", "Indbakke"),
            ("Uleste", "Åpnet", "Stjernemerkede", "Utkast", "Innboks"),
            ("Olästa", "Öppnade", "Stjärnmärkta", "Utkast", "Inkorgen"),
            ("Lukemattomat", "Avatut", "Tähdellä merkityt", "Luonnokset", "Postilaatikko"),
            ("Olvasatlan", "Megnyitott", "Csillagozott", "Piszkozatok", "Beérkező levelek"),
            ("Okunmamış", "Açıldı", "Yıldızlı", "Taslaklar", "Gelen Kutusu"),
            ("未読", "開封済み", "スター付き", "下書き", "受信トレイ"),
            ("읽지않음", "열림", "별표편지함", "임시보관함", "받은편지함"),
            ("未读", "已打开", "已加星标", "草稿", "收件箱"),
            ("未讀", "已開啟", "已加星號", "草稿", "收件匣"),
        ] {
            assert_eq!(of(&format!("{inbox},{unread},work")), [NO, NO, NO], "{inbox}");
            assert_eq!(of(&format!("{opened},{starred}")), [YES, YES, NO], "{inbox}");
            assert_eq!(of(&format!("{opened},{unread},{draft}")), [NO, NO, YES], "{inbox}");
            assert_eq!(of(inbox), [YES, NO, NO], "{inbox}");
        }
    }

    #[test]
    fn labels_that_show_no_language_tell_nothing() {
        for labels in ["", "work", "Spam,Important", "Iesūtne,Nelasīti", "Unread mail"] {
            assert_eq!(of(labels), [None; 3], "{labels}");
        }
        assert_eq!(of("INBOX,unread"), [NO, NO, NO]);
        assert_eq!(of("Non\u{a0}lus"), [NO, NO, NO]);
    }
}
