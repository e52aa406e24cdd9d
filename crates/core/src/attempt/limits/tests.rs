use super::*;
use crate::{attempt::DeviceId, session::SessionId, user::UserId};

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn quotas(quotas: &[(u32, u64)]) -> Vec<Quota> {
    let quotas = quotas.iter();
    quotas
        .map(|(burst, seconds)| Quota::new(*burst, Duration::from_secs(*seconds)))
        .collect::<Option<_>>()
        .expect("quotas")
}

fn limits() -> Limits {
    let policy = Policy {
        account: quotas(&[(10, 60), (20, 900)]),
        address: quotas(&[(12, 15)]),
        address_account: quotas(&[(5, 20)]),
        device: quotas(&[(4, 60)]),
        logins: quotas(&[(30, 1)]),
        whole: quotas(&[(40, 1)]),
    };
    Limits::new(&policy, &Fixed)
}

fn from<'a>(address: &str, account: &'a str) -> Attempt<'a> {
    Attempt {
        kind: Kind::Login,
        account: Some(Account::Name(account)),
        address: Some(address.parse().expect("an address")),
        known: None,
    }
}

/// How many wrong ones are let in at once, and what stops the next one.
fn wrong_ones<'a>(
    limits: &mut Limits,
    attempts: impl Iterator<Item = Attempt<'a>>,
) -> (usize, Option<Scope>) {
    let mut count = 0;
    for attempt in attempts {
        match limits.admit(&attempt, NOW) {
            Ok(permit) => limits.settle(&permit, Outcome::Wrong, NOW),
            Err(refused) => return (count, Some(refused.scope)),
        }
        count += 1;
    }
    (count, None)
}

fn address(number: usize) -> String {
    format!("10.0.{}.{}", number / 256, number % 256)
}

#[test]
fn each_way_of_guessing_has_its_end() {
    let again = || std::iter::repeat_n(from("192.0.2.1", "ada"), 100);
    let one_address = wrong_ones(&mut limits(), again());
    assert_eq!(one_address, (5, Some(Scope::AddressAccount)));
    let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
    let spraying = names.iter().map(|name| from("192.0.2.1", name));
    assert_eq!(
        wrong_ones(&mut limits(), spraying),
        (12, Some(Scope::Address))
    );
    let many = (0..100).map(|number| from(&address(number), "ada"));
    assert_eq!(wrong_ones(&mut limits(), many), (10, Some(Scope::Account)));
    let botnet = names.iter().enumerate();
    let botnet = botnet.map(|(number, name)| from(&address(number), name));
    assert_eq!(wrong_ones(&mut limits(), botnet), (40, Some(Scope::Whole)));
}

#[test]
fn the_pauses_grow() {
    let mut limits = limits();
    let (mut now, mut pauses) = (NOW, Vec::new());
    for number in 0..30 {
        let attempt = from(&address(number), "ada");
        if let Err(refused) = limits.admit(&attempt, now) {
            pauses.push(refused.wait.as_secs());
            now = now.plus(refused.wait);
            limits.admit(&attempt, now).expect("has waited");
        }
    }
    assert_eq!(pauses.first(), Some(&60));
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert!(pauses.last() >= Some(&240), "{pauses:?}");
}

#[test]
fn a_customer_of_a_provider_is_one_whatever_address_he_takes() {
    let within = (0..100).map(|number| format!("2001:db8:1:2:{number:x}::1"));
    let within: Vec<_> = within.collect();
    let attempts = within.iter().map(|address| from(address, "ada"));
    let found = wrong_ones(&mut limits(), attempts);
    assert_eq!(found, (5, Some(Scope::AddressAccount)));
    let mapped = ["192.0.2.1", "::ffff:192.0.2.1"].into_iter().cycle();
    let attempts = mapped.take(100).map(|address| from(address, "ada"));
    let found = wrong_ones(&mut limits(), attempts);
    assert_eq!(found, (5, Some(Scope::AddressAccount)));
}

