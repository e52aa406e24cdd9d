//! Turning keys: which state each key should have now, as one pure function, and the keys that this calls for.
//!
//! Every purpose has one active key and one *standby*: announced, known to every verifier and every backup, and not used
//! yet. Turning activates the standby and announces the next, so that nobody ever meets a key that was not published long
//! before, whether turning is by age, by command, or because a key got into wrong hands.

use std::time::Duration;

use relatch_verify::Algorithm;

use super::{KeyRecord, KeyState, MasterKeys, Purpose, seal::Unsealable};
use crate::{Entropy, Timestamp};

/// Nodes that lag, and clocks that differ: for so long a token may still be made with a key after it was retired.
const LAG: Duration = Duration::from_mins(2);

const PURPOSES: [Purpose; 2] = [Purpose::Signing, Purpose::RefreshTag];

/// The numbers that rule keys, from the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPolicy {
    /// What access tokens are signed with.
    pub algorithm: Algorithm,
    /// At which age a signing key is replaced.
    pub signing_lifetime: Duration,
    /// At which age a token key is replaced.
    pub token_lifetime: Duration,
    /// How long a key is published before it is used.
    pub announce: Duration,
    /// How long others may keep the JWKS (`max-age`).
    pub jwks_max_age: Duration,
    /// How long an access token is good.
    pub longest_access: Duration,
    /// How long a session may be refreshed.
    pub longest_session: Duration,
}

/// When the keys are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// How long somebody who asked could get the table's keys from this node: a server that was down published nothing,
    /// whatever the calendar says.
    pub served: Duration,
}

/// A purpose that lacks a standby.
type Lacking = Vec<Purpose>;

/// Brings every key to the state that it should have now. What it returns beside the keys, [`supply`] makes.
pub fn turn(
    records: &[KeyRecord],
    policy: &KeyPolicy,
    moment: Moment,
) -> (Vec<KeyRecord>, Lacking) {
    let mut records: Vec<_> = records
        .iter()
        .filter(|record| !is_forgettable(record, policy, moment.now))
        .filter(|record| !is_misfit(record, policy))
        .cloned()
        .collect();
    for purpose in PURPOSES {
        if wants_replacing(&records, purpose, policy, moment.now) {
            replace(&mut records, purpose, policy, moment);
        }
    }
    let lacking = lacking(&records);
    (records, lacking)
}

/// The purposes that lack a standby.
pub fn lacking(records: &[KeyRecord]) -> Lacking {
    let lacks = |purpose: &Purpose| find(records, *purpose, is_announced).is_none();
    PURPOSES.into_iter().filter(lacks).collect()
}

/// What access tokens are to be signed with, as far as the keys tell: whoever turned them last made the standby by it.
pub fn algorithm(records: &[KeyRecord]) -> Option<Algorithm> {
    let standby = find(records, Purpose::Signing, is_announced);
    standby
        .or_else(|| find(records, Purpose::Signing, KeyState::makes))
        .and_then(|key| key.algorithm)
}

/// Adds the standbys that are lacking; a purpose without any key in use gets one that is active at once.
///
/// # Errors
/// [`Unsealable`] if a key cannot be made or sealed.
pub fn supply(
    mut records: Vec<KeyRecord>,
    lacking: &[Purpose],
    maker: &Maker<'_>,
    now: Timestamp,
) -> Result<Vec<KeyRecord>, Unsealable> {
    for purpose in lacking {
        if find(&records, *purpose, KeyState::makes).is_none() {
            records.push(maker.make(&records, *purpose, KeyState::active(now))?);
        }
        records.push(maker.make(&records, *purpose, KeyState::Announced { at: now })?);
    }
    Ok(records)
}

/// Asks for the active key of that purpose to be replaced as soon as its standby has been known for long enough.
pub fn request(records: &mut [KeyRecord], purpose: Purpose, now: Timestamp) {
    for record in records.iter_mut().filter(|key| key.purpose == purpose) {
        record.state = record.state.replace_from(now);
    }
}

/// Withdraws a key that got into wrong hands; its standby takes its place at once. False if there is no such key, or it was
/// withdrawn before.
pub fn compromise(records: &mut [KeyRecord], purpose: Purpose, id: &str, now: Timestamp) -> bool {
    let named = |key: &&mut KeyRecord| key.purpose == purpose && key.id == id;
    let Some(record) = records.iter_mut().find(named) else {
        return false;
    };
    let (was, is) = (record.state, record.state.compromise(now));
    record.state = is;
    if was.makes() {
        activate(records, purpose, now);
    }
    was != is
}

