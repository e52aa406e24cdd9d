use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::key::MasterKey;

pub(crate) const MASTER: [u8; 32] = [9; 32];
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(100);
const HOUR: Duration = Duration::from_hours(1);

/// Bytes that never come twice.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (to, from) in bytes.iter_mut().zip(number.into_iter().cycle()) {
            *to = from;
        }
    }
}

static CHANCE: Counting = Counting(AtomicU64::new(0x0102_0304_0506_0708));

pub(crate) fn masters() -> MasterKeys {
    MasterKeys::new(MasterKey::from_bytes(MASTER), Vec::new())
}

pub(crate) fn first_keys(algorithm: Algorithm) -> Vec<KeyRecord> {
    let policy = KeyPolicy {
        algorithm,
        ..policy()
    };
    all(&[], &policy, at(NOW))
}

fn policy() -> KeyPolicy {
    KeyPolicy {
        algorithm: Algorithm::EdDsa,
        signing_lifetime: 90 * 24 * HOUR,
        token_lifetime: 180 * 24 * HOUR,
        announce: HOUR,
        jwks_max_age: Duration::from_mins(5),
        longest_access: Duration::from_mins(15),
        longest_session: 365 * 24 * HOUR,
    }
}

fn at(now: Timestamp) -> Moment {
    Moment { now, served: HOUR }
}

/// One whole turn, as a node does it.
fn all(records: &[KeyRecord], policy: &KeyPolicy, moment: Moment) -> Vec<KeyRecord> {
    let (records, lacking) = turn(records, policy, moment);
    let master = masters();
    let maker = Maker {
        entropy: &CHANCE,
        master: &master,
        algorithm: policy.algorithm,
    };
    supply(records, &lacking, &maker, moment.now).expect("makes keys")
}

fn active(records: &[KeyRecord], purpose: Purpose) -> &KeyRecord {
    let mut active = records
        .iter()
        .filter(|key| key.purpose == purpose && key.state.makes());
    let one = active.next().expect("one is active");
    assert!(active.next().is_none(), "one alone is active");
    one
}

fn standby(records: &[KeyRecord], purpose: Purpose) -> &KeyRecord {
    find(records, purpose, is_announced).expect("a standby")
}

#[test]
fn an_empty_table_gets_an_active_key_and_a_standby_of_each_purpose() {
    let first = first_keys(Algorithm::EdDsa);
    assert_eq!(first.len(), 4);
    for purpose in [Purpose::Signing, Purpose::RefreshTag] {
        assert_ne!(active(&first, purpose).id, standby(&first, purpose).id);
    }
    assert_eq!(
        all(&first, &policy(), at(NOW.plus(HOUR))),
        first,
        "and that stays"
    );
}

#[test]
fn an_old_key_is_replaced_by_its_standby_and_stays_until_its_last_token_has_ended() {
    let first = first_keys(Algorithm::EdDsa);
    let old_id = active(&first, Purpose::Signing).id.clone();
    let next_id = standby(&first, Purpose::Signing).id.clone();
    let then = NOW.plus(policy().signing_lifetime);
    let before = Timestamp::from_millis(then.as_millis() - 1);
    assert_eq!(all(&first, &policy(), at(before)), first);
    let turned = all(&first, &policy(), at(then));
    assert_eq!(active(&turned, Purpose::Signing).id, next_id);
    assert_ne!(standby(&turned, Purpose::Signing).id, next_id);
    let old = turned.iter().find(|key| key.id == old_id).expect("stays");
    let until = then.plus(policy().longest_access).plus(LAG);
    assert_eq!(old.state, KeyState::Retired { since: then, until });
    let token = active(&turned, Purpose::RefreshTag);
    assert_eq!(
        token,
        active(&first, Purpose::RefreshTag),
        "its own lifetime"
    );
    let after = all(&turned, &policy(), at(until));
    assert!(after.iter().all(|key| key.id != old_id), "its time is over");
}

#[test]
fn a_token_key_stays_as_long_as_a_session_may() {
    let mut keys = first_keys(Algorithm::EdDsa);
    request(&mut keys, Purpose::RefreshTag, NOW);
    let then = NOW.plus(HOUR);
    let turned = all(&keys, &policy(), at(then));
    assert_eq!(active(&turned, Purpose::RefreshTag).id, "2");
    assert_eq!(standby(&turned, Purpose::RefreshTag).id, "3");
    let almost = then.plus(policy().longest_session);
    let later = all(&turned, &policy(), at(almost));
    assert!(later.iter().any(|key| key.id == "1"));
}

#[test]
fn a_wish_waits_until_every_cache_knows_the_standby() {
    let mut keys = first_keys(Algorithm::EdDsa);
    request(&mut keys, Purpose::Signing, NOW);
    let old_id = active(&keys, Purpose::Signing).id.clone();
    let early = Timestamp::from_millis(NOW.plus(HOUR).as_millis() - 1);
    assert_eq!(all(&keys, &policy(), at(early)), keys);
    let turned = all(&keys, &policy(), at(NOW.plus(HOUR)));
    assert_ne!(active(&turned, Purpose::Signing).id, old_id);
    let wish = active(&turned, Purpose::Signing).state;
    assert_eq!(
        wish,
        KeyState::active(NOW.plus(HOUR)),
        "it is not handed on"
    );
}

