//! The way to a server: its address, a connection, TLS over it. Speaks no IMAP.
//!
//! Every step has a deadline and says what went wrong in a sentence; the rooms of the protocols go on from here.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig};

use super::Line;
use super::certificate::{Certificate, Looking};
use super::prompt::Prompt;
use super::steps::{Step, Steps};
use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A server, and what is spoken there.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its name or address.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// What is spoken there.
    pub service: Service,
}

/// What is spoken at a port: by it one knows what else is usual there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Mail is read there.
    Imap,
    /// Mail is handed in there.
    Smtp,
    /// Tokens are got there.
    Http,
}

/// Opens a connection, without TLS, and tells to which address.
///
/// # Errors
/// When there is no such host, or nobody answers there.
pub async fn dial(host: &str, port: u16, patience: Duration, steps: &mut Steps<'_>) -> Result<(Prompt, IpAddr)> {
    steps.begin(Step::Dns);
    let looked_up = timeout(patience.min(DIALLING), tokio::net::lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            return Err(Error::new(ErrorKind::Unreachable, format!("the host {host} cannot be found"))
                .because(error)
                .hint("check the name of the server, and that this machine is online"));
        }
        Err(_) => {
            return Err(unreachable(format!("nobody told the address of {host} within {}", within(patience))));
        }
    };
    steps.end(addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", "));
    steps.begin(Step::Tcp);
    let mut last = None;
    for address in addresses.iter().take(ADDRESSES) {
        match timeout(patience.min(DIALLING), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                steps.end(address.to_string());
                return Ok((Prompt::new(stream), address.ip()));
            }
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
    }
    Err(match last {
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            unreachable(format!("nobody answers at {host} on port {port}")).because(error)
        }
        Some(error) => lost(host, port, error),
        None => unreachable(format!("{host} did not answer on port {port} within {}", within(patience))),
    })
}

/// Puts TLS over a line.
///
/// # Errors
/// When the other side speaks no TLS that is good enough, or cannot prove to be the host.
pub async fn encrypt(
    line: Box<dyn Line>,
    place: Place<'_>,
    ca_file: Option<&Path>,
    patience: Duration,
    steps: &mut Steps<'_>,
) -> Result<Box<dyn Line>> {
    steps.begin(Step::Tls);
    let Place { host, port, .. } = place;
    let (config, looking) = config(ca_file)?;
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| Error::new(ErrorKind::Config, format!("{host} is no name of a host")).because(error))?;
    match timeout(patience.min(DIALLING), connector.connect(name, line)).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
            let shown = looking.shown().map(|certificate| certificate.told(Utc::now()));
            let shown = shown.unwrap_or_else(|| format!("certificate for {host}"));
            steps.end(format!("{}, {shown}", version.replace('_', ".").replacen("TLSv", "TLS ", 1)));
            Ok(Box::new(stream))
        }
        Ok(Err(error)) => Err(explained(place, ca_file, looking.shown().as_ref(), error)),
        Err(_) => {
            let message = format!("{host} did not begin TLS on port {port} within {}", within(patience));
            Err(no_tls(ErrorKind::Unreachable, message, place.service))
        }
    }
}

/// Whether an address belongs to this computer or to its own network (RFC 1918, 3927, 4193, 4291), where a line is wide.
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        // To no address at all is to this computer.
        IpAddr::V4(near) => near.is_loopback() || near.is_private() || near.is_link_local() || near.is_unspecified(),
        IpAddr::V6(near) => {
            near.is_loopback() || near.is_unique_local() || near.is_unicast_link_local() || near.is_unspecified()
        }
    }
}

fn config(ca_file: Option<&Path>) -> Result<(ClientConfig, Arc<Looking>)> {
    let own = ca_file.map(authorities).transpose()?.unwrap_or_default();
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let failed = |error| Error::new(ErrorKind::Config, "the certificates of this system cannot be used").because(error);
    let verifier = Verifier::new_with_extra_roots(own, Arc::clone(&provider))
        .map_err(|error| failed(error).hint("install the package ca-certificates, or name a ca_file"))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(failed)?;
    let looking = Looking::with(verifier);
    let verifier = Arc::clone(&looking);
    Ok((config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth(), looking))
}

/// The certificates of a PEM file.
fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| {
        Error::new(ErrorKind::Config, format!("cannot use the ca_file {}: {why}", path.display()))
            .hint("it is a PEM file with the certificate of the authority")
    };
    let file = file::open(path).map_err(|error| unusable(error.to_string()))?;
    let found: Vec<_> =
        CertificateDer::pem_reader_iter(file).collect::<Result<_, _>>().map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("there is no certificate in it".to_owned())) } else { Ok(found) }
}

