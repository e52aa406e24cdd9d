//! The states of a key: announced → active → retired, and compromised from any of them.
//!
//! Transitions consume the state, so that a key cannot go back. The numbers of seconds belong to whoever turns keys.

use std::time::Duration;

use crate::Timestamp;

/// Where a key stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// Published and accepted, but nothing is made with it yet.
    Announced {
        /// When it became known.
        at: Timestamp,
    },
    /// New tokens are made with it.
    Active {
        /// Since when.
        since: Timestamp,
        /// From when on somebody wants another one in its place, whatever its age.
        replace_from: Option<Timestamp>,
    },
    /// Nothing new is made with it; what it made is still good.
    Retired {
        /// Since when.
        since: Timestamp,
        /// When the last token that it made has ended.
        until: Timestamp,
    },
    /// Nothing that it made is good any more.
    Compromised {
        /// Since when.
        at: Timestamp,
    },
}

impl KeyState {
    /// Tokens are made with it from now on.
    pub fn active(now: Timestamp) -> Self {
        Self::Active {
            since: now,
            replace_from: None,
        }
    }

    /// An announced key starts to make tokens. Other states stay as they are.
    #[must_use]
    pub fn activate(self, now: Timestamp) -> Self {
        match self {
            Self::Announced { .. } => Self::active(now),
            other => other,
        }
    }

    /// An active key makes no more tokens; `until` is when its last one ends. Other states stay as they are.
    #[must_use]
    pub fn retire(self, now: Timestamp, until: Timestamp) -> Self {
        match self {
            Self::Active { .. } => Self::Retired { since: now, until },
            other => other,
        }
    }

    /// Another one is wanted in the place of an active key. Other states stay as they are, and so does an earlier wish.
    #[must_use]
    pub fn replace_from(self, now: Timestamp) -> Self {
        match self {
            Self::Active {
                since,
                replace_from: None,
            } => Self::Active {
                since,
                replace_from: Some(now),
            },
            other => other,
        }
    }

    /// Whether an active key is to be replaced: by its age or by somebody's wish.
    pub fn is_due(self, lifetime: Duration, now: Timestamp) -> bool {
        match self {
            Self::Active {
                since,
                replace_from,
            } => now.since(since) >= lifetime || replace_from.is_some_and(|from| from <= now),
            _ => false,
        }
    }

    /// The stable name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Announced { .. } => "announced",
            Self::Active { .. } => "active",
            Self::Retired { .. } => "retired",
            Self::Compromised { .. } => "compromised",
        }
    }

    /// Since when it stands there.
    pub fn since(self) -> Timestamp {
        match self {
            Self::Announced { at } | Self::Compromised { at } => at,
            Self::Active { since, .. } | Self::Retired { since, .. } => since,
        }
    }

    /// The key is known to somebody else: at once, whatever it was.
    #[must_use]
    pub fn compromise(self, now: Timestamp) -> Self {
        match self {
            Self::Compromised { .. } => self,
            _ => Self::Compromised { at: now },
        }
    }

    /// Whether tokens are made with it.
    pub fn makes(self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// Whether what it made is accepted, and a public key is in the JWKS.
    pub fn accepts(self, now: Timestamp) -> bool {
        match self {
            Self::Announced { .. } | Self::Active { .. } => true,
            Self::Retired { until, .. } => now < until,
            Self::Compromised { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: [Timestamp; 4] = [
        Timestamp::from_seconds(1),
        Timestamp::from_seconds(2),
        Timestamp::from_seconds(3),
        Timestamp::from_seconds(4),
    ];

    #[test]
    fn a_key_goes_one_way() {
        let announced = KeyState::Announced { at: T[0] };
        assert!(
            announced.accepts(T[0]) && !announced.makes(),
            "known before it is used"
        );
        assert_eq!(announced.retire(T[1], T[3]), announced);
        let active = announced.activate(T[1]);
        assert!(active.makes() && active.accepts(T[3]));
        assert_eq!(active.activate(T[3]), active);
        let retired = active.retire(T[2], T[3]);
        assert!(!retired.makes() && retired.accepts(T[2]) && !retired.accepts(T[3]));
        assert_eq!(retired.activate(T[3]), retired);
    }

    #[test]
    fn a_compromised_key_is_over_at_once_and_for_good() {
        let active = KeyState::active(T[0]);
        let gone = active.compromise(T[1]);
        assert!(!gone.accepts(T[0]) && !gone.makes());
        assert_eq!(
            gone.compromise(T[2]).activate(T[2]).retire(T[2], T[3]),
            gone
        );
    }
}
