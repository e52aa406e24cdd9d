//! Everything under /admin/v1, and POST /auth/password/reset.

mod keys;
mod reset;
mod roles;
mod sessions;
mod users;
