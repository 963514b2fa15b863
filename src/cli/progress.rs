//! What a long query is doing: folders, messages, bytes and time, on standard error when that is a terminal.
//!
//! It only reads the metrics of a running plan and never touches the query.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::common::runtime::SpawnedTask;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use tokio::time::Instant;

/// The line about a running query; dropped, it is gone.
pub(crate) struct Progress {
    bar: ProgressBar,
    _watcher: SpawnedTask<()>,
}

impl Progress {
    /// Watches a plan, when there is somebody to watch it with.
    pub(crate) fn watch(plan: Arc<dyn ExecutionPlan>) -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        let line_below = bar.clone();
        let watcher = SpawnedTask::spawn(async move {
            let start = Instant::now();
            tokio::time::sleep(QUIET).await;
            line_below.set_draw_target(ProgressDrawTarget::term_like(Box::new(NarrowTerminal)));
            loop {
                if !IS_QUIET.load(Ordering::SeqCst) {
                    line_below.set_message(line(&Counts::of(plan.as_ref()), start.elapsed()));
                    line_below.tick();
                }
                tokio::time::sleep(STEP).await;
            }
        });
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Some(Self { bar, _watcher: watcher })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A time without the line, for a question; dropped, it is over.
pub(crate) struct Quiet;

/// Clears the line, and keeps it away.
pub(crate) fn quiet() -> Quiet {
    IS_QUIET.store(true, Ordering::SeqCst);
    if let Some(bar) = &*CURRENT.lock().unwrap_or_else(PoisonError::into_inner) {
        bar.finish_and_clear();
    }
    Quiet
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(bar) = &*CURRENT.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.reset();
        }
        IS_QUIET.store(false, Ordering::SeqCst);
    }
}

/// The sums of what the scans of a plan count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<String, usize>);

/// The most that one scan of a plan counts under a name.
pub(crate) fn most(plan: &dyn ExecutionPlan, name: &str) -> usize {
    let below = plan.children().into_iter().map(|child| most(child.as_ref(), name)).max();
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |value| value.as_usize());
    own.max(below.unwrap_or(0))
}

/// The label of what one scan of a plan counts under a name.
pub(crate) fn label(plan: &dyn ExecutionPlan, name: &str) -> Option<String> {
    let metrics = plan.metrics();
    let own = metrics.iter().flat_map(MetricsSet::iter).find(|metric| metric.value().name() == name);
    let own = own.and_then(|metric| Some(metric.labels().first()?.value().to_owned()));
    own.or_else(|| plan.children().into_iter().find_map(|child| label(child.as_ref(), name)))
}

impl Counts {
    /// Adds up what is counted so far.
    pub(crate) fn of(plan: &dyn ExecutionPlan) -> Self {
        let mut counts = BTreeMap::new();
        let mut plans = vec![plan];
        while let Some(plan) = plans.pop() {
            for metric in plan.metrics().iter().flat_map(MetricsSet::iter) {
                // Only what scans count: times and the rest mean nothing when added up.
                if let MetricValue::Count { name, count } = metric.value() {
                    let sum = counts.entry(name.to_string()).or_insert(0_usize);
                    *sum = sum.saturating_add(count.value());
                }
            }
            plans.extend(plan.children().into_iter().map(AsRef::as_ref));
        }
        Self(counts)
    }

    /// The sum of that name; nothing counted is zero.
    pub(crate) fn sum(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(0)
    }
}

fn line(counts: &Counts, elapsed: Duration) -> String {
    let mut parts = Vec::new();
    let mails = counts.sum("mails");
    if mails > 0 {
        parts.push(format!("{}/{mails} mails", counts.sum("mails_done")));
    }
    let folders = counts.sum("folders");
    if folders > 0 {
        parts.push(format!("{}/{folders} folders", counts.sum("folders_done")));
    }
    let messages = counts.sum("messages_fetched");
    if messages > 0 {
        parts.push(format!("{} messages", HumanCount(wide(messages))));
    }
    let bytes = wide(counts.sum("bytes_received"));
    if bytes > 0 {
        let expected = wide(counts.sum("bytes_expected"));
        let of = if expected > bytes { format!(" of {}", HumanBytes(expected)) } else { String::new() };
        let rate = u128::from(bytes) * 1000 / elapsed.as_millis().max(1);
        parts.push(format!("{}{of}, {}/s", HumanBytes(bytes), HumanBytes(u64::try_from(rate).unwrap_or(u64::MAX))));
    }
    match counts.sum("retries") {
        0 => {}
        1 => parts.push("retried once".to_owned()),
        times => parts.push(format!("retried {times} times")),
    }
    parts.push(format!("{:.0} s", elapsed.as_secs_f64()));
    parts.join(" · ")
}

/// Standard error, a little narrower than it is: the `^C` that a terminal echoes behind the line stays on it, and is
/// cleared with it.
#[derive(Debug)]
struct NarrowTerminal;

impl TermLike for NarrowTerminal {
    fn width(&self) -> u16 {
        terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0).saturating_sub(4)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        if lines == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{lines}A")) }
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        if lines == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{lines}B")) }
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        if columns == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{columns}C")) }
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        if columns == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{columns}D")) }
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The line that is there, if any: there is one terminal.
static CURRENT: Mutex<Option<ProgressBar>> = Mutex::new(None);
/// Whether somebody is being asked.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// A query shorter than this shows no progress.
const QUIET: Duration = Duration::from_millis(500);
/// Time between two looks.
const STEP: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known_and_no_more() {
        let counts =
            |pairs: &[(&str, usize)]| Counts(pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect());
        assert_eq!(line(&Counts::default(), Duration::from_secs(3)), "3 s");
        let some =
            counts(&[("folders", 4), ("folders_done", 1), ("messages_fetched", 12_345), ("bytes_received", 2 << 20)]);
        assert_eq!(line(&some, Duration::from_secs(2)), "1/4 folders · 12,345 messages · 2.00 MiB, 1.00 MiB/s · 2 s");
        assert_eq!(line(&counts(&[("retries", 1)]), Duration::from_secs(9)), "retried once · 9 s");
        assert_eq!(line(&counts(&[("retries", 5)]), Duration::from_secs(9)), "retried 5 times · 9 s");
        let expected = counts(&[("bytes_received", 1024), ("bytes_expected", 4096)]);
        assert_eq!(line(&expected, Duration::from_secs(1)), "1.00 KiB of 4.00 KiB, 1.00 KiB/s · 1 s");
    }
}
