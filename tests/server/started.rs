//! How a server is started: at a port that nobody else is given, with all the time that a busy machine takes, and once more
//! where that failed.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// Starts a server; where it does not start, once more, as what was in the way may be gone. The error of a try is its log.
///
/// # Panics
/// It does not start: with what it `needs`, and the last log.
pub fn started<T>(what: &str, needs: &str, mut start: impl FnMut() -> Result<T, String>) -> T {
    let mut times = 0;
    loop {
        times += 1;
        match start() {
            Ok(server) => return server,
            Err(log) if times == TRIES || is_lasting(&log) => {
                panic!("{what} does not start, after {times} of {TRIES} tries. It needs {needs}. Its log:\n{log}")
            }
            Err(_) => sleep(PAUSE * times),
        }
    }
}

/// A port that nobody listens on, and that no other test is given for as long as this program runs.
///
/// It is none of those that the system gives to whoever asks for any: a connection of another test may have one of them
/// before a server that was told of it does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    /// The same ports of UDP, which no server of the tests uses: who has one has the port, also for other test programs.
    static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    // Programs that run at once begin at different places.
    let first = u16::try_from(process::id().wrapping_mul(61) % u32::from(PORTS)).unwrap();
    for _ in 0..PORTS {
        let port = LOWEST + (first + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS) % PORTS;
        let is_free = || {
            // Not every machine has the other protocol.
            let other = TcpListener::bind((Ipv6Addr::LOCALHOST, port));
            let other_is_taken = other.is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && !other_is_taken
        };
        if let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
            && is_free()
        {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(held);
            return port;
        }
    }
    panic!("no port from {LOWEST} to {} of 127.0.0.1 is free", LOWEST + PORTS - 1)
}

/// Longer than anything takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// How often a server is started.
const TRIES: u32 = 5;

/// How long is waited after the first try; after each other one, longer.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether another try would end as this one: the program is not there, or it says that it ends, and of nothing that passes.
fn is_lasting(log: &str) -> bool {
    let says = |said: &&str| log.contains(said);
    NOT_THERE.iter().any(&says) || (log.contains("atal: ") && !PASSING.iter().any(says))
}

/// What is said when the program is not there.
const NOT_THERE: [&str; 2] = ["setsid: ", ": not found"];

/// What is said of a port, of processes, of memory and of files, when there are none left.
const PASSING: [&str; 5] =
    ["already in use", "temporarily unavailable", "annot allocate memory", "oo many open files", "imeout"];

/// Below those that Linux gives to whoever asks for any (`net.ipv4.ip_local_port_range`), and above what services use.
const LOWEST: u16 = 20_000;
const PORTS: u16 = 12_000;