/// Nobody could fetch the announced key while the server was down.
#[test]
fn a_server_that_was_down_during_the_announcement_publishes_first() {
    let mut keys = first_keys(Algorithm::EdDsa);
    request(&mut keys, Purpose::Signing, NOW);
    let now = NOW.plus(24 * HOUR);
    let served = |served| Moment { now, served };
    let short = policy()
        .jwks_max_age
        .saturating_sub(Duration::from_millis(1));
    assert_eq!(all(&keys, &policy(), served(Duration::ZERO)), keys);
    assert_eq!(all(&keys, &policy(), served(short)), keys);
    assert_ne!(all(&keys, &policy(), served(policy().jwks_max_age)), keys);
}

#[test]
fn another_algorithm_is_a_turn_like_any_other() {
    let first = first_keys(Algorithm::EdDsa);
    let other = KeyPolicy {
        algorithm: Algorithm::Es256,
        ..policy()
    };
    let now = NOW.plus(2 * HOUR);
    let announced = all(&first, &other, at(now));
    assert_eq!(
        active(&announced, Purpose::Signing),
        active(&first, Purpose::Signing),
        "the new one is not known yet"
    );
    let next = standby(&announced, Purpose::Signing);
    assert_eq!(next.algorithm, Some(Algorithm::Es256));
    let turned = all(&announced, &other, at(now.plus(HOUR)));
    assert_eq!(active(&turned, Purpose::Signing).id, next.id);
    let old = &active(&first, Purpose::Signing).id;
    assert!(
        turned.iter().any(|key| key.id == *old),
        "its tokens live on"
    );
}

#[test]
fn a_compromised_key_is_replaced_at_once_by_one_that_everybody_knows() {
    let mut keys = first_keys(Algorithm::EdDsa);
    for purpose in [Purpose::Signing, Purpose::RefreshTag] {
        let bad = active(&keys, purpose).id.clone();
        let next = standby(&keys, purpose).id.clone();
        assert!(compromise(&mut keys, purpose, &bad, NOW));
        assert!(!compromise(&mut keys, purpose, &bad, NOW), "it was already");
        assert_eq!(active(&keys, purpose).id, next);
    }
    assert!(!compromise(&mut keys, Purpose::Signing, "none", NOW));
    let keys = all(&keys, &policy(), at(NOW));
    let gone = keys.iter().filter(|key| !key.state.accepts(NOW)).count();
    assert_eq!((gone, keys.len()), (2, 6), "and there are standbys again");
}

#[test]
fn a_compromised_standby_is_made_anew() {
    let mut keys = first_keys(Algorithm::EdDsa);
    let bad = standby(&keys, Purpose::Signing).id.clone();
    let in_use = active(&keys, Purpose::Signing).clone();
    assert!(compromise(&mut keys, Purpose::Signing, &bad, NOW));
    let keys = all(&keys, &policy(), at(NOW));
    assert_eq!(*active(&keys, Purpose::Signing), in_use);
    assert_ne!(standby(&keys, Purpose::Signing).id, bad);
}

#[test]
fn the_name_of_a_compromised_token_key_is_not_used_again_while_its_tokens_may_live() {
    let mut keys = first_keys(Algorithm::EdDsa);
    assert!(compromise(&mut keys, Purpose::RefreshTag, "1", NOW));
    let end = NOW.plus(policy().longest_session);
    let before = Timestamp::from_millis(end.as_millis() - 1);
    let has = |keys: &[KeyRecord], now| {
        let kept = turn(keys, &policy(), at(now)).0;
        kept.iter().any(|key| key.id == "1")
    };
    assert!(has(&keys, before) && !has(&keys, end));
}

#[test]
fn what_another_state_withdrew_is_withdrawn_and_its_name_not_used_again() {
    let before = first_keys(Algorithm::EdDsa);
    let mut after = before.clone();
    for id in ["1", "2"] {
        assert!(compromise(&mut after, Purpose::RefreshTag, id, NOW));
        after = all(&after, &policy(), at(NOW));
    }
    assert!(compromise(&mut after, Purpose::RefreshTag, "3", NOW));
    let mut keys = before.clone();
    let withdrawn = compromise_as(&mut keys, &after, NOW);
    assert_eq!(withdrawn, ["1", "2"], "and 3 was not known");
    let keys = all(&keys, &policy(), at(NOW));
    assert_eq!(active(&keys, Purpose::RefreshTag).id, "4");
    assert_eq!(
        active(&keys, Purpose::Signing),
        active(&before, Purpose::Signing)
    );
    let mut again = keys.clone();
    assert_eq!(compromise_as(&mut again, &after, NOW), [""; 0]);
    assert_eq!(again, keys);
}
