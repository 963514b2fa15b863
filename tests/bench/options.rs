//! What the benchmark is told after `cargo bench --`.

use std::path::PathBuf;
use std::time::Duration;

/// What is measured, and how often.
pub struct Options {
    /// How many messages the inbox has, one set each.
    pub sizes: Vec<u32>,
    /// Round-trip times that are added.
    pub round_trips: Vec<Duration>,
    /// The beginnings of the names of the tasks to do; all when there are none.
    pub tasks: Vec<String>,
    /// How often each contender does a task.
    pub runs: usize,
    /// The names of the peers to compare with.
    pub peers: Vec<String>,
    /// A peer that has used so much time for a task sits out the runs that are left.
    pub patience: Duration,
    /// Where everything is written.
    pub directory: PathBuf,
    /// Where corpora are kept and found again.
    pub keep: Option<PathBuf>,
    /// Whether the growth of time and memory is measured, instead of the tasks.
    pub scale: bool,
    /// Whether sending is measured, instead of the tasks.
    pub sending: bool,
    /// Whether operators are measured beside DataFusion's own wheel, instead of the tasks.
    pub operators: bool,
    /// Whether a large inbox is read over a line that is cut, instead of the tasks.
    pub soak: bool,
    /// How long a connection lasts then.
    pub cut: Duration,
}

impl Options {
    /// Reads the command line; the error is for the user.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            sizes: Vec::new(),
            round_trips: vec![Duration::ZERO, Duration::from_millis(40)],
            tasks: Vec::new(),
            runs: 5,
            peers: PEERS.map(str::to_owned).to_vec(),
            patience: Duration::from_secs(10),
            directory: directory(),
            keep: None,
            scale: false,
            sending: false,
            operators: false,
            soak: false,
            cut: Duration::from_secs(5),
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--bench" => continue,
                "--scale" => {
                    options.scale = true;
                    continue;
                }
                "--operators" => {
                    options.operators = true;
                    continue;
                }
                "--sending" => {
                    options.sending = true;
                    continue;
                }
                "--soak" => {
                    options.soak = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value, or is unknown\n{USAGE}"))?;
            match name.as_str() {
                "--sizes" => options.sizes = numbers(value)?,
                "--rtt" => {
                    options.round_trips =
                        numbers(value)?.into_iter().map(|rtt| Duration::from_millis(rtt.into())).collect();
                }
                "--tasks" => options.tasks = value.split(',').map(str::to_owned).collect(),
                "--runs" => options.runs = numbers(value)?.first().map_or(1, |runs| (*runs).max(1) as usize),
                "--patience" => {
                    options.patience = Duration::from_secs(numbers(value)?.first().copied().unwrap_or_default().into());
                }
                "--cut" => {
                    options.cut = Duration::from_millis(numbers(value)?.first().copied().unwrap_or_default().into());
                }
                "--keep" => options.keep = Some(std::path::absolute(value).map_err(|error| error.to_string())?),
                "--directory" => options.directory = std::path::absolute(value).map_err(|error| error.to_string())?,
                "--peers" => options.peers = peers(value)?,
                _ => return Err(format!("{name} is unknown\n{USAGE}")),
            }
        }
        if options.sizes.iter().any(|size| *size < LEAST) {
            return Err(format!("an inbox needs {LEAST} messages at least"));
        }
        if options.sizes.is_empty() {
            let sizes = [(options.soak, &SOAK[..]), (options.sending, &SENDING), (options.scale, &SCALE)];
            let found = sizes.into_iter().find(|(is_wanted, _)| *is_wanted);
            options.sizes = found.map_or(&SIZES[..], |(_, sizes)| sizes).to_vec();
        }
        Ok(options)
    }
}

/// What temporary files go to by the environment, else memory where it is a directory: a disk has its own moods.
fn directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn numbers(list: &str) -> Result<Vec<u32>, String> {
    let number = |number: &str| number.replace('_', "").parse().map_err(|_| format!("{number} is no number\n{USAGE}"));
    list.split(',').map(number).collect()
}

fn peers(list: &str) -> Result<Vec<String>, String> {
    match list {
        "all" => Ok(PEERS.map(str::to_owned).to_vec()),
        "none" => Ok(Vec::new()),
        _ => match list.split(',').find(|name| !PEERS.contains(name)) {
            Some(name) => Err(format!("{name} is no peer\n{USAGE}")),
            None => Ok(list.split(',').map(str::to_owned).collect()),
        },
    }
}

/// All peers, in the order of their columns.
pub const PEERS: [&str; 4] = ["imapclient", "imap_tools", "curl", "mbsync"];

/// T6 wants so many.
const LEAST: u32 = 10;

const SIZES: [u32; 2] = [10_000, 100_000];

const SENDING: [u32; 2] = [1_000, 5_000];

const SOAK: [u32; 1] = [1_000_000];

const SCALE: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What can be said.
pub const USAGE: &str = "\
usage: cargo bench -- [OPTION]...
  --sizes 10000,100000   messages in the inbox, one set each
  --rtt 0,40             round-trip times to add, in milliseconds
  --tasks T1,T2          only these tasks (T3 is T3, T3-fetch and T3-trust)
  --runs 5               runs of each
  --peers all            all, none, or some of imapclient,imap_tools,curl,mbsync
  --patience 10          seconds after which a peer sits out the runs that are left
  --directory DIR        where everything is written; else TMPDIR, else /dev/shm
  --keep DIR             keep the corpora there, or use those that are there
  --scale                T2 at 1,000 to 1,000,000 messages instead, mailql alone
  --soak                 1,000,000 messages read whole over a line that is cut, and over one that is not
  --cut 5000             milliseconds that a connection lasts then
  --operators            eight statements over Parquet instead, beside DataFusion from PyPI
  --sending              a mail merge of 1,000 and 5,000 mails instead, beside a bare client";
