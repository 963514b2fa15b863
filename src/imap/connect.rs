//! The way to a server: its address, a connection, TLS over it. Speaks no IMAP.
//!
//! Every step has a deadline and says what went wrong in a sentence; [`super::session`] goes on from here.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig};

use super::steps::{Step, Steps};
use super::transport::Line;
use crate::error::{Error, ErrorKind, Result};

/// Opens a connection, without TLS.
///
/// # Errors
/// When there is no such host, or nobody answers there.
pub async fn dial(host: &str, port: u16, patience: Duration, steps: &mut Steps) -> Result<TcpStream> {
    steps.begin(Step::Dns);
    let looked_up = timeout(patience.min(DIALLING), tokio::net::lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            return Err(Error::new(ErrorKind::Server, format!("there is no host {host}"))
                .because(error)
                .hint("check the name of the server, and that this machine is online"));
        }
        Err(_) => {
            return Err(unreachable(format!("nobody knew the address of {host} within {} seconds", secs(patience))));
        }
    };
    steps.end(addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", "));
    steps.begin(Step::Tcp);
    let mut last = None;
    for address in addresses.iter().take(ADDRESSES) {
        match timeout(patience.min(DIALLING), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Commands are small and answered at once.
                drop(stream.set_nodelay(true));
                steps.end(address.to_string());
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
    }
    Err(match last {
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            unreachable(format!("nobody answers at {host} on port {port}")).because(error)
        }
        Some(error) => Error::io(format!("cannot reach {host} on port {port}"), error),
        None => unreachable(format!("{host} did not answer on port {port} within {} seconds", secs(patience))),
    })
}

/// Puts TLS over a line.
///
/// # Errors
/// When the other side speaks no TLS that is good enough, or cannot prove to be the host.
pub async fn encrypt(
    line: Box<dyn Line>,
    (host, port): (&str, u16),
    ca_file: Option<&Path>,
    patience: Duration,
    steps: &mut Steps,
) -> Result<Box<dyn Line>> {
    steps.begin(Step::Tls);
    let connector = TlsConnector::from(Arc::new(config(ca_file)?));
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| Error::new(ErrorKind::Config, format!("{host} is no name of a host")).because(error))?;
    match timeout(patience.min(DIALLING), connector.connect(name, line)).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
            steps.end(format!("{}, certificate for {host}", version.replace('_', ".").replacen("TLSv", "TLS ", 1)));
            Ok(Box::new(stream))
        }
        Ok(Err(error)) => Err(explained(host, port, error)),
        Err(_) => Err(no_tls(host, port)),
    }
}

fn config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let own = ca_file.map(authorities).transpose()?.unwrap_or_default();
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let failed = |error| Error::new(ErrorKind::Config, "the certificates of this system cannot be used").because(error);
    let verifier = Verifier::new_with_extra_roots(own, Arc::clone(&provider))
        .map_err(|error| failed(error).hint("install the package ca-certificates, or name a ca_file"))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(failed)?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The certificates of a PEM file.
fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| {
        Error::new(ErrorKind::Config, format!("cannot use the ca_file {}: {why}", file.display()))
            .hint("it is a PEM file with the certificate of the authority")
    };
    let found = CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("there is no certificate in it".to_owned())) } else { Ok(found) }
}

/// What went wrong between the two TLS stacks, for a person.
fn explained(host: &str, port: u16, error: io::Error) -> Error {
    let server = |message: String| Error::new(ErrorKind::Server, message);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let explained = match inner {
        Some(rustls::Error::InvalidCertificate(why)) => untrusted(host, why),
        Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. }) => return no_tls(host, port),
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_)) => {
            server(format!("{host} offers no encryption that is good enough"))
                .hint("TLS 1.2 or 1.3 with current ciphers is needed; the server must be updated")
        }
        Some(other) => server(format!("{host} cannot be spoken to with TLS: {other}")),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            server(format!("{host} closed the connection on port {port} when TLS was to begin"))
                .hint("see whether that port expects TLS at once (tls = \"implicit\", usually 993) or STARTTLS (tls = \"starttls\", usually 143)")
        }
        None => return Error::io(format!("cannot reach {host} on port {port}"), error),
    };
    explained.because(error)
}

fn untrusted(host: &str, why: &CertificateError) -> Error {
    let server = |message: String| Error::new(ErrorKind::Server, message);
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            server(format!("the certificate of {host} has expired"))
                .hint("whoever runs the server must renew it; check this machine's clock, too")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            server(format!("the certificate of {host} is not valid yet")).hint("check this machine's clock")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            server(format!("the server has a certificate for {}, not for {host}", presented.join(", ")))
                .hint("use the name that is in the certificate as the host")
        }
        CertificateError::NotValidForName => server(format!("the certificate of the server is not for {host}"))
            .hint("use the name that is in the certificate as the host"),
        CertificateError::UnknownIssuer => {
            server(format!("the certificate of {host} is signed by an authority that nobody here knows"))
                .hint("if it is your own authority, name its certificate: ca_file = \"….pem\", or ?ca_file=… in a URL")
        }
        CertificateError::Revoked => server(format!("the certificate of {host} has been revoked")),
        other => server(format!("the certificate of {host} cannot be trusted: {other}")),
    }
}

fn no_tls(host: &str, port: u16) -> Error {
    Error::new(ErrorKind::Server, format!("{host} does not speak TLS on port {port}"))
        .hint("it may want STARTTLS there: tls = \"starttls\", or imap+starttls:// in a URL; port 993 usually expects TLS at once")
}

fn unreachable(message: String) -> Error {
    Error::new(ErrorKind::Server, message)
        .hint("check host and port, and whether a firewall is between you and the server")
}

fn secs(patience: Duration) -> u64 {
    patience.min(DIALLING).as_secs()
}

/// How long opening a connection may take, for each of its steps.
const DIALLING: Duration = Duration::from_secs(10);

/// Addresses of a host that are tried.
const ADDRESSES: usize = 4;
