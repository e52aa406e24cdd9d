//! Keys: those that sign access tokens, those that tag refresh tokens, and the master key that seals both.

pub mod change;
pub mod lifecycle;
mod make;
pub mod ring;
pub mod seal;
pub mod store;
pub mod turn;

pub use lifecycle::KeyState;
pub use relatch_verify::{Algorithm, Jwk, KeySet};
pub use ring::{Keyring, KeyringError};
pub use seal::{MasterKey, MasterKeys, Sealed};
pub use store::{KeyRecord, KeyTable, Purpose};
pub use turn::{KeyPolicy, Maker, Moment};

/// Bytes as hexadecimal digits: the names of master keys, and the form of their file.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String has no way to fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