#[test]
fn a_known_device_and_a_session_go_on_when_strangers_have_used_up_everything() {
    let mut limits = limits();
    let botnet = (0..200).map(|number| from(&address(number), "ada"));
    wrong_ones(&mut limits, botnet);
    let known = |known, account| Attempt {
        known: Some(known),
        account: Some(account),
        ..from("10.0.0.1", "")
    };
    let user = UserId(uuid::Uuid::from_u128(1));
    let device = Known::Device(DeviceId([1; 16]));
    let session = Known::Session(SessionId(uuid::Uuid::from_u128(1)));
    for attempt in [
        known(device, Account::Name("ada")),
        known(session, Account::User(user)),
    ] {
        let found = wrong_ones(&mut limits, std::iter::repeat_n(attempt, 100));
        assert_eq!(found, (4, Some(Scope::Device)));
    }
    let other = known(Known::Device(DeviceId([2; 16])), Account::Name("ada"));
    assert!(limits.admit(&other, NOW).is_ok());
}

#[test]
fn a_good_login_gives_back_what_it_took_and_no_more() {
    let mut limits = limits();
    let attempt = from("192.0.2.1", "ada");
    for _ in 0..4 {
        let permit = limits.admit(&attempt, NOW).expect("room");
        limits.settle(&permit, Outcome::Wrong, NOW);
    }
    for _ in 0..20 {
        let permit = limits.admit(&attempt, NOW).expect("room");
        limits.settle(&permit, Outcome::Right, NOW);
    }
    let rest = wrong_ones(&mut limits, std::iter::repeat_n(attempt, 10));
    assert_eq!(rest, (1, Some(Scope::AddressAccount)));
}

#[test]
fn good_logins_at_one_account_have_an_end_too() {
    let mut limits = limits();
    let attempt = from("192.0.2.1", "ada");
    let refused = (0..1_000).find_map(|good| match limits.admit(&attempt, NOW) {
        Ok(permit) => {
            limits.settle(&permit, Outcome::Right, NOW);
            None
        }
        Err(refused) => Some((good, refused.scope)),
    });
    assert_eq!(refused, Some((30, Scope::Logins)));
}

#[test]
fn what_is_refused_costs_the_others_nothing() {
    let mut limits = limits();
    let again = std::iter::repeat_n(from("192.0.2.1", "ada"), 1_000);
    wrong_ones(&mut limits, again.clone());
    for attempt in again {
        limits.admit(&attempt, NOW).expect_err("no room");
    }
    assert!(limits.admit(&from("192.0.2.2", "ada"), NOW).is_ok());
    assert!(!limits.is_strained(Kind::Login, NOW));
}

#[test]
fn each_kind_is_counted_apart() {
    let mut limits = limits();
    let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
    let botnet = names.iter().enumerate();
    let botnet = botnet.map(|(number, name)| from(&address(number), name));
    wrong_ones(&mut limits, botnet);
    assert!(limits.is_strained(Kind::Login, NOW));
    for kind in [Kind::Reset, Kind::Register] {
        assert!(!limits.is_strained(kind, NOW));
        let attempt = Attempt {
            kind,
            ..from("10.0.0.1", "user1")
        };
        assert!(limits.admit(&attempt, NOW).is_ok(), "{kind:?}");
    }
}

#[test]
fn registrations_are_given_back_only_if_nothing_was_tried() {
    let mut limits = limits();
    let attempt = Attempt {
        kind: Kind::Register,
        account: None,
        ..from("192.0.2.1", "")
    };
    for (outcome, left) in [(Outcome::Untried, true), (Outcome::Right, false)] {
        for _ in 0..12 {
            let permit = limits.admit(&attempt, NOW).expect("room");
            limits.settle(&permit, outcome, NOW);
        }
        assert_eq!(limits.admit(&attempt, NOW).is_ok(), left, "{outcome:?}");
        limits = self::limits();
    }
}
