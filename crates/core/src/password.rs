//! Passwords: what may be one, and how it is kept.

pub mod hash;
pub mod policy;

pub use hash::{Busy, PasswordHash, PasswordHasher, Verdict};
pub use policy::{Password, PasswordFault};
