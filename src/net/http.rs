//! One request over HTTP, and its answer (RFC 9110): no redirect is followed, and nothing is without an end.
//!
//! It knows nothing of what is asked. What is sent and what comes back may be secret, and is not logged.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::Line;
use super::connect::{self, Service, dial, encrypt};
use super::steps::Steps;
use crate::error::{Error, ErrorKind, Result};

/// Asks a server, and gives what it answers, whatever its status is.
///
/// The certificates in `ca_file` (PEM) are trusted as well as the system's. It takes no longer than half a minute.
///
/// # Errors
/// The server cannot be reached or trusted, answers too much, too late, or not by HTTP.
pub async fn ask(request: Request<Vec<u8>>, ca_file: Option<&Path>) -> Result<Response<Vec<u8>>> {
    let place = place(request.uri())?;
    let asked = format!("{} {}", request.method(), without_query(request.uri()));
    let answered = timeout(WITHIN, conversation(request, &place, ca_file)).await.unwrap_or_else(|_| {
        let message = format!("{} did not answer within {} s", place.host, WITHIN.as_secs());
        Err(Error::new(ErrorKind::Server, message).hint("try again in a while"))
    });
    match &answered {
        Ok(answer) => tracing::debug!("{asked}: {}", answer.status()),
        Err(error) => tracing::debug!("{asked}: {error}"),
    }
    answered
}

/// Where a request goes.
struct Place {
    host: String,
    port: u16,
    encrypted: bool,
}

fn place(uri: &Uri) -> Result<Place> {
    let nowhere = || Error::new(ErrorKind::Config, "an endpoint is no http:// or https:// address");
    let encrypted = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(scheme) if *scheme == Scheme::HTTP => false,
        _ => return Err(nowhere()),
    };
    let host = uri.host().ok_or_else(nowhere)?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Place { host, port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }), encrypted })
}

async fn conversation(
    mut request: Request<Vec<u8>>,
    place: &Place,
    ca_file: Option<&Path>,
) -> Result<Response<Vec<u8>>> {
    let (stream, _) = dial(&place.host, place.port, WITHIN, &mut Steps::untold()).await?;
    let line: Box<dyn Line> = if place.encrypted {
        let there = connect::Place { host: &place.host, port: place.port, service: Service::Http };
        encrypt(Box::new(stream), there, ca_file, WITHIN, &mut Steps::untold()).await?
    } else {
        Box::new(stream)
    };
    let no_http = |error: hyper::Error| {
        Error::new(ErrorKind::Server, format!("{} does not answer as a web server does", place.host)).because(error)
    };
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let headers = request.headers_mut();
    if let Ok(host) = HeaderValue::from_str(&authority) {
        headers.insert(HOST, host);
    }
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("mailql/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = path.into();
    let (mut sender, connection) = handshake(TokioIo::new(line)).await.map_err(no_http)?;
    let answered = async {
        let answer = sender.send_request(request.map(|body| Full::new(Bytes::from(body)))).await.map_err(no_http)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LENGTH).collect().await.map_err(|_| {
            let message = format!("{} answered with more than {} KiB, or broke off", place.host, LENGTH / 1024);
            Error::new(ErrorKind::Server, message).hint("see whether it is the endpoint that it should be")
        })?;
        Ok(Response::from_parts(head, body.to_bytes().to_vec()))
    };
    tokio::pin!(answered, connection);
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // The line ends when the answer does, and the answer may not have been looked at.
        _ = &mut connection => answered.await,
    }
}

/// An address without what may be secret in it.
fn without_query(uri: &Uri) -> String {
    let (scheme, authority) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |it| it.as_str()));
    format!("{scheme}://{authority}{}", uri.path())
}

/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(30);
/// Octets of an answer.
const LENGTH: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What is answered to a request for `/token`, with the request as it came.
    async fn answered(answer: Vec<u8>) -> (Result<Response<Vec<u8>>>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 10_000];
            let octets = stream.read(&mut heard).await.unwrap();
            drop(stream.write_all(&answer).await);
            heard.truncate(octets);
            String::from_utf8(heard).unwrap()
        });
        let request =
            Request::post(format!("http://127.0.0.1:{port}/token?a=b")).body(b"grant_type=x".to_vec()).unwrap();
        let answer = ask(request, None).await;
        (answer, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_request_is_answered() {
        let (answer, heard) = answered(b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}".to_vec()).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (400, &b"{}"[..]));
        assert!(
            heard.starts_with("POST /token?a=b HTTP/1.1\r\n") && heard.ends_with("\r\n\r\ngrant_type=x"),
            "{heard}"
        );
        assert!(heard.contains("host: 127.0.0.1:"), "{heard}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let (answer, _) = answered(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_vec()).await;
        assert_eq!(answer.unwrap().status().as_u16(), 302);
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_given_up() {
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.extend(vec![b'x'; LENGTH + 1]);
        let error = answered(endless).await.0.unwrap_err().to_string();
        assert!(error.contains("more than 1024 KiB"), "{error}");
        let error = answered(b"* OK Dovecot ready\r\n".to_vec()).await.0.unwrap_err().to_string();
        assert!(error.contains("web server"), "{error}");
        assert!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec()).await.0.is_err());
    }
}
