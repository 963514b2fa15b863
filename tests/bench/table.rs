//! The table: medians beside each other, fit for a Markdown page.

use std::collections::BTreeMap;
use std::time::Duration;

use super::contender::Contender;
use super::meter::Cost;
use super::options::Options;
use super::peers::Peers;
use super::task::Task;

/// What a task with an inbox cost everybody who does it.
pub struct Row {
    pub size: u32,
    pub task: &'static Task,
    pub round_trip: Duration,
    /// By the names of contenders.
    pub costs: BTreeMap<String, Vec<Cost>>,
    /// What each received, by the same names.
    pub octets: BTreeMap<String, u64>,
}

/// What a contender is called.
pub fn name(contender: &Contender) -> &str {
    match contender {
        Contender::Limit => LIMIT,
        Contender::Mailql => MAILQL,
        Contender::Peer(name) => name,
    }
}

/// Prints the names of the columns.
pub fn head(options: &Options, peers: &Peers) {
    let mut columns =
        ["messages", "task", "RTT ms", "limit s", "mailql s", "×", "CPU s", "peak MB", "received", "×"].to_vec();
    columns.extend(options.peers.iter().map(String::as_str));
    println!("{}", line(columns.iter().map(|column| (*column).to_owned())));
    println!("{}", line(columns.iter().enumerate().map(|(n, _)| if n == 1 { "---" } else { "---:" }.to_owned())));
    peers.missing().for_each(|(name, reason)| eprintln!("{name} is left out: {reason}"));
}

/// Prints a row.
pub fn row(row: &Row, options: &Options) {
    let limit = Median::of(&row.costs[LIMIT], |cost| cost.wall.as_secs_f64());
    let mailql = &row.costs[MAILQL];
    let wall = Median::of(mailql, |cost| cost.wall.as_secs_f64());
    let [least, received] = [LIMIT, MAILQL].map(|name| row.octets[name] as f64);
    let mut cells = vec![
        grouped(row.size.into()),
        row.task.name.to_owned(),
        row.round_trip.as_millis().to_string(),
        limit.text(),
        wall.text(),
        format!("**{:.2}**", wall.median / limit.median),
        format!("{:.3}", Median::of(mailql, |cost| cost.cpu.as_secs_f64()).median),
        format!("{:.0}", Median::of(mailql, |cost| cost.peak as f64 / 1e6).median),
        octets(received),
        format!("{:.2}", received / least),
    ];
    for peer in &options.peers {
        cells.push(match row.costs.get(peer) {
            Some(costs) => {
                let wall = Median::of(costs, |cost| cost.wall.as_secs_f64());
                let runs = if costs.len() < options.runs {
                    format!(", {} of {} runs", costs.len(), options.runs)
                } else {
                    String::new()
                };
                format!("{:.3} ({:.1}×{runs})", wall.median, wall.median / limit.median)
            }
            None => "–".to_owned(),
        });
    }
    println!("{}", line(cells));
}

/// Prints what was asked, and what is not in the table.
pub fn foot<'a>(tasks: impl Iterator<Item = &'a Task>, peers: &Peers) {
    println!("\n| task | wanted | SQL |\n|---|---|---|");
    for task in tasks {
        let sql: Vec<String> = task.sql.iter().map(|sql| format!("`{sql}`")).collect();
        println!("{}", line([task.name, task.wants, &sql.join("; ")].map(str::to_owned)));
    }
    if !peers.versions().is_empty() {
        println!("\nPeers: {}.", peers.versions().join(", "));
    }
    for (name, reason) in peers.missing() {
        println!("\n{name} is not in the table: {reason}");
    }
}

/// A line of a table.
pub fn line(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

/// A whole number that can be read.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let (mut text, first) = (String::new(), digits.len() % 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && position % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn octets(octets: f64) -> String {
    if octets < 1e6 { format!("{:.1} kB", octets / 1e3) } else { format!("{:.1} MB", octets / 1e6) }
}

/// The middle of several runs, with the best and the worst.
pub struct Median {
    pub median: f64,
    least: f64,
    most: f64,
}

impl Median {
    /// Of what is asked of each run.
    pub fn of(costs: &[Cost], figure: impl Fn(&Cost) -> f64) -> Self {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 };
        Self { median, least: figures[0], most: figures[figures.len() - 1] }
    }

    /// As it stands in a cell.
    pub fn text(&self) -> String {
        format!("{:.3} ({:.3}–{:.3})", self.median, self.least, self.most)
    }
}

/// What the limit is called.
pub const LIMIT: &str = "limit";
const MAILQL: &str = "mailql";
