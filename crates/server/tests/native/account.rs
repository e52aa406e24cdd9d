//! What a user does with his account, from the first to the last call.

use std::time::Duration;

use relatch_client::{Error, Login, Registration, State};

use crate::{
    scene::{Ahead, BOTH, PASSWORD, access, builder, claims, client, reason, register, server},
    support::Server,
};

const NEW: &str = "another horse, another staple";

fn code<T: std::fmt::Debug>(said: Result<T, Error>) -> String {
    match said {
        Err(Error::Refused(problem)) => problem.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_lives_from_registration_to_logout() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let (client, name) = (client(server.address, mode), format!("ada{number}"));
        assert_eq!(client.state().await.unwrap(), State::Out(None));
        assert!(matches!(client.user().await, Err(Error::LoggedOut)));
        register(&client, &name).await;
        let State::In(user) = client.state().await.unwrap() else {
            panic!("nobody is logged in");
        };
        assert_eq!(user.username, name);
        assert_eq!(client.user().await.unwrap(), user);
        let token = access(&client).await.unwrap();
        assert_eq!(claims(&token)["sub"], user.id.as_str());
        let is_bound = claims(&token).get("cnf").is_some();
        assert_eq!(is_bound, mode == crate::scene::Mode::Bound);
        client.logout().await.unwrap();
        assert_eq!(client.state().await.unwrap(), State::Out(None));
        client.logout().await.unwrap();
        client.login(Login::new(&name, PASSWORD)).await.unwrap();
        client.user().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_typed_wrongly_is_named() {
    let server = server(&[]);
    for mode in BOTH {
        let client = client(server.address, mode);
        let said = client
            .register(Registration::new("nowhere", Login::new("a b", "short")))
            .await;
        let Err(Error::Refused(problem)) = said else {
            panic!("{said:?}");
        };
        let mut fields: Vec<_> = problem.errors.iter().map(|fault| &*fault.field).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["email", "password", "username"]);
        let said = client.login(Login::new("nobody", PASSWORD)).await;
        assert_eq!(code(said), "invalid_credentials");
        assert_eq!(client.state().await.unwrap(), State::Out(None));
    }
}

#[tokio::test]
async fn a_login_ends_the_session_that_was_kept_before() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let (client, name) = (client(server.address, mode), format!("ada{number}"));
        register(&client, &name).await;
        let wrong = client.login(Login::new(&name, NEW)).await;
        assert_eq!(code(wrong), "invalid_credentials");
        client.user().await.unwrap();
        let login = Login::new(&name, PASSWORD)
            .device_name("laptop")
            .remember_me();
        client.login(login).await.unwrap();
        let sessions = client.sessions().await.unwrap();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        assert!(sessions[0].current && sessions[0].remember_me);
        assert_eq!(sessions[0].device, "laptop");
    }
}

#[tokio::test]
async fn devices_are_ended_one_by_one_and_all_together() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let name = format!("ada{number}");
        let [laptop, phone, tablet] = [(); 3].map(|()| client(server.address, mode));
        register(&laptop, &name).await;
        for other in [&phone, &tablet] {
            other.login(Login::new(&name, PASSWORD)).await.unwrap();
        }
        let sessions = phone.sessions().await.unwrap();
        let current = sessions.iter().find(|session| session.current).unwrap();
        assert_eq!(laptop.end_session(&current.id).await.unwrap(), 1);
        assert_eq!(reason(phone.user().await), "ended_by_user");
        assert_eq!(laptop.end_other_sessions().await.unwrap(), 1);
        assert_eq!(reason(tablet.user().await), "logout_everywhere");
        // It is told as often as somebody asks, without asking the server again.
        let State::Out(Some(ended)) = tablet.state().await.unwrap() else {
            panic!("it is forgotten");
        };
        assert_eq!(ended.to_string(), "all devices were logged out");
        laptop.logout_everywhere().await.unwrap();
        assert_eq!(laptop.state().await.unwrap(), State::Out(None));
        let odd = laptop.end_session("../../admin").await;
        assert!(matches!(odd, Err(Error::Broken(_))));
    }
}

#[tokio::test]
async fn a_password_is_changed_and_proved() {
    let server = server(&[]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let name = format!("ada{number}");
        let [laptop, phone] = [(); 2].map(|()| client(server.address, mode));
        register(&laptop, &name).await;
        phone.login(Login::new(&name, PASSWORD)).await.unwrap();
        let wrong = laptop.change_password(NEW, "a third horse, a third").await;
        assert_eq!(code(wrong), "invalid_credentials");
        laptop.change_password(PASSWORD, NEW).await.unwrap();
        assert_eq!(reason(phone.user().await), "password_changed");
        assert_eq!(
            reason(phone.change_password(PASSWORD, NEW).await),
            "password_changed"
        );
        assert_eq!(laptop.sessions().await.unwrap().len(), 1);
        assert_eq!(
            code(laptop.reauthenticate(PASSWORD).await),
            "invalid_credentials"
        );
        laptop.reauthenticate(NEW).await.unwrap();
        laptop.user().await.unwrap();
        laptop.logout().await.unwrap();
        laptop.login(Login::new(&name, NEW)).await.unwrap();
    }
}

/// Ten minutes by the server's clock cannot be waited for: its setting is a second.
#[tokio::test]
async fn what_wants_a_password_says_so_until_it_has_it() {
    let server = server(&[("session.reauth_within", "1s")]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let client = client(server.address, mode);
        register(&client, &format!("ada{number}")).await;
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let said = client.logout_everywhere().await;
        assert_eq!(code(said), "reauthentication_required");
        client.reauthenticate(PASSWORD).await.unwrap();
        client.logout_everywhere().await.unwrap();
    }
}

/// A laptop that slept past the access token refreshes; past the end of its rest it is told.
#[tokio::test]
async fn a_long_sleep_costs_a_refresh_and_a_longer_one_the_session() {
    let settings = [
        ("session.idle_lifetime", "3s"),
        ("session.access_lifetime", "2s"),
    ];
    let server: Server = server(&settings);
    for (number, mode) in BOTH.into_iter().enumerate() {
        let client = client(server.address, mode);
        register(&client, &format!("ada{number}")).await;
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        client.user().await.unwrap();
        tokio::time::sleep(Duration::from_millis(4_200)).await;
        assert_eq!(reason(client.user().await), "idle");
    }
}

/// A token that nobody sees go bad is found out by the refusal, and once.
#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = server(&[("session.access_lifetime", "2s")]);
    for (number, mode) in BOTH.into_iter().enumerate() {
        // This clock stands still, so that every token looks fresh.
        let now = Ahead::default().clock()();
        let client = builder(server.address, mode)
            .clock(move || now)
            .build()
            .unwrap();
        register(&client, &format!("ada{number}")).await;
        let first = access(&client).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(access(&client).await.unwrap(), first);
        client.user().await.unwrap();
        assert_ne!(access(&client).await.unwrap(), first);
    }
}
