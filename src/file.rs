//! Files that are read or added to: regular ones, opened without waiting for anybody.
//!
//! A named pipe would be waited for until somebody writes into it, a device may have no end, and opening one may do something.
//! So what a path leads to is looked at before it is opened, and once more when it is open, for it may be another by then.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file to read it. A link to one is one.
///
/// # Errors
/// It cannot be opened, or is something else: then [`is_other`] tells so.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Opens a regular file by these options.
///
/// # Errors
/// As [`open()`].
pub fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(found) => must_be_regular(found.file_type())?,
        // It may be about to be made.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    without_waiting(options);
    let file = options.open(path)?;
    must_be_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// The text of a regular file.
///
/// # Errors
/// As [`open()`], or it is no UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// The text of a file that somebody names: a regular one, or what the shell hands over as if it were a file (`/dev/stdin`,
/// `<(…)`), which has its writer already.
///
/// # Errors
/// As [`read_to_string`].
pub fn read_named(path: &Path) -> io::Result<String> {
    let handed_over = ["/dev/stdin", "/dev/fd", "/proc/self/fd"];
    if handed_over.iter().any(|descriptor| path.starts_with(descriptor)) {
        return fs::read_to_string(path);
    }
    read_to_string(path)
}

/// Tells whether opening failed as the path leads to something that is no regular file.
pub fn is_other(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Other>()).is_some()
}

/// Tells whether an entry of a directory is a regular file, or a link that leads to one.
///
/// An entry that cannot be looked at counts as one, so that reading it tells why; one that leads nowhere does not.
pub fn is_regular(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => leads_to_regular(&entry.path()),
        Ok(kind) => kind.is_file(),
        Err(_) => true,
    }
}

fn leads_to_regular(link: &Path) -> bool {
    match fs::metadata(link) {
        Ok(found) => found.is_file(),
        Err(error) => !is_dead_end(&error),
    }
}

/// Whether a link leads to nothing, through something that is no directory, or back to itself.
fn is_dead_end(error: &io::Error) -> bool {
    #[cfg(unix)]
    let is_loop = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP);
    #[cfg(not(unix))]
    let is_loop = false;
    is_loop || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn must_be_regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() { Ok(()) } else { Err(io::Error::other(Other(described(kind)))) }
}

/// What a path leads to that is no regular file.
#[derive(Debug)]
struct Other(&'static str);

impl std::fmt::Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it is {}, and no regular file", self.0)
    }
}

impl std::error::Error for Other {}

#[cfg(unix)]
fn described(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn described(kind: FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "something else" }
}

/// Neither waits for the other end of a pipe, nor makes a terminal that of this program. A regular file is read as ever.
#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
}

#[cfg(not(unix))]
fn without_waiting(_: &mut OpenOptions) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    /// A directory with one of each, by name; the socket is open for as long as the second is there.
    fn one_of_each() -> (tempfile::TempDir, UnixListener) {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("file"), "text").unwrap();
        fs::create_dir(at("directory")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let socket = UnixListener::bind(at("socket")).unwrap();
        for (link, target) in [
            ("to-file", "file"),
            ("to-pipe", "pipe"),
            ("to-directory", "directory"),
            ("to-device", "/dev/zero"),
            ("to-terminal", "/dev/tty"),
            ("to-nothing", "nothing"),
            ("to-itself", "to-itself"),
            ("through-file", "file/x"),
            ("to-link", "to-file"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        (place, socket)
    }

    #[test]
    fn only_a_regular_file_and_a_link_to_one_are_opened_and_nothing_is_waited_for() {
        let (place, _socket) = one_of_each();
        for name in ["file", "to-file", "to-link"] {
            assert_eq!(read_to_string(&place.path().join(name)).unwrap(), "text", "{name}");
        }
        for (name, said) in [
            ("directory", "a directory"),
            ("pipe", "a named pipe"),
            ("socket", "a socket"),
            ("to-pipe", "a named pipe"),
            ("to-directory", "a directory"),
            ("to-device", "a device"),
            ("to-terminal", "a device"),
        ] {
            let path = place.path().join(name);
            for error in [
                open(&path).unwrap_err(),
                read_named(&path).unwrap_err(),
                open_with(OpenOptions::new().append(true).create(true), &path).unwrap_err(),
                open_with(OpenOptions::new().read(true).write(true), &path).unwrap_err(),
            ] {
                assert!(is_other(&error) && error.to_string().contains(said), "{name}: {error}");
            }
        }
        assert!(!is_other(&open(&place.path().join("nothing")).unwrap_err()));
    }

    /// As if it had become one after it was looked at.
    #[test]
    fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for_either() {
        let (place, _socket) = one_of_each();
        let mut options = OpenOptions::new();
        without_waiting(options.read(true));
        let pipe = options.open(place.path().join("pipe")).unwrap();
        assert!(is_other(&must_be_regular(pipe.metadata().unwrap().file_type()).unwrap_err()));
    }

    #[test]
    fn an_entry_counts_by_what_it_leads_to() {
        let (place, _socket) = one_of_each();
        let entries = fs::read_dir(place.path()).unwrap().map(Result::unwrap);
        let mut regular: Vec<_> =
            entries.filter(is_regular).map(|entry| entry.file_name().into_string().unwrap()).collect();
        regular.sort();
        assert_eq!(regular, ["file", "to-file", "to-link"]);
    }

    #[test]
    fn a_file_can_be_made() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new");
        open_with(OpenOptions::new().append(true).create(true), &path).unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "");
    }
}
