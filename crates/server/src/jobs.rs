//! Work that nobody waits for.

pub(crate) mod keys;
pub(crate) mod roles;
pub(crate) mod seal;
pub(crate) mod sweep;
