//! A line of some length in front of the server, as a process of its own: it delays and counts, and limits nothing else.
//!
//! Each direction takes half of the round-trip time, however much is on its way. Opening a connection takes one round trip,
//! as it does on a real line: what a client says at once arrives after one and a half. What is said is not looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// The name of this part on the command line.
pub const PART: &str = "shim";

/// A line that works until it is dropped.
pub struct Shim {
    process: Child,
    says: BufReader<ChildStdout>,
    port: u16,
}

impl Shim {
    /// Lays a line to a port on 127.0.0.1.
    pub fn start(port: u16, round_trip: Duration) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([PART, &port.to_string(), &round_trip.as_micros().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        let port = number(&mut says).try_into().unwrap();
        Self { process, says, port }
    }

    /// Its own port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many octets of the server came along since this was last asked.
    pub fn octets(&mut self) -> u64 {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        number(&mut self.says)
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn number(says: &mut impl BufRead) -> u64 {
    let mut line = String::new();
    says.read_line(&mut line).unwrap();
    line.trim_end().parse().unwrap()
}

/// Runs `PORT MICROSECONDS`: prints its own port, and for each line that it reads what it counted; ends with its input.
pub fn main(arguments: &[String]) -> ExitCode {
    let [port, round_trip] = arguments else { return ExitCode::from(2) };
    let (port, round_trip) = (port.parse().unwrap(), Duration::from_micros(round_trip.parse().unwrap()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let octets = Arc::new(AtomicU64::new(0));
    let counted = octets.clone();
    thread::spawn(move || {
        for client in listener.incoming().filter_map(Result::ok) {
            let counted = counted.clone();
            thread::spawn(move || connect(&client, port, round_trip, &counted));
        }
    });
    for _ in std::io::stdin().lines() {
        println!("{}", octets.swap(0, Ordering::Relaxed));
    }
    ExitCode::SUCCESS
}

/// Octets on their way, none for the end of them.
struct Parcel {
    due: Instant,
    octets: Vec<u8>,
}

fn connect(client: &TcpStream, port: u16, round_trip: Duration, counted: &Arc<AtomicU64>) {
    let half = round_trip / 2;
    // The server hears of the client when the last of three packets has arrived.
    let opened = Instant::now() + round_trip + half;
    let (to_server, for_server) = mpsc::channel();
    let hears_client = client.try_clone().unwrap();
    client.set_nodelay(true).unwrap();
    thread::spawn(move || hear(hears_client, &to_server, half, opened, None));
    thread::sleep(opened.saturating_duration_since(Instant::now()));
    // Without a server the client's connection ends.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        let _ = client.shutdown(Shutdown::Both);
        return;
    };
    server.set_nodelay(true).unwrap();
    let (to_client, for_client) = mpsc::channel();
    let (hears_server, counted) = (server.try_clone().unwrap(), counted.clone());
    thread::spawn(move || hear(hears_server, &to_client, half, opened, Some(&counted)));
    thread::spawn(move || tell(server, &for_server));
    tell(client.try_clone().unwrap(), &for_client);
}

/// Puts on the way what comes in.
fn hear(mut from: TcpStream, way: &Sender<Parcel>, half: Duration, opened: Instant, counted: Option<&AtomicU64>) {
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if let Some(counted) = counted {
            counted.fetch_add(count as u64, Ordering::Relaxed);
        }
        let due = opened.max(Instant::now() + half);
        if way.send(Parcel { due, octets: buffer[..count].to_vec() }).is_err() || count == 0 {
            return;
        }
    }
}

/// Hands over what has arrived.
fn tell(mut to: TcpStream, way: &Receiver<Parcel>) {
    for parcel in way {
        thread::sleep(parcel.due.saturating_duration_since(Instant::now()));
        if parcel.octets.is_empty() || to.write_all(&parcel.octets).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
