//! A token that was verified before is refused as soon as any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use relatch_verify::{
    KeySet, ResourceServer, Revocation, Verifier, VerifyError, WhenStale, jws::MAX_LENGTH,
};
use serde_json::json;

use crate::support::{NOW, claims, good, header, keys, sign, verifier, with};

/// A server whose clock the test turns.
fn server(verifier: Verifier, capacity: usize) -> (ResourceServer, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(NOW));
    let clock = Arc::clone(&time);
    let builder = ResourceServer::builder(verifier).cached_tokens(capacity);
    let builder = builder.clock(move || clock.load(Ordering::SeqCst));
    (builder.keys(keys()), time)
}

fn without(kid: &str) -> KeySet {
    let keys = keys();
    let others = keys.iter().filter(|key| key.kid() != Some(kid));
    KeySet::new(others.cloned().collect()).unwrap()
}

/// The same with and without a memory.
fn both(test: impl Fn(ResourceServer, Arc<AtomicI64>)) {
    for capacity in [0, 100] {
        let (server, time) = server(verifier(), capacity);
        server.check(&good()).unwrap();
        server.check(&good()).unwrap();
        test(server, time);
    }
}

#[test]
fn the_second_time_brings_the_very_same_claims() {
    let (server, _) = server(verifier(), 100);
    let (first, second) = (
        server.check(&good()).unwrap(),
        server.check(&good()).unwrap(),
    );
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(*first, crate::support::verify(&good()).unwrap());
}

#[test]
fn it_ends_when_it_ends() {
    both(|server, time| {
        time.store(NOW + 899, Ordering::SeqCst);
        server.check(&good()).unwrap();
        time.store(NOW + 900, Ordering::SeqCst);
        assert_eq!(server.check(&good()), Err(VerifyError::Expired));
        time.store(NOW - 1, Ordering::SeqCst);
        assert_eq!(server.check(&good()), Err(VerifyError::IssuedInFuture));
    });
}

#[test]
fn it_ends_with_its_key() {
    both(|server, _| {
        server.set_keys(without("ed"));
        assert_eq!(server.check(&good()), Err(VerifyError::KeyUnknown));
        server.set_keys(keys());
        server.check(&good()).unwrap();
    });
}

#[test]
fn it_ends_with_its_session() {
    both(|server, time| {
        server.revoke(Revocation::generations("0193", 6, NOW + 900));
        server.revoke(Revocation::session("0194", NOW + 900));
        server.check(&good()).unwrap();
        server.revoke(Revocation::generations("0193", 7, NOW + 900));
        assert_eq!(server.check(&good()), Err(VerifyError::Revoked));
        let next = sign(header(), with(claims(), "gen", json!(8)));
        server.check(&next).unwrap();
        server.revoke(Revocation::session("0193", NOW + 900));
        for token in [&good(), &next] {
            assert_eq!(server.check(token), Err(VerifyError::Revoked));
        }
        time.store(NOW + 900, Ordering::SeqCst);
        assert_eq!(server.check(&good()), Err(VerifyError::Expired));
    });
}

#[test]
fn it_ends_with_a_compromised_key() {
    both(|server, _| {
        server.revoke(Revocation::key("ec", NOW + 900));
        server.check(&good()).unwrap();
        server.revoke(Revocation::key("ed", NOW + 900));
        assert_eq!(server.check(&good()), Err(VerifyError::Revoked));
    });
}

/// A revocation ends at the last `exp`; whom the leeway lets in after that is still refused.
#[test]
fn the_leeway_does_not_outlive_a_revocation() {
    for capacity in [0, 100] {
        let (server, time) = server(verifier().leeway(60), capacity);
        server.revoke(Revocation::session("0193", NOW + 900));
        for seconds in [0, 899, 900, 959] {
            time.store(NOW + seconds, Ordering::SeqCst);
            assert_eq!(
                server.check(&good()),
                Err(VerifyError::Revoked),
                "{seconds}"
            );
        }
    }
}

#[test]
fn a_refused_token_is_refused_again() {
    let (server, _) = server(verifier(), 100);
    let wrong = sign(
        header(),
        with(claims(), "iss", json!("https://evil.example")),
    );
    let long = "a".repeat(MAX_LENGTH + 1);
    for _ in 0..2 {
        assert_eq!(server.check(&wrong), Err(VerifyError::IssuerMismatch));
        assert_eq!(server.check(""), Err(VerifyError::TokenMalformed));
        assert_eq!(server.check(&long), Err(VerifyError::TokenTooLong));
    }
}

/// Two tokens that differ in the signature alone are two tokens.
#[test]
fn a_remembered_token_vouches_for_no_other() {
    both(|server, _| {
        let mut forged = good();
        let last = forged.len() - 10;
        let other = if forged.as_bytes()[last] == b'A' {
            "B"
        } else {
            "A"
        };
        forged.replace_range(last..=last, other);
        assert_eq!(server.check(&forged), Err(VerifyError::SignatureInvalid));
    });
}

/// Whoever asks after an end was told hears of it, however many ask meanwhile and fill the memory again.
#[test]
fn no_race_lets_a_refused_token_in() {
    let ends: [fn(&ResourceServer); 3] = [
        |server| server.revoke(Revocation::session("0193", NOW + 900)),
        |server| server.revoke(Revocation::key("ed", NOW + 900)),
        |server| server.set_keys(without("ed")),
    ];
    let token = good();
    for end in ends {
        for _ in 0..50 {
            let (server, _) = server(verifier(), 100);
            let (told, ready) = (AtomicI64::new(0), std::sync::Barrier::new(4));
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        ready.wait();
                        for _ in 0..20 {
                            let told = told.load(Ordering::SeqCst);
                            let answer = server.check(&token);
                            assert!(told == 0 || answer.is_err());
                        }
                    });
                }
                ready.wait();
                end(&server);
                told.store(1, Ordering::SeqCst);
            });
            server.check(&token).unwrap_err();
        }
    }
}

#[test]
fn who_fails_closed_needs_to_have_heard() {
    let builder = ResourceServer::builder(verifier()).clock(|| NOW);
    let server = builder
        .when_stale(WhenStale::FailClosed { after: 10 })
        .keys(keys());
    assert_eq!(server.check(&good()), Err(VerifyError::RevocationsStale));
    assert_eq!(server.check("garbage"), Err(VerifyError::TokenMalformed));
    assert_eq!(server.revocations_stale_for(), None);
    server.hear();
    server.check(&good()).unwrap();
    assert_eq!(server.revocations_stale_for(), Some(0));
}
