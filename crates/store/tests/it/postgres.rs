//! PostgreSQL on a server that all tests share, each in a database of its own, and what is PostgreSQL's own.

mod backend;
mod crash;
mod limits;
mod migrate;
mod nodes;
mod plan;
mod pooler;
mod replica;
mod tls;

pub(crate) use backend::{Databases, Pooled};

use std::sync::Arc;

use relatch_core::{
    Entropy, Timestamp,
    event::Origin,
    password::PasswordHash,
    session::{
        Generation, Session, SessionId,
        refresh::{Outcome, Proof, Request, Turn},
    },
    token::{TokenKey, TokenKeys},
    user::{Email, User, UserId, UserState, Username, store::Registering},
};
use relatch_store::{conformance::policy, postgres::Options};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A user of that number, with a session of the same.
fn newcomer(number: u128) -> Registering {
    let login = relatch_core::session::Login {
        device: "a phone".to_owned(),
        scope: None,
        remember_me: false,
        delivery: relatch_core::session::Delivery::Body,
        key: None,
        origin: Origin::default(),
        now: NOW,
    };
    let user = UserId(Uuid::from_u128(number));
    let mut session = Session::drawn(user, &login, &policy(), &Fixed);
    session.id = SessionId(Uuid::from_u128(number));
    Registering {
        user: User {
            id: user,
            username: Username::parse(&format!("user{number}")).expect("a name"),
            email: Email::parse("ada@example.com").expect("an address"),
            state: UserState::Active,
            created_at: NOW,
        },
        hash: PasswordHash::from_phc("$test$first".to_owned()),
        session,
        replaces: None,
        origin: Origin::default(),
    }
}

/// A refresh with the session's token of that generation.
fn request(session: &Session, generation: u32) -> Request {
    let keys = TokenKeys::new(TokenKey::new(1, &[7; 32]), Vec::new());
    let token = keys
        .newest()
        .issue(session.id, &session.secret, Generation(generation));
    Request {
        token: keys.authenticate(token.expose()).expect("genuine"),
        proof: Proof::NotShown,
        delivery: relatch_core::session::Delivery::Body,
        origin: Origin::default(),
        now: NOW,
    }
}

fn turned(outcome: Outcome) -> Turn {
    match outcome {
        Outcome::Turned(turned) => turned.turn,
        other => panic!("not turned: {other:?}"),
    }
}

/// As tests use a database, but for what `set` changes.
fn options(url: &str, set: impl FnOnce(&mut Options)) -> Options {
    let mut options = backend::options(url);
    set(&mut options);
    options
}

async fn open(options: &Options) -> Arc<relatch_store::Postgres> {
    let opened = relatch_store::Postgres::open(options, Arc::new(policy())).await;
    Arc::new(opened.expect("opens"))
}
