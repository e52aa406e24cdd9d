//! HTTP: routes, what comes in, what goes out. Decides nothing about sessions.

mod answer;
mod arrival;
mod authorization;
mod body;
mod device;
mod fields;
mod health;
mod jwks;
mod password;
pub mod problem;
mod router;
mod session;
mod user;

pub(crate) use answer::time;
pub(crate) use arrival::{Peer, RequestIds, handle};
pub(crate) use router::router;
