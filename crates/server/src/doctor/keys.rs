//! The ages and states of the keys.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    key::{KeyPolicy, KeyRecord, KeyState, Purpose},
};

use super::Finding;

/// A running server turns a key within minutes once it may.
const GRACE: Duration = Duration::from_hours(24);

pub(super) fn check(records: &[KeyRecord], policy: &KeyPolicy, now: Timestamp) -> Vec<Finding> {
    let purposes = [
        (Purpose::Signing, policy.signing_lifetime),
        (Purpose::RefreshTag, policy.token_lifetime),
    ];
    let each = purposes.into_iter().flat_map(|(purpose, lifetime)| {
        let keys: Vec<_> = records
            .iter()
            .filter(|key| key.purpose == purpose)
            .collect();
        [
            active(&keys, purpose),
            standby(&keys, purpose),
            overdue(&keys, lifetime + policy.announce + GRACE, now),
        ]
    });
    each.flatten().chain(withdrawn(records)).collect()
}

pub(super) fn locked(why: &str) -> Finding {
    Finding::fault(
        "keys.locked",
        format!("The keys in the database do not open: {why}."),
        "Put the master key back that belongs to this database.",
    )
}

fn active(keys: &[&KeyRecord], purpose: Purpose) -> Option<Finding> {
    let none = !keys.iter().any(|key| key.state.makes());
    none.then(|| {
        Finding::fault(
            "keys.none_active",
            format!(
                "No key is in use for {}: no token can be made.",
                purpose.name()
            ),
            "Start the server, which makes one, and see in its log why there is none.",
        )
    })
}

fn standby(keys: &[&KeyRecord], purpose: Purpose) -> Option<Finding> {
    let is_standby = |key: &&KeyRecord| matches!(key.state, KeyState::Announced { .. });
    (!keys.iter().any(is_standby)).then(|| {
        Finding::warning(
            "keys.no_standby",
            format!("No key for {} is announced: if the active one leaked now, verifiers would meet one that they do not know.", purpose.name()),
            "A running server announces one within a second: see whether it runs, and its log.",
        )
    })
}

fn overdue(keys: &[&KeyRecord], longest: Duration, now: Timestamp) -> Option<Finding> {
    let old = keys
        .iter()
        .find(|key| key.state.makes() && now.since(key.state.since()) >= longest)?;
    Some(Finding::warning(
        "keys.overdue",
        format!(
            "Key {} for {} is older than the configuration lets a key become.",
            old.id,
            old.purpose.name()
        ),
        "A running server replaces it by itself: see whether it runs, and its log. `relatch key rotate` asks for it.",
    ))
}

fn withdrawn(records: &[KeyRecord]) -> Option<Finding> {
    let withdrawn = |key: &&KeyRecord| matches!(key.state, KeyState::Compromised { .. });
    let ids: Vec<_> = records
        .iter()
        .filter(withdrawn)
        .map(|key| key.id.as_str())
        .collect();
    (!ids.is_empty()).then(|| {
        Finding::note(
            "keys.withdrawn",
            format!("Withdrawn as known to somebody else: {}.", ids.join(", ")),
            "See that whatever let it out is mended; `relatch audit list --name key.` says who withdrew it and when.",
        )
    })
}

#[cfg(test)]
mod tests {
    use relatch_core::key::{Algorithm, Sealed};

    use super::*;
    use crate::{Config, keyring};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn keys(states: &[KeyState]) -> Vec<KeyRecord> {
        let of = |purpose| {
            let numbered = states.iter().enumerate();
            numbered.map(move |(number, state)| KeyRecord {
                purpose,
                id: number.to_string(),
                algorithm: (purpose == Purpose::Signing).then_some(Algorithm::EdDsa),
                state: *state,
                sealed: Sealed {
                    master: Default::default(),
                    bytes: Vec::new(),
                },
            })
        };
        of(Purpose::Signing)
            .chain(of(Purpose::RefreshTag))
            .collect()
    }

    fn names(states: &[KeyState]) -> Vec<&'static str> {
        let policy = keyring::policy(&Config::default());
        let found = check(&keys(states), &policy, NOW);
        found.into_iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn one_that_is_used_and_one_that_waits_are_right() {
        let waits = KeyState::Announced { at: NOW };
        assert_eq!(names(&[KeyState::active(NOW), waits]), [""; 0]);
        let due = KeyState::active(NOW.minus(Duration::from_hours(24 * 90)));
        assert_eq!(names(&[due, waits]), [""; 0], "it will turn");
    }

    #[test]
    fn what_lacks_and_what_is_late_is_told() {
        let waits = KeyState::Announced { at: NOW };
        let old = KeyState::active(NOW.minus(Duration::from_hours(24 * 92)));
        assert_eq!(names(&[old, waits]), ["keys.overdue"; 2]);
        assert_eq!(names(&[KeyState::active(NOW)]), ["keys.no_standby"; 2]);
        assert_eq!(names(&[waits]), ["keys.none_active"; 2]);
        let known = KeyState::Compromised { at: NOW };
        let found = names(&[KeyState::active(NOW), waits, known]);
        assert_eq!(found, ["keys.withdrawn"]);
    }
}
