//! Many processes of one program, with one file: one of them refreshes, and all of them have what it got.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use relatch_client::Login;

use crate::scene::{BOTH, Job, Mode, PASSWORD, access, client_of, generation, register, server};

const PROCESSES: usize = 8;
const LIFETIME: Duration = Duration::from_secs(2);
const WORKED: Duration = Duration::from_secs(9);

/// What each of them does: calls, again and again, and tells which tokens it had.
#[tokio::test]
#[ignore = "it is the part of another process in the tests below"]
async fn calls_for_a_while() {
    let client = Job::given().client();
    let begin = Instant::now();
    let mut seen = BTreeSet::new();
    while begin.elapsed() < WORKED {
        seen.insert(access(&client).await.unwrap());
        client.user().await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    for token in seen {
        println!("token {token}");
    }
}

async fn share(mode: Mode) {
    let server = server(&[("session.access_lifetime", "2s")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.json");
    let client = client_of(server.address, mode, &file);
    register(&client, "ada").await;
    let job = Job {
        address: server.address,
        mode,
        file,
    };
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| job.spawn("processes::calls_for_a_while"))
        .collect();
    let mut seen = BTreeSet::new();
    for child in children {
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        seen.extend(
            said.lines()
                .filter_map(|line| line.strip_prefix("token ").map(str::to_owned)),
        );
    }
    let generations: BTreeSet<_> = seen.iter().map(|token| generation(token)).collect();
    // One token a generation: nobody had to be given one again.
    assert_eq!(generations.len(), seen.len(), "{generations:?}");
    // A token is used for nine tenths of its life; the machine may be slow, but never fast.
    let most = WORKED.as_secs_f64() / (LIFETIME.as_secs_f64() * 0.9) + 2.0;
    let turned = u32::try_from(generations.len()).unwrap();
    assert!((4.0..=most).contains(&f64::from(turned)), "{generations:?}");
    client.user().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_one_file_refresh_once() {
    share(Mode::Bound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_one_bearer_file_refresh_once() {
    share(Mode::Bearer).await;
}

/// Fifty tasks of one process that find the token old in one moment.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_refresh_once() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let ahead = crate::scene::Ahead::default();
        let client = crate::scene::builder(server.address, mode).clock(ahead.clock());
        let client = client.build().unwrap();
        register(&client, &format!("ada{number}")).await;
        ahead.by(Duration::from_mins(15));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { access(&client).await.unwrap() })
            })
            .collect();
        let mut seen = BTreeSet::new();
        for task in tasks {
            seen.insert(task.await.unwrap());
        }
        let [token] = &seen.into_iter().collect::<Vec<_>>()[..] else {
            panic!("more than one token");
        };
        assert_eq!(generation(token), 1);
    }
}

/// What one process does, the others go by at once.
#[tokio::test]
async fn a_login_and_a_logout_hold_for_every_process() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    for mode in BOTH {
        let file = folder.path().join(format!("{mode:?}"));
        let [one, other] = [(); 2].map(|()| client_of(server.address, mode, &file));
        let [ada, bob] = ["ada", "bob"].map(|name| format!("{name}-{mode:?}"));
        register(&one, &bob).await;
        register(&one, &ada).await;
        let ada = ada.to_lowercase();
        assert_eq!(other.user().await.unwrap().username, ada);
        other.login(Login::new(&bob, PASSWORD)).await.unwrap();
        assert_eq!(one.user().await.unwrap().username, bob.to_lowercase());
        one.logout().await.unwrap();
        let said = other.user().await;
        assert!(
            matches!(said, Err(relatch_client::Error::LoggedOut)),
            "{said:?}"
        );
    }
}
