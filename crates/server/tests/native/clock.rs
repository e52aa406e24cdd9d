//! A machine whose clock is wrong, and a server that wants nonces.

use std::time::Duration;

use relatch_client::Login;

use crate::scene::{Ahead, BOTH, Mode, PASSWORD, access, builder, generation, register, server};

/// Hours and days off, to either side, from the first request on, and while it runs.
#[tokio::test]
async fn a_wrong_clock_costs_a_request_and_no_session() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let name = format!("ada{number}");
        for off in [
            Duration::from_secs(90),
            Duration::from_hours(2),
            Duration::from_hours(24 * 400),
        ] {
            for behind in [false, true] {
                let ahead = Ahead::default();
                if behind {
                    ahead.back(off);
                } else {
                    ahead.by(off);
                }
                let client = builder(server.address, mode).clock(ahead.clock());
                let client = client.build().unwrap();
                let login = Login::new(&name, PASSWORD);
                if client.login(login).await.is_err() {
                    register(&client, &name).await;
                }
                client.user().await.unwrap();
                ahead.by(Duration::from_mins(15));
                assert_eq!(generation(&access(&client).await.unwrap()), 1);
                // Put right while it runs: either way nobody knows how old the token is.
                if behind {
                    ahead.by(off);
                } else {
                    ahead.back(off);
                }
                client.user().await.unwrap();
                client.logout().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn nonces_are_given_back() {
    let server = server(&[("dpop.nonce", "required")]);
    let ahead = Ahead::default();
    let client = builder(server.address, Mode::Bound).clock(ahead.clock());
    let client = client.build().unwrap();
    register(&client, "ada").await;
    client.user().await.unwrap();
    ahead.by(Duration::from_mins(15));
    assert_eq!(generation(&access(&client).await.unwrap()), 1);
    client.reauthenticate(PASSWORD).await.unwrap();
    client.sessions().await.unwrap();
    client.logout().await.unwrap();
}
