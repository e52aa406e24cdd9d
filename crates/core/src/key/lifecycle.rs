//! The states of a key: announced → active → retired, and compromised from any of them.
//!
//! Transitions consume the state, so that a key cannot go back. The numbers of seconds belong to whoever turns keys.

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
    /// An announced key starts to make tokens. Other states stay as they are.
    #[must_use]
    pub fn activate(self, now: Timestamp) -> Self {
        match self {
            Self::Announced { .. } => Self::Active { since: now },
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
        let active = KeyState::Active { since: T[0] };
        let gone = active.compromise(T[1]);
        assert!(!gone.accepts(T[0]) && !gone.makes());
        assert_eq!(
            gone.compromise(T[2]).activate(T[2]).retire(T[2], T[3]),
            gone
        );
    }
}
