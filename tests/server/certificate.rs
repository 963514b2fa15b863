//! Throw-away certificates: an authority that nobody knows, and what servers show of it.
//!
//! Every authority is new, and none outlives its test program. They come as PEM files and as values for rustls.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What a server shows, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// For `localhost` and 127.0.0.1, and valid.
    Good,
    /// For the same, and valid until 2001.
    Expired,
    /// For `elsewhere.example`.
    OtherName,
    /// For `localhost` and 127.0.0.1, by another authority of the same name.
    OtherAuthority,
    /// For the same, by nobody but itself.
    SelfSigned,
}

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// An authority with a key of its own.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.distinguished_name.push(DnType::CommonName, "mailql test authority");
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// A new certificate with a new key.
    pub fn issue(&self, certificate: Certificate) -> Issued {
        let here = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let names = match certificate {
            Certificate::Good | Certificate::Expired | Certificate::OtherAuthority | Certificate::SelfSigned => {
                here.to_vec()
            }
            Certificate::OtherName => vec!["elsewhere.example".to_owned()],
        };
        let mut parameters = CertificateParams::new(names.clone()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, &*names[0]);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if certificate == Certificate::Expired {
            parameters.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        if certificate == Certificate::SelfSigned {
            return Issued { certificate: parameters.self_signed(&key).unwrap(), key };
        }
        let other = (certificate == Certificate::OtherAuthority).then(Self::new);
        let issuer = other.as_ref().unwrap_or(self);
        Issued { certificate: parameters.signed_by(&key, &issuer.0).unwrap(), key }
    }

    /// Writes its own certificate, for a client to trust, and says where.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("ca.pem");
        fs::write(&path, self.0.pem()).unwrap();
        path
    }

    /// A client that trusts this authority and no other.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A server's certificate and its key.
pub struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Issued {
    /// Writes `server.pem` and `server.key`.
    pub fn write(&self, directory: &Path) {
        fs::write(directory.join("server.pem"), self.certificate.pem()).unwrap();
        fs::write(directory.join("server.key"), self.key.serialize_pem()).unwrap();
    }

    /// A server that shows this certificate.
    pub fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let chain = vec![self.certificate.der().clone()];
        Arc::new(builder.with_no_client_auth().with_single_cert(chain, key.into()).unwrap())
    }
}
