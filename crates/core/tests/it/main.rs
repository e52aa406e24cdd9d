//! What core makes, seen from outside.

mod access_token;
