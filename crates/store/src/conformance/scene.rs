//! What the cases play with: a fresh store, users, sessions, tokens and a clock that is an argument.

use std::{
    any::Any,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use relatch_core::{
    Entropy, Store, Timestamp, chance,
    event::{Actor, Administrator, EventRow, Origin},
    password::PasswordHash,
    session::{
        Delivery, EndReason, Ended, Generation, Lifetimes, Login, Policy, ReuseScope, Session,
        Thumbprint,
        open::Opening,
        refresh::{Outcome, Proof, Request, Turn},
        store::{Ending, Opened, Which},
    },
    store::Changed,
    token::{Genuine, TokenKey, TokenKeys},
    user::{
        CredentialVersion, Email, User, UserId, UserState, Username,
        store::{Changing, Registered, Registering, StateChange},
    },
};
use tokio::task::JoinHandle;

use super::{Backend, Factory};

/// When everything begins.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// The version of a user's first password.
pub(super) const FIRST: CredentialVersion = CredentialVersion(1);

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) const DAY: Duration = Duration::from_hours(24);

/// As shipped, but for few sessions a user.
pub fn policy() -> Policy {
    Policy {
        access: Duration::from_mins(15),
        usual: Lifetimes {
            idle: 5 * DAY,
            absolute: 90 * DAY,
        },
        remembered: Lifetimes {
            idle: 30 * DAY,
            absolute: 365 * DAY,
        },
        retry_window: Duration::from_secs(30),
        on_reuse: ReuseScope::Session,
        max_per_user: 8,
        reauth_within: Duration::from_mins(10),
        idle_grace: Duration::ZERO,
        keep_ended: 30 * DAY,
    }
}

/// Bytes that differ at each draw and are the same in each run.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: the ids of rows come in no order.
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let mut word = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (word ^ (word >> 31)).to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
    }
}

/// What bound sessions are bound to.
pub(super) const KEY: Thumbprint = Thumbprint::from_bytes([9; 32]);

/// A bearer's login.
pub(super) fn login(now: Timestamp) -> Login {
    Login {
        device: "a phone".to_owned(),
        scope: None,
        remember_me: false,
        delivery: Delivery::Body,
        key: None,
        origin: origin(),
        now,
    }
}

/// A fresh store and the rules that it is under.
pub(super) struct Scene {
    backend: Arc<dyn Backend>,
    pub(super) store: Arc<dyn Store>,
    pub(super) policy: Policy,
    entropy: Counting,
}

impl Scene {
    pub(super) async fn set(factory: &dyn Factory) -> Self {
        Self::set_under(factory, policy()).await
    }

    pub(super) async fn set_under(factory: &dyn Factory, policy: Policy) -> Self {
        let backend = factory.fresh(policy.clone()).await;
        Self {
            store: backend.store(),
            backend,
            policy,
            entropy: Counting::default(),
        }
    }

    /// A session that the store does not know yet.
    pub(super) fn draw(&self, user: UserId, now: Timestamp) -> Session {
        self.draw_as(user, &login(now))
    }

    pub(super) fn draw_as(&self, user: UserId, login: &Login) -> Session {
        Session::drawn(user, login, &self.policy, &self.entropy)
    }

    /// A user that the store does not know yet, with a first session.
    pub(super) fn newcomer(&self, name: &str) -> Registering {
        let user = User {
            id: UserId(chance::ordered_uuid(&self.entropy, START)),
            username: Username::parse(name).expect("a username"),
            email: Email::parse("ada@example.com").expect("an address"),
            state: UserState::Active,
            created_at: START,
        };
        Registering {
            session: self.draw(user.id, START),
            user,
            hash: hash("first"),
            replaces: None,
            origin: origin(),
        }
    }

    /// The first session of a new user.
    pub(super) async fn register(&self, name: &str) -> Session {
        let registering = self.newcomer(name);
        let session = registering.session.clone();
        let registered = self.store.register(registering).await;
        assert_eq!(registered, Ok(Registered::Done));
        session
    }

    /// Begins a session that the store must accept.
    pub(super) async fn open(&self, session: Session) -> Session {
        match self.store.open_session(opening(session)).await {
            Ok(Opened::Session(session)) => *session,
            other => panic!("not opened: {other:?}"),
        }
    }

    /// A further session of the user, bound to a key.
    pub(super) async fn open_bound(&self, user: UserId) -> Session {
        let bound = Login {
            key: Some(KEY),
            ..login(START)
        };
        self.open(self.draw_as(user, &bound)).await
    }

    /// A further session of the user, with the longer lifetimes.
    pub(super) async fn open_remembered(&self, user: UserId) -> Session {
        let remembered = Login {
            remember_me: true,
            ..login(START)
        };
        self.open(self.draw_as(user, &remembered)).await
    }

    /// The row as it stands.
    pub(super) async fn row(&self, session: &Session) -> Session {
        let found = self.store.find_session(session.id).await;
        found.expect("reads").expect("the row is there")
    }

    /// Presents a token that the store must know, and says what became of it.
    pub(super) async fn refresh(&self, request: Request) -> Turn {
        match self.store.refresh(request).await {
            Ok(Outcome::Turned(turned)) => turned.turn,
            other => panic!("not turned: {other:?}"),
        }
    }

    /// Turns the newest token `times` times, all at `now`.
    pub(super) async fn rotate(&self, session: &Session, times: u32, now: Timestamp) {
        for _ in 0..times {
            let newest = self.row(session).await.life.generation;
            let turn = self.refresh(request(session, newest.0, now)).await;
            assert!(matches!(turn, Turn::Rotate { .. }), "{turn:?}");
        }
    }

