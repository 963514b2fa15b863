//! The program `mailql`; everything it does is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailql::cli::run(std::env::args_os())
}
