//! The physical limit: signs in, asks in as few flights as can be, and takes what comes without looking at it.
//!
//! Nothing of the answer is understood but the last line of a flight. No client can be faster on this machine that asks
//! for the same things; a better way of asking would be.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// The name of this part on the command line.
pub const PART: &str = "drain";

/// Stands between the commands of two flights: what follows could not be known before the answer.
pub const THEN: &str = "--then";

/// Where the octets go when nobody wants them.
pub const NOWHERE: &str = "-";

/// Runs `PORT USER PASSWORD FILE COMMAND...`, with [`THEN`] between flights; says nothing when all went well.
///
/// A flight ends with the answer to its last command: a server that answers another one later needs them in two flights.
pub fn main(arguments: &[String]) -> ExitCode {
    let [port, user, password, file, commands @ ..] = arguments else { return ExitCode::from(2) };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut file = (file != NOWHERE).then(|| File::create(file).unwrap());
    let mut buffer = vec![0; 1 << 20];
    let mut number = 0;
    let login = [format!("LOGIN \"{user}\" \"{password}\"")];
    let mut first = Some(&login[..]);
    for commands in commands.split(|command| command == THEN) {
        let mut flight = String::new();
        for command in first.take().unwrap_or_default().iter().chain(commands) {
            number += 1;
            flight.push_str(&format!("d{number} {command}\r\n"));
        }
        stream.write_all(flight.as_bytes()).unwrap();
        if let Err(said) = drain(&mut stream, &mut buffer, file.as_mut(), &format!("d{number} ")) {
            eprintln!("{said}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Takes all as far as the last line of a flight.
fn drain(stream: &mut TcpStream, buffer: &mut [u8], mut file: Option<&mut File>, tag: &str) -> Result<(), String> {
    // The end of what came so far: a line may come in pieces.
    let mut end = Vec::new();
    loop {
        let count = stream.read(buffer).map_err(|error| error.to_string())?;
        if count == 0 {
            return Err(format!("the server hung up: {}", String::from_utf8_lossy(&end)));
        }
        let octets = &buffer[..count];
        if let Some(file) = &mut file {
            file.write_all(octets).map_err(|error| error.to_string())?;
        }
        end.extend_from_slice(&octets[count.saturating_sub(LINE)..]);
        end.drain(..end.len().saturating_sub(LINE));
        let Some(lines) = end.strip_suffix(b"\r\n") else { continue };
        let start = lines.iter().rposition(|octet| *octet == b'\n').map_or(0, |before| before + 1);
        let Some(answer) = lines[start..].strip_prefix(tag.as_bytes()) else { continue };
        let said = String::from_utf8_lossy(answer);
        return if answer.starts_with(b"OK") { Ok(()) } else { Err(format!("{tag}{said}")) };
    }
}

/// Longer than a last line is.
const LINE: usize = 512;

/// A server may read a million files before it says anything.
const PATIENCE: Duration = Duration::from_secs(600);
