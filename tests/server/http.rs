//! HTTP as far as tests need it: one request, one answer, and the connection is closed.
//!
//! For servers of the tests themselves, on loopback; it follows no redirect.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;
use url::Url;

use super::started::DEADLINE;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Asks for a page.
pub fn get(url: &str) -> Answer {
    request("GET", url, "", "", "")
}

/// Sends the fields of a form, with more lines of header if there are any.
pub fn post_form(url: &str, fields: &[(&str, &str)], headers: &str) -> Answer {
    request("POST", url, &form(fields), "application/x-www-form-urlencoded", headers)
}

/// Sends JSON.
pub fn post_json(url: &str, body: &Value) -> Answer {
    request("POST", url, &body.to_string(), "application/json", "")
}

/// The fields of a form as one line.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a request; `headers` are whole lines, each with its CRLF.
pub fn request(method: &str, url: &str, body: &str, media_type: &str, headers: &str) -> Answer {
    let url = Url::parse(url).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let (port, length) = (url.port().unwrap(), body.len());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let media_type = if media_type.is_empty() { String::new() } else { format!("Content-Type: {media_type}\r\n") };
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n{media_type}{headers}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    parse(&mut stream)
}

fn parse(stream: &mut TcpStream) -> Answer {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    // Not every server closes the connection after its answer.
    loop {
        let read = stream.read(&mut buffer).unwrap();
        octets.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&octets);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(read, 0, "the answer ends in its head: {text}");
            continue;
        };
        let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if read == 0 || length.is_some_and(|length| octets.len() >= head.len() + 4 + length) {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return Answer { status, body: body.to_owned() };
        }
    }
}
