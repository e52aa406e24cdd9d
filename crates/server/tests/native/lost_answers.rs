//! Requests and answers that are lost, cut, reset and late log nobody out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use relatch_client::{Client, Error, Login, MemoryStore, Secret, Slot, State, Store, StoreError};

use crate::{
    proxy::{Fate, Proxy},
    scene::{Ahead, Mode, access, builder, client, generation, reason, register, server},
    support::eventually,
};

/// Longer than the client waits.
const STALL: Duration = Duration::from_millis(900);

const FAULTS: [Fate; 5] = [
    Fate::RequestLost,
    Fate::AnswerLost,
    Fate::Reset,
    Fate::Cut,
    Fate::Stall(STALL),
];

/// Every third refresh has a fault, each kind in its turn.
fn every_third(number: usize) -> Fate {
    match number % 3 {
        1 => FAULTS[number / 3 % FAULTS.len()],
        _ => Fate::Pass,
    }
}

/// A client behind that road, whose access token is old whenever `ahead` says so.
async fn behind(proxy: &Proxy, mode: Mode, name: &str) -> (Client, Ahead) {
    let ahead = Ahead::default();
    let client = builder(proxy.address, mode).clock(ahead.clock());
    let client = client.build().unwrap();
    register(&client, name).await;
    (client, ahead)
}

/// So many refreshes, each once the one before is over: also its copies, where they must not outlive the next.
async fn turns(count: u64, mode: Mode) {
    let server = server(&[]);
    let proxy = Proxy::to(server.address, every_third);
    let (client, ahead) = behind(&proxy, mode, "ada").await;
    for turn in 1..=count {
        ahead.by(Duration::from_mins(15));
        let token = access(&client)
            .await
            .unwrap_or_else(|error| panic!("{turn}: {error:?}"));
        assert_eq!(generation(&token), turn, "a retry is no turn");
        let sent = proxy.refreshes();
        let stalled = (0..sent).filter(|number| matches!(every_third(*number), Fate::Stall(_)));
        let stalled = stalled.count();
        if mode == Mode::Bearer {
            assert!(eventually(|| proxy.late() == stalled));
        }
    }
    client.user().await.unwrap();
    assert!(
        proxy.refreshes() as u64 > count * 4 / 3,
        "{}",
        proxy.refreshes()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bound_session_ends_by_what_is_lost_on_the_way() {
    turns(45, Mode::Bound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bearer_session_ends_by_what_is_lost_within_the_window() {
    turns(30, Mode::Bearer).await;
}

/// Ten in a row, and a window that is long over: the key says who it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_session_outlives_any_number_of_lost_answers() {
    let server = server(&[("session.retry_window", "0s")]);
    let proxy = Proxy::to(server.address, |number| match number {
        0..10 => FAULTS[1 + number % 3],
        _ => Fate::Pass,
    });
    let ahead = Ahead::default();
    let client = builder(proxy.address, Mode::Bound)
        .clock(ahead.clock())
        .patience(Duration::from_millis(1_500))
        .build()
        .unwrap();
    register(&client, "ada").await;
    ahead.by(Duration::from_mins(15));
    let mut gave_up = 0;
    let token = loop {
        match access(&client).await {
            Ok(token) => break token,
            Err(Error::Unreachable(_)) => gave_up += 1,
            Err(error) => panic!("{error:?}"),
        }
    };
    assert!(gave_up > 1, "it gave up {gave_up} times and came back");
    assert_eq!(generation(&token), 1);
}

/// What a bearer session cannot have: after the window a lost answer is the end. It is told, and the client does not hasten it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_session_is_not_asked_for_again_after_the_window_in_one_call() {
    let server = server(&[("session.retry_window", "2s")]);
    let lost = Arc::new(AtomicBool::new(true));
    let loses = Arc::clone(&lost);
    let proxy = Proxy::to(server.address, move |_| {
        if loses.load(Ordering::SeqCst) {
            Fate::AnswerLost
        } else {
            Fate::Pass
        }
    });
    let ahead = Ahead::default();
    let window = Duration::from_secs(2);
    let client = builder(proxy.address, Mode::Bearer)
        .clock(ahead.clock())
        .retry_window(window)
        .build()
        .unwrap();
    register(&client, "ada").await;
    ahead.by(Duration::from_mins(15));
    let begin = std::time::Instant::now();
    let said = access(&client).await;
    assert!(matches!(said, Err(Error::Unreachable(_))), "{said:?}");
    assert!(begin.elapsed() < window, "{:?}", begin.elapsed());
    // The token is held still, and the session lives.
    assert!(matches!(client.state().await.unwrap(), State::In(_)));
    let sent = proxy.refreshes();
    assert!(sent > 2, "{sent}");
    tokio::time::sleep(window).await;
    lost.store(false, Ordering::SeqCst);
    assert_eq!(reason(access(&client).await), "reuse");
}

/// An answer that was cut off in its body is none, and one that the server is too busy to give comes later.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_waited_for() {
    let server = server(&[]);
    let (mode, ahead) = (Mode::Bound, Ahead::default());
    let client = builder(server.address, mode).clock(ahead.clock());
    let client = client.build().unwrap();
    register(&client, "ada").await;
    let (address, folder) = (server.address, server.crash());
    ahead.by(Duration::from_mins(15));
    let refreshing = tokio::spawn({
        let client = client.clone();
        async move { access(&client).await }
    });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!refreshing.is_finished());
    let listen = address.to_string();
    let settings = [
        ("issuer.url", crate::scene::ISSUER),
        ("server.listen", &listen),
    ];
    let server = folder.start(&settings);
    let token = refreshing.await.unwrap().unwrap();
    assert_eq!(generation(&token), 1);
    drop(server);
    let nobody = client_of_nobody(address).await;
    assert!(matches!(nobody, Err(Error::Unreachable(_))), "{nobody:?}");
}

/// A store that cannot be locked, as a keychain shared by two programs.
#[derive(Clone, Default)]
struct Shared(Arc<MemoryStore>);

impl Store for Shared {
    fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
        self.0.read(slot)
    }

    fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError> {
        self.0.write(slot, secret)
    }
}

/// An answer counts only for whoever holds what it answers: here somebody else has logged in while it was on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_does_not_take_the_place_of_a_later_session() {
    let server = server(&[]);
    let slow = Fate::Slow(Duration::from_millis(500));
    let proxy = Proxy::to(server.address, move |_| slow);
    let (store, ahead) = (Shared::default(), Ahead::default());
    let [one, other] = [proxy.address, server.address].map(|address| {
        // A proof by a clock that is ahead would be refused first.
        let client = builder(address, Mode::Bearer).clock(ahead.clock());
        client.store(store.clone()).build().unwrap()
    });
    register(&one, "bob").await;
    register(&one, "ada").await;
    ahead.by(Duration::from_mins(15));
    let refreshing = tokio::spawn({
        let one = one.clone();
        async move { access(&one).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    other
        .login(Login::new("bob", crate::scene::PASSWORD))
        .await
        .unwrap();
    let token = refreshing.await.unwrap();
    let State::In(user) = one.state().await.unwrap() else {
        panic!("nobody is logged in");
    };
    assert_eq!(user.username, "bob");
    assert_eq!(crate::scene::claims(&token)["sub"], user.id.as_str());
    assert_eq!(one.user().await.unwrap().username, "bob");
}

async fn client_of_nobody(address: std::net::SocketAddr) -> Result<String, Error> {
    let client = client(address, Mode::Bound);
    let login = Login::new("ada", crate::scene::PASSWORD);
    client.login(login).await?;
    access(&client).await
}
