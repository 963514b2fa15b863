//! The place on this computer where the browser comes back to (RFC 8252 §7.3): one visit, and one answer to it.
//!
//! It listens on loopback addresses only, and knows nothing of what is asked there.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use url::{Host, Url, form_urlencoded};

use super::page::Page;
use crate::account::credential::Credential;
use crate::error::{Error, ErrorKind, Result};

/// Somebody listens.
pub(super) struct Listener {
    visits: mpsc::Receiver<Visit>,
    /// Ends with this.
    _open: oneshot::Sender<()>,
}

/// The browser came, or somebody told where it ended.
pub(super) struct Visit {
    query: Vec<(String, String)>,
    answer: Option<Answer>,
}

struct Answer {
    page: oneshot::Sender<String>,
    /// When the browser has it.
    shown: oneshot::Receiver<()>,
}

impl Listener {
    /// Listens where a credential wants the browser to come back to; gives the address, as the provider is told it.
    ///
    /// # Errors
    /// The port is taken.
    pub(super) async fn bind(credential: &Credential) -> Result<(Self, String)> {
        let wanted = credential.redirect_uri.as_deref();
        let url = wanted.map(Url::parse).transpose();
        let url = url.map_err(|error| Error::new(ErrorKind::Config, format!("the redirect_uri is no URL: {error}")))?;
        let given = match &url {
            // As it is written: to the other, port 80 is as good as none.
            Some(_) => wanted.and_then(|text| text.parse::<Uri>().ok()).and_then(|uri| uri.port_u16()),
            None => credential.redirect_port,
        };
        let first = match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Domain(_)) | None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let taken = |error| {
            let port = given.unwrap_or_default();
            Error::io(format!("cannot listen on port {port} of this computer"), error).hint(
                "end the program that uses it, or register another port; without redirect_port, any free one is taken",
            )
        };
        let listener = TcpListener::bind(SocketAddr::new(first, given.unwrap_or(0))).await.map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        // The name may be looked up as either.
        let is_named = !matches!(url.as_ref().and_then(Url::host), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        let second = if is_named { TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok() } else { None };
        let redirect = match (&url, wanted) {
            (Some(_), Some(text)) if given.is_some() => text.to_owned(),
            (Some(url), _) => {
                let mut url = url.clone();
                // It has a host, so it can have a port.
                let _ = url.set_port(Some(port));
                url.to_string()
            }
            (None, _) => format!("http://localhost:{port}"),
        };
        let path: Arc<str> = url.as_ref().map_or("/", Url::path).into();
        let (visitor, visits) = mpsc::channel(1);
        let (open, closed) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, second, path, visitor) => {}
                _ = closed => {}
            }
        });
        Ok((Self { visits, _open: open }, redirect))
    }

    /// Waits for the browser.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub(super) async fn visit(&mut self) -> Result<Visit> {
        self.visits.recv().await.ok_or_else(|| Error::new(ErrorKind::Io, "nobody listens for the browser any more"))
    }
}

impl Visit {
    /// The address that a browser ended at, copied by hand; its query alone will do.
    pub(super) fn pasted(address: &str) -> Self {
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default().trim();
        Self { query: pairs(query), answer: None }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Shows a page, if there is a browser; waits until it has it.
    pub(super) async fn answer(self, page: &Page) {
        if let Some(answer) = self.answer
            && answer.page.send(page.html()).is_ok()
        {
            drop(timeout(SHOWN, answer.shown).await);
        }
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

async fn accept(first: TcpListener, second: Option<TcpListener>, path: Arc<str>, visitor: mpsc::Sender<Visit>) {
    loop {
        let other = async {
            match &second {
                Some(second) => second.accept().await,
                None => std::future::pending().await,
            }
        };
        let accepted = tokio::select! { accepted = first.accept() => accepted, accepted = other => accepted };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&path), visitor.clone()))),
            // Out of file descriptors, say: it may pass.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Answers on one connection; the first that comes with a query is the visit, whatever else browsers ask for is not there.
async fn serve(stream: TcpStream, path: Arc<str>, visitor: mpsc::Sender<Visit>) {
    let shown = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let is_it = request.uri().path() == &*path && request.uri().query().is_some_and(|query| !query.is_empty());
        let query = pairs(request.uri().query().unwrap_or_default());
        let (visitor, shown) = (&visitor, &shown);
        async move {
            if !is_it {
                return Ok::<_, Infallible>(response(404, Page::nothing().html()));
            }
            let (page, told) = oneshot::channel();
            let (sender, receiver) = oneshot::channel();
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
            let answer = Some(Answer { page, shown: receiver });
            if visitor.try_send(Visit { query, answer }).is_err() {
                return Ok(response(404, Page::nothing().html()));
            }
            Ok(match told.await {
                Ok(page) => response(200, page),
                Err(_) => response(500, Page::nothing().html()),
            })
        }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    drop(timeout(SERVED, connection).await);
    if let Some(sender) = shown.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = sender.send(());
    }
}

fn response(status: u16, page: String) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        // The address has the code in it.
        .header("referrer-policy", "no-referrer")
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        .body(Full::new(Bytes::from(page)));
    response.unwrap_or_default()
}

/// How long a browser may take for its page.
const SHOWN: Duration = Duration::from_secs(2);
/// How long a connection may last: longer than a person is given.
const SERVED: Duration = Duration::from_mins(6);

#[cfg(test)]
mod tests {
    use super::super::page::Page;
    use super::*;
    use crate::net::http;

    async fn asked(address: String) -> (u16, String) {
        let answer = http::ask(Request::get(address).body(Vec::new()).unwrap(), None).await.unwrap();
        (answer.status().as_u16(), String::from_utf8(answer.body().clone()).unwrap())
    }

    fn credential(redirect_uri: Option<&str>) -> Credential {
        Credential { redirect_uri: redirect_uri.map(str::to_owned), ..Credential::new("client", None) }
    }

    #[tokio::test]
    async fn one_visit_is_taken_and_answered_and_nothing_else_is_there() {
        let (mut listener, redirect) = Listener::bind(&credential(None)).await.unwrap();
        assert_eq!(asked(format!("{redirect}/favicon.ico")).await.0, 404);
        assert_eq!(asked(format!("{redirect}/")).await.0, 404, "nothing came back with it");
        let browser = tokio::spawn(asked(format!("{redirect}/?code=a%20b&state=c")));
        let visit = listener.visit().await.unwrap();
        assert_eq!((visit.parameter("code"), visit.parameter("state")), (Some("a b"), Some("c")));
        visit.answer(&Page::succeeded("me@example.org")).await;
        let (status, page) = browser.await.unwrap();
        assert!(status == 200 && page.contains("me@example.org"), "{page}");
    }

    #[tokio::test]
    async fn the_address_is_the_one_that_is_registered() {
        let (listener, redirect) = Listener::bind(&credential(Some("http://127.0.0.1/back"))).await.unwrap();
        assert!(redirect.starts_with("http://127.0.0.1:") && redirect.ends_with("/back"), "{redirect}");
        let port = Url::parse(&redirect).unwrap().port().unwrap();
        let fixed = format!("http://127.0.0.1:{port}/back");
        let Err(error) = Listener::bind(&credential(Some(&fixed))).await.map(drop) else { panic!("it is taken") };
        assert!(error.to_string().contains(&port.to_string()) && error.way_out().is_some(), "{error}");
        drop(listener);
    }
}
