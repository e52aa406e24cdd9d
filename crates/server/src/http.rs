//! HTTP: routes, what comes in, what goes out. Decides nothing about sessions.

mod answer;
mod arrival;
mod authorization;
mod body;
mod device;
mod docs;
mod fields;
mod forwarded;
mod health;
mod jwks;
pub mod openapi;
mod password;
pub mod problem;
mod redirect;
mod route;
mod router;
mod session;
mod user;

pub(crate) use answer::time;
pub(crate) use arrival::{Peer, RequestIds, handle, keep_to_https};
pub(crate) use redirect::router as redirect_router;
pub(crate) use router::router;
pub(crate) use user::{describe_email, describe_password, describe_username};
