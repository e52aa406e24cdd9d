//! Work that nobody waits for.

pub(crate) mod certificates;
pub(crate) mod keys;
pub(crate) mod roles;
pub(crate) mod sweep;
