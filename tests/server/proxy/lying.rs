//! What a bad line makes of one response of a server.

use crate::server::responses;

/// What becomes of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// The connection ends before it.
    Cut,
    /// Nothing comes from there on.
    Stall,
    /// It is lost.
    Drop,
    /// It comes twice.
    Double,
    /// It comes after the next one.
    Reorder,
    /// Something comes before it that the server did not say.
    Inject(&'static str),
    /// An item of it is lost.
    WithoutItem,
    /// It cannot be read.
    Unreadable,
    /// A part in it is shorter.
    Shorter,
}

/// What is done to which response.
#[derive(Debug, Clone, Copy)]
pub struct Lie {
    /// What becomes of it.
    pub mischief: Mischief,
    /// The first response that it may be, counted on all connections from 1.
    pub from: usize,
}

/// What a client is told in place of a response.
pub enum Told {
    Octets(Vec<u8>),
    Later(Vec<u8>),
    Nothing,
    End,
}

impl Lie {
    /// Whether this is the response: most of it happens to rows only.
    pub fn is_time(&self, number: usize, response: &[u8]) -> bool {
        let is_row = responses::is_row(response);
        let fits = match self.mischief {
            Mischief::Cut | Mischief::Stall | Mischief::Inject(_) => true,
            Mischief::Drop | Mischief::Double | Mischief::Reorder | Mischief::Unreadable => is_row,
            Mischief::WithoutItem => is_row && responses::without_item(response).is_some(),
            Mischief::Shorter => is_row && responses::shortened(response, 4).is_some(),
        };
        number >= self.from && fits
    }

    /// What the client is told.
    pub fn told(&self, response: Vec<u8>) -> Told {
        Told::Octets(match self.mischief {
            Mischief::Cut => return Told::End,
            Mischief::Stall => return Told::Nothing,
            Mischief::Reorder => return Told::Later(response),
            Mischief::Drop => Vec::new(),
            Mischief::Double => [&response[..], &response[..]].concat(),
            Mischief::Inject(words) => [words.as_bytes(), &response[..]].concat(),
            Mischief::WithoutItem => responses::without_item(&response).unwrap_or(response),
            Mischief::Unreadable => responses::unreadable(&response),
            Mischief::Shorter => responses::shortened(&response, 4).unwrap_or(response),
        })
    }
}
