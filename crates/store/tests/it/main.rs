//! The stores from outside: the suite that all of them pass, and what is SQLite's own.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod postgres;
mod sqlite;
mod sqlite_audit;
mod sqlite_backup;
mod sqlite_file;
mod sqlite_log;
mod sqlite_since;
mod sqlite_writer;

mod conformance {
    mod postgres {
        relatch_store::conformance!(crate::postgres::Databases);
    }
    mod postgres_behind_a_pooler {
        relatch_store::conformance!(crate::postgres::Pooled);
    }
    mod sqlite {
        relatch_store::conformance!(crate::sqlite::Files);
    }
}
