//! Servers that say what a test wants: one thread per connection, no protocol but the one in the script.
//!
//! For what no real server does when it is asked to. They end with the test program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::started::free_port;

/// Listens on a free port, serves every connection so, and gives the port.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = std::sync::Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve, stream) = (serve.clone(), stream.unwrap());
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Says something, and then hears whatever comes.
pub fn say(text: &'static str) -> u16 {
    listen(move |mut stream| {
        // Who has enough is gone.
        if stream.write_all(text.as_bytes()).is_ok() {
            std::io::copy(&mut stream, &mut std::io::sink()).ok();
        }
    })
}

/// An IMAP server: a greeting, and the answer to each command by how it begins; `+` in an answer is its tag.
///
/// What is not in the script is answered with OK.
pub fn imap(greeting: &'static str, script: &'static [(&'static str, &'static str)]) -> u16 {
    listen(move |mut stream| {
        stream.write_all(format!("{greeting}\r\n").as_bytes()).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            let (tag, command) = line.split_once(' ').unwrap();
            let known = script.iter().find(|(beginning, _)| command.starts_with(beginning));
            let answer = known.map_or("+ OK done", |(_, answer)| answer);
            let answer: String = answer.lines().map(|line| line.replacen('+', tag, 1) + "\r\n").collect();
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

/// An SMTP server that takes every mail, and hands over each as it came, dots and all.
pub fn smtp(take: impl Fn(String) + Send + Sync + 'static) -> u16 {
    listen(move |mut stream| {
        stream.write_all(b"220 localhost ready\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        while let Some(line) = lines.next() {
            let answer: &[u8] = match line.to_ascii_uppercase().get(..4) {
                Some("EHLO") => b"250-localhost\r\n250 8BITMIME\r\n",
                Some("DATA") => {
                    if stream.write_all(b"354 go on\r\n").is_err() {
                        return;
                    }
                    take(lines.by_ref().take_while(|line| line != ".").map(|line| line + "\r\n").collect());
                    b"250 taken\r\n"
                }
                Some("QUIT") => b"221 bye\r\n",
                _ => b"250 well\r\n",
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    })
}

/// An SMTP server that refuses every sign-in in these words.
pub fn refusing_smtp(words: &'static str) -> u16 {
    listen(move |mut stream| {
        let _ = stream.write_all(b"220 localhost ready\r\n");
        for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
            let answer = match line.to_ascii_uppercase().get(..4) {
                Some("EHLO") => "250-localhost\r\n250 AUTH XOAUTH2 PLAIN\r\n".to_owned(),
                Some("AUTH") => format!("{words}\r\n"),
                Some("QUIT") => "221 bye\r\n".to_owned(),
                _ => "250 well\r\n".to_owned(),
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

/// A web server: gives the status and the JSON that `answer` makes of a request, and closes the connection.
pub fn http(answer: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static) -> u16 {
    listen(move |mut stream| {
        let mut request = String::new();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        while !request.ends_with("\r\n\r\n") && lines.read_line(&mut request).is_ok_and(|octets| octets > 0) {}
        let length = request
            .to_ascii_lowercase()
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split_once('\r').and_then(|(length, _)| length.parse::<u64>().ok()));
        lines.take(length.unwrap_or(0)).read_to_string(&mut request).ok();
        let (status, body) = answer(&request);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // Who has enough is gone.
        let _ = stream.write_all((head + &body).as_bytes());
    })
}

/// A port where nobody listens.
pub fn closed() -> u16 {
    free_port()
}
