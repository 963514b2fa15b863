//! stub
use super::*;
pub const ROWS: usize = 40;
pub fn run(_: &Runtime, _: Session, _: &Source) -> ExitCode {
    ExitCode::SUCCESS
}
