//! Where Relatch keeps users, sessions, keys and events.
//!
//! Owns SQL and the durability of what was answered. Decides nothing about sessions: it locks rows and calls core.

mod checked;
#[cfg(feature = "conformance")]
pub mod conformance;
mod failed_login;
mod migrated;
pub mod postgres;
mod shape;
pub mod sqlite;
mod stats;

pub use checked::Checked;
pub use migrated::Migrated;
pub use postgres::Postgres;
pub use sqlite::{
    BackupError, OpenError, Options, Restoration, RestoreError, Sessions, Sqlite, Synchronous,
};
pub use stats::{AGES, Stats};
