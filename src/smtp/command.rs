//! What is said to a server that takes mail (RFC 5321 §4.1): each command a value, made octets in one place.
//!
//! Pure. No line end can get into a command, whatever it is made of.

use std::fmt;
use std::net::IpAddr;

use super::path::Path;
use crate::account::{Mechanism, Secret};

/// A command, or an answer to a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Says who is here and asks what can be done (§4.1.1.1): by address, as a computer of a user has no name that others know.
    Ehlo(IpAddr),
    /// Begins TLS (RFC 3207).
    StartTls,
    /// Proves who asks, with the first response or without (RFC 4954 §4).
    Auth(Mechanism, Option<Secret>),
    /// A response to a challenge, in base64; it may be empty.
    Response(Secret),
    /// Gives a proof up (§4).
    Cancel,
    /// Begins a mail (RFC 5321 §4.1.1.2).
    Mail {
        /// Who it is from.
        from: Path,
        /// How many octets it is, where the server wants to know (RFC 1870).
        size: Option<u64>,
        /// Whether there are octets in it that are not ASCII (RFC 6152).
        eight_bit: bool,
        /// Whether there are such in addresses or the header (RFC 6531).
        utf8: bool,
    },
    /// Names one that it goes to (RFC 5321 §4.1.1.3).
    Rcpt(Path),
    /// Asks to hand the content over (§4.1.1.4).
    Data,
    /// Gives a mail up (§4.1.1.5).
    Rset,
    /// Ends the session (§4.1.1.10).
    Quit,
}

impl Command {
    /// The octets of it, with the end of the line.
    pub fn octets(&self) -> Vec<u8> {
        let line = match self {
            Self::Auth(mechanism, Some(response)) => format!("AUTH {mechanism} {}", response.expose()),
            Self::Response(response) => response.expose().to_owned(),
            Self::Ehlo(_)
            | Self::StartTls
            | Self::Auth(_, None)
            | Self::Cancel
            | Self::Mail { .. }
            | Self::Rcpt(_)
            | Self::Data
            | Self::Rset
            | Self::Quit => self.to_string(),
        };
        let mut octets: Vec<u8> = line.into_bytes();
        // Nothing that a command is made of has one; what has would be cut in two commands.
        octets.retain(|octet| !octet.is_ascii_control());
        octets.extend_from_slice(b"\r\n");
        octets
    }

    /// Its name, for errors.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Ehlo(_) => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth(..) | Self::Response(_) | Self::Cancel => "AUTH",
            Self::Mail { .. } => "MAIL",
            Self::Rcpt(_) => "RCPT",
            Self::Data => "DATA",
            Self::Rset => "RSET",
            Self::Quit => "QUIT",
        }
    }
}

/// As a log shows it: without secrets.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ehlo(IpAddr::V4(address)) => write!(f, "EHLO [{address}]"),
            Self::Ehlo(IpAddr::V6(address)) => write!(f, "EHLO [IPv6:{address}]"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Auth(mechanism, None) => write!(f, "AUTH {mechanism}"),
            Self::Auth(mechanism, Some(_)) => write!(f, "AUTH {mechanism} …"),
            Self::Response(_) => f.write_str("…"),
            Self::Cancel => f.write_str("*"),
            Self::Mail { from, size, eight_bit, utf8 } => {
                write!(f, "MAIL FROM:{from}")?;
                if let Some(size) = size {
                    write!(f, " SIZE={size}")?;
                }
                f.write_str(if *eight_bit { " BODY=8BITMIME" } else { "" })?;
                f.write_str(if *utf8 { " SMTPUTF8" } else { "" })
            }
            Self::Rcpt(to) => write!(f, "RCPT TO:{to}"),
            Self::Data => f.write_str("DATA"),
            Self::Rset => f.write_str("RSET"),
            Self::Quit => f.write_str("QUIT"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(command: &Command) -> String {
        String::from_utf8(command.octets()).unwrap()
    }

    #[test]
    fn commands_are_said_as_the_rfcs_say() {
        assert_eq!(said(&Command::Ehlo("192.0.2.1".parse().unwrap())), "EHLO [192.0.2.1]\r\n");
        assert_eq!(said(&Command::Ehlo("2001:db8::1".parse().unwrap())), "EHLO [IPv6:2001:db8::1]\r\n");
        assert_eq!(said(&Command::StartTls), "STARTTLS\r\n");
        assert_eq!(said(&Command::Auth(Mechanism::Login, None)), "AUTH LOGIN\r\n");
        assert_eq!(said(&Command::Auth(Mechanism::Plain, Some("AG1l".into()))), "AUTH PLAIN AG1l\r\n");
        assert_eq!((said(&Command::Response("".into())), said(&Command::Cancel)), ("\r\n".into(), "*\r\n".into()));
        let path = |address: &str| Path::of(address).unwrap();
        let mail = |size, eight_bit, utf8| said(&Command::Mail { from: path("a@x.example"), size, eight_bit, utf8 });
        assert_eq!(mail(None, false, false), "MAIL FROM:<a@x.example>\r\n");
        assert_eq!(mail(Some(7), true, true), "MAIL FROM:<a@x.example> SIZE=7 BODY=8BITMIME SMTPUTF8\r\n");
        assert_eq!(said(&Command::Rcpt(path("b@y.example"))), "RCPT TO:<b@y.example>\r\n");
        assert_eq!((said(&Command::Data), said(&Command::Rset)), ("DATA\r\n".into(), "RSET\r\n".into()));
    }

    #[test]
    fn no_command_is_two() {
        for secret in ["a\r\nQUIT", "a\nQUIT", "\0\r", "a\r"] {
            for command in [Command::Auth(Mechanism::Plain, Some(secret.into())), Command::Response(secret.into())] {
                let said = said(&command);
                assert!(said.ends_with("\r\n") && said.matches(['\r', '\n', '\0']).count() == 2, "{said:?}");
            }
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = |command: Command| format!("{command} {command:?}");
        let auth = shown(Command::Auth(Mechanism::Plain, Some("s3cr3t".into())));
        let response = shown(Command::Response("s3cr3t".into()));
        assert!(auth.starts_with("AUTH PLAIN … ") && response.starts_with("… "), "{auth} {response}");
        assert!(!auth.contains("s3cr3t") && !response.contains("s3cr3t"), "{auth} {response}");
    }
}
