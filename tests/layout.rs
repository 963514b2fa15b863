//! The house rules that no compiler knows: what may name what, how large files are, who may print.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room of `src/`, and the rooms that it may name.
const ARROWS: [(&str, &[&str]); 11] = [
    ("error", &[]),
    ("file", &[]),
    ("mail", &["error"]),
    ("net", &["file", "error"]),
    ("account", &["net", "file", "error"]),
    ("archive", &["mail", "file", "error"]),
    ("imap", &["mail", "account", "net", "error"]),
    ("smtp", &["mail", "account", "net", "file", "error"]),
    ("table", &["mail", "error"]),
    ("engine", &["table", "imap", "archive", "smtp", "account", "mail", "net", "error"]),
    ("cli", &["engine", "account", "file", "error"]),
];

#[test]
fn every_room_names_only_rooms_it_may() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            assert!(["lib", "main"].contains(&room.as_str()), "{} is in no room of the design", path.display());
            continue;
        };
        for (number, line) in code(&text) {
            for named in line.split("crate::").skip(1) {
                let named: String =
                    named.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
                if named != room && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{}:{number} names {named}", path.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn mail_and_its_places_do_not_know_the_engine() {
    let mut wrong = Vec::new();
    for (path, text) in sources()
        .filter(|(path, _)| ["mail", "net", "account", "imap", "archive", "smtp"].contains(&room(path).as_str()))
    {
        let found = code(&text).filter(|(_, line)| line.contains("datafusion") || line.contains("arrow::"));
        wrong.extend(found.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_file_is_long() {
    let long = sources().map(|(path, text)| (text.lines().count(), path)).filter(|(lines, _)| *lines > 500);
    assert_eq!(long.collect::<Vec<_>>(), Vec::new());
}

#[test]
fn no_file_is_a_bucket() {
    let buckets = ["core", "common", "util", "utils", "helper", "helpers", "types", "models", "manager", "misc"];
    for (path, _) in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!buckets.contains(&stem.as_str()), "{} names no concept", path.display());
    }
}

#[test]
fn only_the_program_prints_reads_the_environment_or_exits() {
    let words = [
        "println!",
        "print!(",
        "eprintln!",
        "eprint!(",
        "env::",
        "process::exit",
        "io::stdin",
        "io::stdout",
        "io::stderr",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources().filter(|(path, _)| !["cli", "main"].contains(&room(path).as_str())) {
        let found = code(&text).filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        wrong.extend(found.map(|(number, line)| format!("{}:{number}: {}", path.display(), line.trim())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not begin with what it is for", path.display());
    }
}

#[test]
fn tables_never_implement_what_could_write() {
    for (path, text) in sources() {
        for name in ["fn delete_from", "fn update(", "fn insert_into", "fn truncate("] {
            assert!(!text.contains(name), "{} has {name}", path.display());
        }
    }
}

/// Law 1: what reads has no way to say anything that changes mail.
#[test]
fn only_filing_adds_mail_and_no_reading_knows_it() {
    let changing = ["APPEND", "STORE", "EXPUNGE", "DELETE", "RENAME", "CREATE", "COPY", "MOVE"];
    let mut said = Vec::new();
    let mut namers = Vec::new();
    for (path, text) in sources().filter(|(path, _)| room(path) == "imap") {
        let words = code(&text).flat_map(|(_, line)| line.split(|letter: char| !letter.is_ascii_alphanumeric()));
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        said.extend(words.filter(|word| changing.contains(word)).map(|word| format!("{file}: {word}")));
        if code(&text).any(|(_, line)| line.contains("filing")) && file != "filing.rs" {
            namers.push(file);
        }
    }
    said.dedup();
    // What a server says is in the response; the session only passes on what filing has made.
    said.retain(|said| said != "response.rs: EXPUNGE");
    assert_eq!(said, ["filing.rs: APPEND"]);
    assert_eq!(namers, ["mod.rs", "session.rs"]);
    let session = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/imap/session.rs")).unwrap();
    assert!(!session.contains("Upload {"), "filing alone makes what is added");
}

/// What is forbidden cannot be allowed again further down.
#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let lints: BTreeMap<&str, &str> = manifest
        .lines()
        .skip_while(|line| *line != "[lints.rust]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .collect();
    assert_eq!(lints.get("unsafe_code"), Some(&"\"forbid\""));
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let version = std::process::Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo metadata lists the dependencies");
    let permissive = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "0BSD",
        "Unicode-3.0",
        "CC0-1.0",
        "BSL-1.0",
        "MPL-2.0",
        "bzip2-1.0.6",
        "CDLA-Permissive-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT-0",
    ];
    let mut others = BTreeMap::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ").replace(['(', ')'], "");
        let every = licence.split(" AND ").all(|all| all.split(" OR ").any(|one| permissive.contains(&one.trim())));
        if !every {
            others.insert(package["name"].as_str().unwrap().to_owned(), licence);
        }
    }
    assert_eq!(others, BTreeMap::new());
}

/// Its licence, `(MIT OR Apache-2.0) AND NCSA`, is as permissive; and no program that anybody is given has it in it.
#[test]
fn fuzz_targets_depend_on_libfuzzer_and_otherwise_on_what_the_program_does() {
    let names = |lock: &str| -> BTreeSet<String> {
        let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(lock)).unwrap();
        lock.lines()
            .filter_map(|line| line.strip_prefix("name = "))
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    };
    let (program, fuzz) = (names("Cargo.lock"), names("tests/fuzz/Cargo.lock"));
    assert!(fuzz.len() > 100, "the lock lists the dependencies");
    assert_eq!(fuzz.difference(&program).collect::<Vec<_>>(), ["arbitrary", "libfuzzer-sys", "mailql-fuzz"]);
}

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources are there");
    files.sort();
    files.into_iter().map(move |path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root).unwrap().to_owned(), text)
    })
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => collect(&path, files),
            Some("rs") => files.push(path),
            _ => {}
        }
    }
}

/// The first name below `src/`: a directory, or a file without its ending.
fn room(path: &Path) -> String {
    let first = path.iter().nth(1).unwrap().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines that are no comments, numbered, as far as the file's own tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines()).take_while(|(_, line)| !line.starts_with("mod tests"));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}
