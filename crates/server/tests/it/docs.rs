//! GET /docs and its files.
