//! What a server shows by TLS: its certificate (RFC 5280), kept while it is checked and put in words for a person.
//!
//! Whether it can be trusted is decided by the system's verifier alone; nothing that is read here lets anybody in.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, DigitallySignedStruct, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

/// The certificate of a server, as far as people ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// When it ends.
    pub until: Option<DateTime<Utc>>,
    /// Whether whom it is for and who signed it are the same.
    pub is_self_signed: bool,
    /// Whether it is an authority's own, by which others are signed.
    pub is_authority: bool,
}

impl Certificate {
    /// Reads a certificate in DER; `None` when it is none.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(octets).ok()?;
        let alternatives = read.subject_alternative_name().ok().flatten();
        let mut names: Vec<String> = alternatives
            .iter()
            .flat_map(|names| &names.value.general_names)
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(octets) => address(octets),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            names.extend(common_name(read.subject()));
        }
        Some(Self {
            names,
            issuer: called(read.issuer()),
            until: DateTime::from_timestamp(read.validity().not_after.timestamp(), 0),
            is_self_signed: read.subject().as_raw() == read.issuer().as_raw(),
            is_authority: read.is_ca(),
        })
    }

    /// What it says of itself, and whether it ends soon.
    pub fn told(&self, now: DateTime<Utc>) -> String {
        let (shown, more) = self.names.split_at(self.names.len().min(NAMES));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let by = if self.is_self_signed { "itself" } else { self.issuer.as_str() };
        let until = self.until.map(|until| {
            let date = until.format("%Y-%m-%d");
            match (until - now).num_days() {
                SOON.. => format!(", valid until {date}"),
                days @ 2.. => format!(", valid until {date} (WARNING: that is in {days} days)"),
                1 => format!(", valid until {date} (WARNING: that is in 1 day)"),
                _ => format!(", valid until {date} (WARNING: that is within a day)"),
            }
        });
        format!("certificate for {}{more}, by {by}{}", shown.join(", "), until.unwrap_or_default())
    }
}

/// A verifier that keeps what it is shown, whether that can be trusted or not.
#[derive(Debug)]
pub(super) struct Looking {
    trust: Verifier,
    shown: Mutex<Option<Vec<u8>>>,
}

impl Looking {
    pub(super) fn with(trust: Verifier) -> Arc<Self> {
        Arc::new(Self { trust, shown: Mutex::default() })
    }

    /// The certificate that was shown, if there was one that can be read.
    pub(super) fn shown(&self) -> Option<Certificate> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.as_deref().and_then(Certificate::parse)
    }
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        self.trust.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}

/// An authority as people know it: its common name and whose it is.
fn called(name: &X509Name<'_>) -> String {
    let organisation = name.iter_organization().find_map(|part| part.as_str().ok()).map(str::to_owned);
    match (common_name(name), organisation) {
        (Some(name), Some(organisation)) if !name.contains(&organisation) => format!("{name} ({organisation})"),
        (Some(name), _) => name,
        (None, Some(organisation)) => organisation,
        (None, None) => "an authority without a name".to_owned(),
    }
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().find_map(|part| part.as_str().ok()).map(str::to_owned)
}

fn address(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).map(std::net::IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(octets).map(std::net::IpAddr::from);
    four.or_else(|_| sixteen()).ok().map(|address| address.to_string())
}

/// Names that are told; some certificates are for hundreds.
const NAMES: usize = 5;
/// Days before its end when a certificate should have been renewed: those that are renewed by themselves are by then.
const SOON: i64 = 14;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn issued(names: &[&str], authority: Option<&str>) -> Certificate {
        let mut parameters =
            CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        parameters.not_after = date_time_ymd(2026, 12, 1);
        let key = KeyPair::generate().unwrap();
        let signed = match authority {
            None => parameters.self_signed(&key).unwrap(),
            Some(name) => {
                let mut own = CertificateParams::new(Vec::new()).unwrap();
                own.distinguished_name.push(DnType::CommonName, name);
                own.distinguished_name.push(DnType::OrganizationName, "Example Trust");
                let issuer = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
                parameters.signed_by(&key, &issuer).unwrap()
            }
        };
        Certificate::parse(signed.der()).unwrap()
    }

    fn at(date: &str) -> DateTime<Utc> {
        format!("{date}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_certificate_tells_whom_it_is_for_who_signed_it_and_until_when() {
        let certificate = issued(&["mail.example.org", "192.0.2.1", "2001:db8::1"], Some("R1"));
        let told =
            "certificate for mail.example.org, 192.0.2.1, 2001:db8::1, by R1 (Example Trust), valid until 2026-12-01";
        assert_eq!(certificate.told(at("2026-10-01")), told);
        assert!(!certificate.is_self_signed);
        let many = issued(&["a.x", "b.x", "c.x", "d.x", "e.x", "f.x", "g.x"], Some("R1"));
        assert!(many.told(at("2026-10-01")).contains("d.x, e.x and 2 more, by"));
    }

    #[test]
    fn one_that_ends_soon_is_a_warning() {
        let told = |date| issued(&["a.x"], Some("R1")).told(at(date));
        assert!(!told("2026-11-16").contains("WARNING"), "{}", told("2026-11-16"));
        assert!(told("2026-11-18").ends_with("valid until 2026-12-01 (WARNING: that is in 12 days)"));
        assert!(told("2026-11-29").ends_with("in 1 day)") && told("2026-11-30").ends_with("within a day)"));
    }

    #[test]
    fn one_that_is_signed_by_itself_is_known() {
        let certificate = issued(&["mail.example.org"], None);
        assert!(certificate.is_self_signed && certificate.told(at("2026-10-01")).contains("by itself"));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let good = CertificateParams::new(vec!["a.x".to_owned()]).unwrap().self_signed(&KeyPair::generate().unwrap());
        let good = good.unwrap().der().to_vec();
        assert_eq!(Certificate::parse(b""), None);
        assert_eq!(Certificate::parse(b"no certificate"), None);
        for end in 0..good.len() {
            assert_eq!(Certificate::parse(&good[..end]), None, "{end}");
        }
        // Whatever an octet is turned into: it is read or not, and nothing else happens.
        for at in 0..good.len() {
            let mut broken = good.clone();
            broken[at] ^= 0xff;
            drop(Certificate::parse(&broken));
        }
    }
}
