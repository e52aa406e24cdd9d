//! HTTP: routes, what comes in, what goes out. Decides nothing about sessions.

mod admin;
mod answer;
mod arrival;
mod authorization;
mod body;
mod cookie;
mod cors;
mod credential;
mod delivery;
mod device;
mod docs;
mod event;
mod fields;
mod forwarded;
mod health;
mod introspect;
mod jwks;
mod last_resort;
pub mod openapi;
mod origin;
mod page;
mod password;
pub mod problem;
mod redirect;
mod revocations;
mod route;
mod router;
mod session;
mod user;
mod verify;

pub(crate) use answer::time;
pub(crate) use arrival::{Peer, RequestIds, handle, keep_to_https};
pub(crate) use authorization::shown;
pub(crate) use redirect::router as redirect_router;
pub(crate) use router::router;
pub(crate) use user::{describe_email, describe_password, describe_username};
