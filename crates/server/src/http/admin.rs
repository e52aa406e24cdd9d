//! Administration: the routes under `/admin/v1`. Whether the caller may is asked of core, twice: by the guard before anything
//! is read for him, and by the store where an order is carried out.

pub(super) mod audit;
mod guard;
pub(super) mod key;
mod path;
mod precondition;
mod refusal;
pub(super) mod resource_server;
pub(super) mod role;
pub(super) mod session;
pub(super) mod user;