/// What went wrong between the two TLS stacks, for a person.
fn explained(place: Place<'_>, ca_file: Option<&Path>, shown: Option<&Certificate>, error: io::Error) -> Error {
    let Place { host, port, service } = place;
    let server = |message: String| Error::new(ErrorKind::Server, message);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let explained = match inner {
        Some(rustls::Error::InvalidCertificate(why)) => untrusted(host, ca_file, shown, why),
        Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. }) => {
            no_tls(ErrorKind::Server, format!("{host} does not speak TLS on port {port}"), service)
        }
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_)) => {
            server(format!("{host} offers no encryption that is good enough"))
                .hint("TLS 1.2 or 1.3 with current ciphers is needed; the server must be updated")
        }
        Some(other) => server(format!("{host} cannot be spoken to with TLS: {other}"))
            .hint("whoever runs the server can say what it expects"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => no_tls(
            ErrorKind::Unreachable,
            format!("{host} closed the connection on port {port} when TLS was to begin"),
            service,
        ),
        None => return lost(host, port, error),
    };
    explained.because(error)
}

fn untrusted(host: &str, ca_file: Option<&Path>, shown: Option<&Certificate>, why: &CertificateError) -> Error {
    let server = |message: String| Error::new(ErrorKind::Server, message);
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let since = shown.and_then(|shown| shown.until).map(|until| format!(" on {}", until.format("%Y-%m-%d")));
            server(format!("the certificate of {host} has expired{}", since.unwrap_or_default()))
                .hint("whoever runs the server must renew it; check this machine's clock, too")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            server(format!("the certificate of {host} is not valid yet")).hint("check this machine's clock")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("mail.example.org")`.
            let names: Vec<&str> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            server(format!("the server has a certificate for {}, not for {host}", names.join(", ")))
                .hint("use the name that is in the certificate as the host")
        }
        CertificateError::NotValidForName => server(format!("the certificate of the server is not for {host}"))
            .hint("use the name that is in the certificate as the host"),
        CertificateError::Revoked => server(format!("the certificate of {host} has been revoked"))
            .hint("whoever runs the server must replace it"),
        _ if shown.is_some_and(|shown| shown.is_self_signed) => {
            let error =
                server(format!("the certificate of {host} is self-signed: nobody but the server vouches for it"));
            error.hint(match shown {
                Some(shown) if shown.is_authority => {
                    "if it is your own server, have that certificate sign another one for it, and name the first as the ca_file; one of an authority cannot be a server's, too"
                }
                _ if ca_file.is_some() => "the ca_file has another certificate; whoever runs the server has the right one",
                _ => "if it is your own server, name its certificate: ca_file = \"….pem\", or ?ca_file=… in a URL; else somebody may be in between",
            })
        }
        // A signature is bad, or of another kind, when another authority goes by the same name.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            let hint = match ca_file {
                Some(_) => "the ca_file is of another authority; whoever runs the server has the right one",
                None => {
                    "if it is your own authority, name its certificate: ca_file = \"….pem\", or ?ca_file=… in a URL"
                }
            };
            let who = shown.map(|shown| format!(": {}", shown.issuer)).unwrap_or_default();
            server(format!("the certificate of {host} is signed by an authority that nobody here knows{who}"))
                .hint(hint)
        }
        other => server(format!("the certificate of {host} cannot be trusted: {other}"))
            .hint("whoever runs the server must replace it"),
    }
}

fn no_tls(kind: ErrorKind, message: String, service: Service) -> Error {
    Error::new(kind, message).hint(match service {
        Service::Imap => {
            "TLS at once is usual on port 993; on 143 it is STARTTLS: tls = \"starttls\", or imap+starttls:// in a URL"
        }
        Service::Smtp => {
            "TLS at once is usual on port 465; on 587 it is STARTTLS: smtp = { host = \"…\", port = 587, tls = \"starttls\" }"
        }
        Service::Http => "see whether it is the address of an endpoint; a proxy may be in between, too",
    })
}

/// What the operating system said of a connection.
fn lost(host: &str, port: u16, error: io::Error) -> Error {
    // Its kind is Io there, but it is the server's.
    unreachable(Error::io(format!("cannot reach {host} on port {port}"), error).to_string())
}

fn unreachable(message: String) -> Error {
    Error::new(ErrorKind::Unreachable, message).hint("check host and port, and whether a firewall is in between")
}

fn within(patience: Duration) -> String {
    format!("{} s", patience.min(DIALLING).as_secs())
}

/// How long opening a connection may take, for each of its steps.
const DIALLING: Duration = Duration::from_secs(10);

/// Addresses of a host that are tried.
const ADDRESSES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_near_when_it_is_of_this_computer_or_of_its_network() {
        let near = |address: &str| is_near(address.parse().unwrap());
        for address in [
            "127.0.0.1",
            "127.255.1.2",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.178.1",
            "169.254.7.7",
            "0.0.0.0",
            "::1",
            "::",
            "fc00::1",
            "fdff:1::1",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:192.168.0.9",
        ] {
            assert!(near(address), "{address}");
        }
        for address in [
            "203.0.113.7",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.0.1",
            "192.169.0.1",
            "169.253.0.1",
            "126.0.0.1",
            "128.0.0.1",
            // Networks of providers and tunnels: not near.
            "100.64.0.1",
            "2001:db8::1",
            "fbff::1",
            "fe00::1",
            "fec0::1",
            "ff02::1",
            "::2",
            "::ffff:203.0.113.7",
            "64:ff9b::a00:1",
        ] {
            assert!(!near(address), "{address}");
        }
    }
}
