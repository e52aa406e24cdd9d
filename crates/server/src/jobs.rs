//! Work that nobody waits for.

pub(crate) mod keys;
pub(crate) mod revocations;
pub(crate) mod roles;
pub(crate) mod sweep;
