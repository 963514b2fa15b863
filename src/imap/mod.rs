//! A live account behind the seam: an IMAP server (RFC 3501, RFC 9051).
//!
//! Knows neither SQL nor tables. Read on in the order of a reading: `command` says what is asked (pure), `session` asks
//! it, [`response`] understands the answer; `transport` bounds what a server can do to us.

pub mod body_structure;
mod internal_date;
pub mod listing;
pub mod response;
pub mod row;
pub mod status;
#[cfg(test)]
mod tests;
pub mod token;
