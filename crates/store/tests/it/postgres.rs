//! PostgreSQL on a server that all tests share, each in a database of its own, and what is PostgreSQL's own.

mod backend;

pub(crate) use backend::{Databases, open, options};
