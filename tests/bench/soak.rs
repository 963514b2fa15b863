//! A soak: a large inbox is read whole over a line that is cut every few seconds, and must be what it is over one that lasts.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::contender::{self, Account, Place};
use super::corpus::Kind;
use super::measure::mailbox;
use super::options::Options;
use super::server::dovecot::{self, Dovecot};
use super::table::{grouped, line};
use super::task::{Expected, Output, Task};

/// Reads each inbox twice, and prints a row for each reading.
pub fn run(options: &Options) -> ExitCode {
    let directory = tempfile::tempdir().unwrap();
    println!(
        "{}",
        line(["messages", "line", "connections", "rows", "checksum", "seconds", "peak MB"].map(str::to_owned))
    );
    println!("{}", line(["---:"; 7].map(str::to_owned)));
    let mut same = true;
    for &size in &options.sizes {
        // A million messages need more memory than it allows itself.
        let dovecot =
            Dovecot::start(&dovecot::Options { more: "default_vsz_limit = 4 G", ..dovecot::Options::default() });
        let (inbox, user) = mailbox(&dovecot, Kind::Tiny, size, options.keep.as_deref());
        let place = Place::within(directory.path());
        let mut sums = Vec::new();
        for lasting in [None, Some(options.cut)] {
            let cutter = Cutter::before(dovecot.port(), lasting);
            let account = Account { port: cutter.port, user: &user.name, password: user.password, inbox: &inbox };
            let output = directory.path().join("output");
            let cost = match contender::mailql(&TASK, &account, &place).measure(&output) {
                Ok(cost) => cost,
                Err(said) => {
                    eprintln!("{size}: {said}");
                    return ExitCode::FAILURE;
                }
            };
            let (rows, sum) = checked(&output, size);
            same &= rows == u64::from(size);
            sums.push(sum);
            println!(
                "{}",
                line([
                    grouped(size.into()),
                    lasting.map_or("lasts".to_owned(), |time| format!("cut every {} ms", time.as_millis())),
                    cutter.connections.load(Ordering::Relaxed).to_string(),
                    grouped(rows),
                    format!("{sum:016x}"),
                    format!("{:.1}", cost.wall.as_secs_f64()),
                    format!("{:.0}", cost.peak as f64 / 1e6),
                ])
            );
        }
        same &= sums[0] == sums[1];
    }
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many rows there are, each uid once, and what they add up to in whatever order.
fn checked(output: &Path, size: u32) -> (u64, u64) {
    let mut seen = vec![false; size as usize + 1];
    let (mut rows, mut sum) = (0, 0_u64);
    for line in BufReader::new(File::open(output).unwrap()).lines().skip(1) {
        let line = line.unwrap();
        let uid: usize = line.split(',').next().unwrap().parse().unwrap();
        assert!(!std::mem::replace(&mut seen[uid], true), "uid {uid} came twice");
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        (rows, sum) = (rows + 1, sum.wrapping_add(hasher.finish()));
    }
    (rows, sum)
}

/// All there is of every message, as one line.
const TASK: Task = Task {
    name: "soak",
    wants: "all messages, whole",
    sql: &["SELECT uid, subject, date, size, encode(sha256(raw), 'hex') FROM MessageBody WHERE folder = 'INBOX'"],
    output: Output::Csv,
    commands: |_| Vec::new(),
    answers: |_| 0,
    expected: |inbox| Expected::Rows(inbox.messages as usize),
    is_heavy: true,
};

/// A line that ends each connection after some time.
struct Cutter {
    port: u16,
    connections: Arc<AtomicU64>,
}

impl Cutter {
    /// Threads of it end with the program.
    fn before(server: u16, lasting: Option<Duration>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                counted.fetch_add(1, Ordering::Relaxed);
                let (client, server) = (Arc::new(client), Arc::new(server));
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (Arc::clone(from), Arc::clone(to));
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut &*from, &mut &*to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                if let Some(time) = lasting {
                    thread::spawn(move || {
                        thread::sleep(time);
                        let _ = client.shutdown(Shutdown::Both);
                        let _ = server.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { port, connections }
    }
}
