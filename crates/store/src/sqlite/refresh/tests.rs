//! A refresh as a member of a batch: what it asks of the disk.

use std::time::Duration;

use relatch_core::{
    Entropy, Timestamp,
    event::Origin,
    session::{Delivery, Generation, Lifetimes, Login, Thumbprint, refresh::Proof},
    token::{TokenKey, TokenKeys},
    user::UserId,
};

use super::*;
use crate::sqlite::{migrate, session};

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

const KEY: Thumbprint = Thumbprint::from_bytes([9; 32]);

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

fn policy() -> Policy {
    let day = Duration::from_hours(24);
    let lifetimes = Lifetimes {
        idle: day,
        absolute: 2 * day,
    };
    Policy {
        access: day,
        usual: lifetimes,
        remembered: lifetimes,
        retry_window: Duration::from_secs(30),
        on_reuse: ReuseScope::Session,
        max_per_user: 1,
        reauth_within: day,
        idle_grace: Duration::from_hours(1),
        keep_ended: day,
    }
}

/// A database with one session, and that session.
fn database(bound: bool) -> (Connection, Session) {
    let mut connection = Connection::open_in_memory().expect("opens");
    migrate::migrate(&mut connection).expect("migrates");
    let off = connection.pragma_update(None, "foreign_keys", false);
    off.expect("the user is of no interest here");
    let login = Login {
        device: String::new(),
        scope: None,
        remember_me: false,
        delivery: Delivery::Body,
        key: bound.then_some(KEY),
        origin: Origin::default(),
        now: NOW,
    };
    let user = UserId(uuid::Uuid::nil());
    let mut session = Session::drawn(user, &login, &policy(), &Fixed);
    session.life.generation = Generation(5);
    session::insert(&connection, &session).expect("inserts");
    (connection, session)
}

/// Presents a token in a batch that is answered before it is on disk; how many rows that changed.
fn in_a_healing_batch(bound: bool, generation: u32) -> (Step, u64) {
    let (connection, session) = database(bound);
    let keys = TokenKeys::new(TokenKey::new(1, &[1; 32]), Vec::new());
    let token = keys
        .newest()
        .issue(session.id, &session.secret, Generation(generation));
    let request = Request {
        token: keys.authenticate(token.expose()).expect("genuine"),
        delivery: Delivery::Body,
        proof: Proof::By(KEY),
        origin: Origin::default(),
        now: NOW.plus(Duration::from_mins(1)),
    };
    let mut refresh = Refresh {
        request,
        policy: Arc::new(policy()),
        reply: oneshot::channel().0,
        outcome: None,
        durability: Durability::Healing,
    };
    let before = connection.total_changes();
    let step = refresh.run(&connection, Durability::Healing).expect("runs");
    let insists = refresh.durability == Durability::Durable;
    assert_eq!(insists, step == Step::NeedsDurable, "it stays durable");
    assert_eq!(refresh.outcome.is_none(), insists);
    (step, connection.total_changes() - before)
}

#[test]
fn a_rotation_does_not_wait_for_the_disk() {
    for bound in [false, true] {
        assert_eq!(in_a_healing_batch(bound, 5), (Step::Done, 1));
        assert_eq!(in_a_healing_batch(bound, 9), (Step::Done, 1), "lagged");
    }
}

#[test]
fn an_end_and_what_an_auditor_looks_for_are_not_written_in_a_healing_batch() {
    let untouched = (Step::NeedsDurable, 0);
    assert_eq!(in_a_healing_batch(false, 4), untouched, "reuse, late");
    assert_eq!(in_a_healing_batch(false, 0), untouched, "reuse, old");
    assert_eq!(in_a_healing_batch(false, u32::MAX), untouched, "exhausted");
    assert_eq!(in_a_healing_batch(true, 4), untouched, "a late retry");
}
