//! Keys: those that sign access tokens, those that tag refresh tokens, and the master key that seals both.

pub mod lifecycle;
pub mod ring;
pub mod seal;
pub mod store;

pub use lifecycle::KeyState;
pub use ring::{Keyring, KeyringError};
pub use seal::{MasterKey, Sealed};
pub use store::{KeyRecord, KeyTable, Purpose};