    pub(super) async fn end(&self, session: &Session, reason: EndReason, now: Timestamp) -> usize {
        let which = Which::One(session.id);
        let ending = ending(session.user, which, reason, now);
        self.store.end_sessions(ending).await.expect("ends")
    }

    /// Which of these sessions are live.
    pub(super) async fn live(&self, sessions: &[&Session], now: Timestamp) -> Vec<bool> {
        let mut live = Vec::new();
        for session in sessions {
            live.push(!self.row(session).await.is_over(&self.policy, now));
        }
        live
    }

    /// How many live sessions the user has.
    pub(super) async fn count_live(&self, user: UserId, now: Timestamp) -> usize {
        let mut rows = self.store.list_sessions(user).await.expect("reads");
        rows.retain(|row| !row.is_over(&self.policy, now));
        rows.len()
    }

    /// Everything on record about the user, newest first.
    pub(super) async fn events(&self, user: UserId) -> Vec<EventRow> {
        self.store.list_events(user, 1_000).await.expect("reads")
    }

    /// How many events of that name the user has.
    pub(super) async fn count(&self, user: UserId, name: &str) -> usize {
        let events = self.events(user).await;
        events.iter().filter(|event| event.name == name).count()
    }

    pub(super) async fn rows(&self) -> Vec<String> {
        self.backend.rows().await
    }

    /// All there is. Two of them are equal only if nothing was written between them, not even the same again.
    pub(super) async fn dump(&self) -> (i64, Vec<String>) {
        (self.backend.writes().await, self.rows().await)
    }

    pub(super) async fn disable(&self, user: UserId) {
        let order =
            self.store
                .set_user_state(user, UserState::Disabled, None, administrator(START));
        assert!(matches!(
            order.await,
            Ok(Changed::Done(StateChange::Changed { .. }))
        ));
    }

    pub(super) async fn refuse_to_end_bound_sessions(&self) {
        self.backend.refuse_to_end_bound_sessions().await;
    }

    pub(super) async fn hold_writes(&self) -> Box<dyn Any + Send> {
        self.backend.hold_writes().await
    }

    pub(super) async fn after_death(&self) -> Arc<dyn Store> {
        self.backend.after_death().await
    }

    /// A change of the password from `caller`, at its time of login.
    pub(super) fn changing(&self, caller: &Session, new: &str, now: Timestamp) -> Changing {
        Changing {
            session: self.draw(caller.user, now),
            caller: caller.id,
            verified: FIRST,
            hash: hash(new),
            origin: origin(),
        }
    }
}

/// Where every request comes from.
pub(super) fn origin() -> Origin {
    Origin {
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        agent: Some("a browser".to_owned()),
    }
}

/// Who gives orders about accounts of others.
pub(super) fn administrator(now: Timestamp) -> Administrator {
    Administrator {
        actor: Actor::CommandLine,
        origin: origin(),
        now,
    }
}

/// Stands for the hash of a password; nothing is hashed here.
pub(super) fn hash(of: &str) -> PasswordHash {
    PasswordHash::from_phc(format!("$test${of}"))
}

pub(super) fn opening(session: Session) -> Opening {
    Opening {
        session,
        verified: FIRST,
        rehashed: None,
        replaces: None,
        origin: origin(),
    }
}

pub(super) fn ending(user: UserId, which: Which, reason: EndReason, now: Timestamp) -> Ending {
    Ending {
        user,
        which,
        reason,
        origin: origin(),
        now,
    }
}

pub(super) fn over(reason: EndReason, at: Timestamp) -> Turn {
    Turn::Over(Ended { reason, at })
}

pub(super) fn rotated(to: u32) -> Turn {
    Turn::Rotate {
        to: Generation(to),
        lagged: false,
    }
}

pub(super) fn retried(of: u32, late: bool) -> Turn {
    Turn::Retry {
        of: Generation(of),
        late,
    }
}

/// A bearer's refresh with the session's token of that generation.
pub(super) fn request(session: &Session, generation: u32, now: Timestamp) -> Request {
    Request {
        token: token(session, generation),
        delivery: session.delivery,
        proof: Proof::NotShown,
        origin: origin(),
        now,
    }
}

/// The same with a good proof of possession.
pub(super) fn proven(session: &Session, generation: u32, now: Timestamp) -> Request {
    Request {
        proof: Proof::By(KEY),
        ..request(session, generation, now)
    }
}

fn token(session: &Session, generation: u32) -> Genuine {
    let keys = TokenKeys::new(TokenKey::new(1, &[7; 32]), Vec::new());
    let token = keys
        .newest()
        .issue(session.id, &session.secret, Generation(generation));
    keys.authenticate(token.expose()).expect("genuine")
}

/// Runs all of them at once, on the runtime's threads; what they say, in their order.
pub(super) async fn at_once<F>(work: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut said = Vec::new();
    for task in running {
        said.push(task.await.expect("does not panic"));
    }
    said
}

/// Sends a request that cannot be answered yet, so that whatever is sent next comes after it; its answer later.
pub(super) async fn begin<F>(request: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut request = Box::pin(request);
    let sent = std::future::poll_fn(|context| Poll::Ready(request.as_mut().poll(context)));
    assert!(sent.await.is_pending(), "writes are held back");
    tokio::spawn(request)
}
