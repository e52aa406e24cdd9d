//! What bringing a database up to date did.

/// What a database was brought up to date from, and to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// The schema before.
    pub from: usize,
    /// The schema of this binary.
    pub to: usize,
}
