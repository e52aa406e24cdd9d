//! Where Relatch keeps users, sessions, keys and events.
//!
//! Owns SQL and the durability of what was answered. Decides nothing about sessions: it locks rows and calls core.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod sqlite;

pub use sqlite::{
    BackupError, OpenError, Options, Restoration, RestoreError, Sessions, Sqlite, Synchronous,
};
