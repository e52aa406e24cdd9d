//! What core makes, seen from outside.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod access_token;
mod fuzz;
