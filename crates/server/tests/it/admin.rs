//! Everything under /admin/v1, and POST /auth/password/reset.

mod audit;
mod keys;
mod reset;
mod resource_servers;
mod roles;
mod sessions;
mod users;
