//! Passwords: what may be one, and how it is kept.

pub mod fuse;
pub mod hash;
pub mod policy;

pub use hash::{Busy, PasswordHash, PasswordHasher, Verdict};
pub use policy::{BreachedPasswords, Password, PasswordFault, Rules};
