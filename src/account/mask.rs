//! A secret, covered where it comes back: servers repeat what they were told, in answers that are logged and shown.
//!
//! Pure. It knows the forms in which a secret travels; what is logged at all is decided where it is said.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::sasl::Proof;

/// The forms of a secret that nobody may see.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that nothing of one is left beside another that it contains.
    forms: Vec<Zeroizing<Vec<u8>>>,
}

impl Mask {
    /// Covers a proof: as it is, quoted, and within anything in base64.
    ///
    /// A secret of less than four octets is not covered as it is, as it is in every other word.
    pub fn of(proof: &Proof) -> Self {
        let (Proof::Password(secret) | Proof::Token(secret)) = proof;
        let secret = secret.expose();
        let quoted = Zeroizing::new(secret.replace('\\', "\\\\").replace('"', "\\\""));
        let mut forms = vec![Zeroizing::new(secret.as_bytes().to_vec()), Zeroizing::new(quoted.as_bytes().to_vec())];
        forms.extend(encoded(secret.as_bytes()));
        forms.retain(|form| form.len() >= LEAST);
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self { forms }
    }

    /// A text without the secret.
    pub fn cover(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.cover_beginning(text.as_bytes(), text.len())).into_owned()
    }

    /// What came as a log shows it: one line, not all of a mail, and without the secret.
    pub fn shown(&self, octets: &[u8]) -> String {
        let escaped = self.cover_beginning(octets, SHOWN).escape_ascii().to_string();
        escaped.replace(r"\xe2\x80\xa6", "…")
    }

    /// The beginning of what came, `most` octets of it, without the secret or a part of it.
    fn cover_beginning(&self, octets: &[u8], most: usize) -> Vec<u8> {
        let mut covered = Vec::with_capacity(octets.len().min(most));
        let mut at = 0;
        while let Some(octet) = octets.get(at).filter(|_| at < most) {
            match self.forms.iter().find(|form| octets[at..].starts_with(form)) {
                Some(form) => {
                    covered.extend_from_slice("…".as_bytes());
                    at += form.len();
                }
                None => {
                    covered.push(*octet);
                    at += 1;
                }
            }
        }
        covered
    }
}

/// Without the forms.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(…)")
    }
}

/// What a secret looks like within a longer text in base64: three ways, by where it begins there.
fn encoded(secret: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    (0..3).flat_map(move |before| {
        let text = Zeroizing::new([&[0; 2][..before], secret].concat());
        // Digits that hold nothing but the secret.
        let end = text.len() * 8 / 6;
        let start = (before * 8).div_ceil(6).min(end);
        [STANDARD_NO_PAD.encode(&*text), URL_SAFE_NO_PAD.encode(&*text)]
            .map(|encoded| Zeroizing::new(Zeroizing::new(encoded).as_bytes()[start..end].to_vec()))
    })
}

/// Octets of a form; shorter ones are in many words by chance.
const LEAST: usize = 4;

/// Octets of what came in a log.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::super::sasl::{Identity, Mechanism};
    use super::*;

    fn mask(secret: &str) -> Mask {
        Mask::of(&Proof::Password(secret.into()))
    }

    #[test]
    fn a_secret_is_covered_as_it_is_and_quoted() {
        assert_eq!(mask("hunter2").cover("LOGIN me hunter2 hunter22"), "LOGIN me … …2");
        assert_eq!(mask("p\"ss\\word").cover("\"p\\\"ss\\\\word\" p\"ss\\word é"), "\"…\" … é");
        assert_eq!(mask("").cover("nothing"), "nothing");
        assert_eq!(Mask::default().cover("nothing é"), "nothing é");
    }

    #[test]
    fn a_secret_is_covered_in_whatever_is_base64_of_a_text_with_it() {
        let secret = "eyJ0eXAi.t0k3n~s3cr3t?>";
        for before in ["", "a", "ab", "abc", "user=me\u{1}auth=Bearer "] {
            for after in ["", "z", "zz", "\u{1}\u{1}"] {
                for encoded in [
                    STANDARD.encode(format!("{before}{secret}{after}")),
                    URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}")),
                ] {
                    let covered = mask(secret).cover(&format!("535 {encoded} x"));
                    let left = covered.replace('…', "");
                    // One digit on either side holds some bits of the secret, and of what is beside it.
                    assert!(
                        covered.contains('…') && left.len() <= encoded.len() - secret.len() * 8 / 6 + 1 + 6,
                        "{covered}"
                    );
                }
            }
        }
        let who = Identity { user: "me", mailbox: None, host: "h", port: 1 };
        let proof = Proof::Token(secret.into());
        for mechanism in [Mechanism::OAuthBearer, Mechanism::XOAuth2, Mechanism::Plain] {
            let said = mechanism.responses(who, &proof).remove(0);
            assert!(Mask::of(&proof).cover(said.expose()).contains('…'), "{mechanism}");
        }
    }

    #[test]
    fn a_secret_that_is_cut_off_leaves_no_part_of_itself() {
        let mask = mask("hunter2hunter2");
        let said = b"hunter2hunter2 and hunter2hunter2";
        for most in 0..=said.len() {
            let covered = String::from_utf8(mask.cover_beginning(said, most)).unwrap();
            assert!(!covered.contains("hu"), "{most}: {covered}");
        }
    }

    #[test]
    fn a_log_has_one_line_of_what_came() {
        assert_eq!(mask("hunter2").shown(b"A1 NO hunter2 \xe9\x1b\r\n"), r"A1 NO … \xe9\x1b\r\n");
        assert_eq!(Mask::default().shown(&[b'x'; 1000]).len(), SHOWN);
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", mask("hunter2")), "Mask(…)");
    }
}