/// Withdraws what another state of the same keys calls withdrawn; the ids of those that were not. Names of keys that are
/// not known here are kept, so as not to be used again.
pub fn compromise_as(
    records: &mut Vec<KeyRecord>,
    others: &[KeyRecord],
    now: Timestamp,
) -> Vec<String> {
    let mut withdrawn = Vec::new();
    let gone = |key: &&KeyRecord| matches!(key.state, KeyState::Compromised { .. });
    for other in others.iter().filter(gone) {
        let same = |key: &KeyRecord| key.purpose == other.purpose && key.id == other.id;
        if !records.iter().any(same) {
            records.push(other.clone());
        } else if compromise(records, other.purpose, &other.id, now) {
            withdrawn.push(other.id.clone());
        }
    }
    withdrawn
}

/// When the standby may take over: it has been announced for long enough then.
pub fn ready_at(records: &[KeyRecord], purpose: Purpose, policy: &KeyPolicy) -> Option<Timestamp> {
    let standby = find(records, purpose, is_announced)?;
    Some(standby.state.since().plus(policy.announce))
}

/// What new keys are made from.
pub struct Maker<'a> {
    /// Chance.
    pub entropy: &'a dyn Entropy,
    /// Seals them.
    pub master: &'a MasterKeys,
    /// What signing keys sign with.
    pub algorithm: Algorithm,
}

fn find(
    records: &[KeyRecord],
    purpose: Purpose,
    is: impl Fn(KeyState) -> bool,
) -> Option<&KeyRecord> {
    records
        .iter()
        .find(|key| key.purpose == purpose && is(key.state))
}

fn is_announced(state: KeyState) -> bool {
    matches!(state, KeyState::Announced { .. })
}

/// Whether nothing that the key made can still come. The name of one in wrong hands is kept as long, so as not to be used again.
fn is_forgettable(record: &KeyRecord, policy: &KeyPolicy, now: Timestamp) -> bool {
    match record.state {
        KeyState::Announced { .. } | KeyState::Active { .. } => false,
        KeyState::Retired { until, .. } => until <= now,
        KeyState::Compromised { at } => at.plus(policy.longest_session) <= now,
    }
}

/// A standby for another algorithm than the one that is wanted: nothing was ever made with it.
fn is_misfit(record: &KeyRecord, policy: &KeyPolicy) -> bool {
    is_announced(record.state) && signs_otherwise(record, policy)
}

fn signs_otherwise(record: &KeyRecord, policy: &KeyPolicy) -> bool {
    record
        .algorithm
        .is_some_and(|algorithm| algorithm != policy.algorithm)
}

fn wants_replacing(
    records: &[KeyRecord],
    purpose: Purpose,
    policy: &KeyPolicy,
    now: Timestamp,
) -> bool {
    let lifetime = match purpose {
        Purpose::Signing => policy.signing_lifetime,
        Purpose::RefreshTag => policy.token_lifetime,
    };
    find(records, purpose, KeyState::makes)
        .is_some_and(|active| signs_otherwise(active, policy) || active.state.is_due(lifetime, now))
}

/// Retires the active key in favour of its standby, if that has been known for long enough.
fn replace(records: &mut [KeyRecord], purpose: Purpose, policy: &KeyPolicy, moment: Moment) {
    let Moment { now, served } = moment;
    // Whoever asked before this node served the standby may keep the answer for its full age.
    let known = ready_at(records, purpose, policy).is_some_and(|ready| ready <= now)
        && served >= policy.jwks_max_age;
    if !known {
        return;
    }
    let last = match purpose {
        Purpose::Signing => policy.longest_access,
        Purpose::RefreshTag => policy.longest_session,
    };
    for record in records.iter_mut().filter(|key| key.purpose == purpose) {
        record.state = record.state.retire(now, now.plus(last).plus(LAG));
    }
    activate(records, purpose, now);
}

fn activate(records: &mut [KeyRecord], purpose: Purpose, now: Timestamp) {
    let standby = |key: &&mut KeyRecord| key.purpose == purpose && is_announced(key.state);
    if let Some(standby) = records.iter_mut().find(standby) {
        standby.state = standby.state.activate(now);
    }
}

#[cfg(test)]
pub(crate) mod tests;
