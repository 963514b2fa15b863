//! What must hold of anything that others wrote holds for what is saved in `tests/fuzz/corpus/`, for the corpus of mail,
//! and for some thousand mutations of both.
//!
//! The targets are those that are fuzzed, where a fuzzer looks for what does not hold: `tests/fuzz/run`. What it found is
//! in the saved cases, by a name that tells what it is.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod chance;
mod mail;
#[path = "fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chance::Chance;
use targets::Check;

#[test]
fn every_saved_case_holds() {
    for (name, check) in targets::ALL {
        for (case, octets) in cases(name) {
            held(name, check, &octets, &case);
        }
    }
}

#[test]
fn some_thousand_mutations_of_them_hold() {
    let words = words();
    for (name, check) in targets::ALL {
        let cases: Vec<Vec<u8>> = cases(name).into_iter().map(|(_, octets)| octets).collect();
        for seed in 0..MUTATIONS {
            let octets = mutated(&mut Chance::of(seed), &cases, &words);
            held(name, check, &octets, &format!("seed {seed}"));
        }
    }
}

/// Cases are for looking at them, and are cloned by everybody.
#[test]
fn the_saved_cases_are_few_and_small() {
    let (mut files, mut octets) = (0, 0);
    for (name, _) in targets::ALL {
        for file in saved(name) {
            files += 1;
            octets += fs::metadata(file).unwrap().len();
        }
    }
    assert!((50..=260).contains(&files) && octets <= 400 << 10, "{files} files, {octets} octets");
    let kept: BTreeSet<String> = names(&root().join("corpus"));
    assert_eq!(kept, targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect(), "each target has cases");
    let fuzzed: BTreeSet<String> = names(&root().join("fuzz_targets"));
    assert_eq!(fuzzed, targets::ALL.iter().map(|(name, _)| format!("{name}.rs")).collect(), "each target is fuzzed");
}

/// Within a time that nothing but a loop takes: the targets are small, and so are the cases.
fn held(name: &str, check: Check, octets: &[u8], case: &str) {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| check(octets)));
    assert!(outcome.is_ok(), "{name}, {case}: {}", octets.escape_ascii());
    assert!(start.elapsed() < LONGEST, "{name}, {case}: {:?} for {}", start.elapsed(), octets.escape_ascii());
}

fn cases(name: &str) -> Vec<(String, Vec<u8>)> {
    let saved = saved(name).into_iter().map(|file| (file.display().to_string(), fs::read(&file).unwrap()));
    let mut cases: Vec<_> = saved.collect();
    if ["header", "mime", "mbox"].contains(&name) {
        for odd in mail::corpus().into_iter().chain(mail::odd_to_servers()) {
            let begin: &[u8] = if name == "mbox" { b"From a@b.example Sat Jan  3 01:02:03 2026\n" } else { b"" };
            cases.push((odd.name.to_owned(), [begin, &odd.raw].concat()));
        }
    }
    cases
}

fn saved(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("corpus").join(name)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn names(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// One case after a few of the changes that fuzzers make.
fn mutated(chance: &mut Chance, cases: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    let mut octets = cases[chance.below(cases.len())].clone();
    // Where, of a long mail, does not matter; how long checking takes does.
    octets.truncate(LARGEST);
    for _ in 0..=chance.below(6) {
        let at = chance.below(octets.len() + 1);
        let longest = 1 << chance.below(8);
        let end = (at + chance.below(longest)).min(octets.len());
        match chance.below(7) {
            0 => drop(octets.splice(at..end, [])),
            1 => drop(octets.splice(at..at, octets[at..end].to_vec())),
            2 => drop(octets.splice(at..end, words[chance.below(words.len())].iter().copied())),
            3 => drop(octets.splice(at..at, words[chance.below(words.len())].iter().copied())),
            4 => {
                let other = &cases[chance.below(cases.len())];
                let from = chance.below(other.len() + 1);
                let piece = &other[from..(from + chance.below(200)).min(other.len())];
                octets.splice(at..at, piece.iter().copied());
            }
            5 => octets[at..end].iter_mut().for_each(|octet| *octet ^= 1 << chance.below(8)),
            _ => drop(octets.splice(at..at, [u8::try_from(chance.below(256)).unwrap()])),
        }
    }
    octets
}

/// What the dictionary of the fuzzer has: strings in quotes, a line each.
fn words() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(root().join("words.dict")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words: Vec<Vec<u8>> = lines.map(unescaped).collect();
    assert!(words.len() > 100);
    words
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digits = [*high, *low];
                octets.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = tail;
            }
            (b'\\', [next, tail @ ..]) => {
                octets.push(*next);
                rest = tail;
            }
            (octet, _) => octets.push(*octet),
        }
    }
    octets
}

/// Of each target, so that all of them take a few seconds.
const MUTATIONS: u64 = 500;
const LARGEST: usize = 4_000;
const LONGEST: Duration = Duration::from_secs(10);
