//! How a session ends, and the words for it that everybody sees: tokens' errors, events, the log.

use crate::Timestamp;

/// Why a session is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EndReason {
    /// The device logged out.
    Logout,
    /// The user logged out everywhere.
    LogoutEverywhere,
    /// The user ended this device from another one.
    EndedByUser,
    /// The password was changed or reset.
    PasswordChanged,
    /// A spent refresh token came that cannot have been a retry: two parties held it.
    Reuse,
    /// The user logged in on more devices than allowed and this one was unused longest.
    SessionLimit,
    /// Not used within the idle lifetime.
    Idle,
    /// Past its absolute end.
    Expired,
    /// An administrator disabled the user.
    UserDisabled,
    /// An administrator deleted the user.
    UserDeleted,
    /// It turned 2^32 times.
    GenerationExhausted,
    /// An administrator ended this session and left the user as he is.
    EndedByAdministrator,
    /// An older backup was restored, and what was ended since it was taken is not known any more.
    BackupRestored,
    /// One of its tokens came over plain HTTP, where others may have read it.
    SeenInTheClear,
    /// Somebody logged in with the browser that it had its cookie in.
    Replaced,
}

/// That and when a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

/// Every reason with its stable name and its number in the store. Numbers are never used again.
const NAMES: [(EndReason, &str, u8); 15] = [
    (EndReason::Logout, "logout", 1),
    (EndReason::LogoutEverywhere, "logout_everywhere", 2),
    (EndReason::EndedByUser, "ended_by_user", 3),
    (EndReason::PasswordChanged, "password_changed", 4),
    (EndReason::Reuse, "reuse", 5),
    (EndReason::SessionLimit, "session_limit", 6),
    (EndReason::Idle, "idle", 7),
    (EndReason::Expired, "expired", 8),
    (EndReason::UserDisabled, "user_disabled", 9),
    (EndReason::UserDeleted, "user_deleted", 10),
    (EndReason::GenerationExhausted, "generation_exhausted", 11),
    (
        EndReason::EndedByAdministrator,
        "ended_by_administrator",
        12,
    ),
    (EndReason::BackupRestored, "backup_restored", 13),
    (EndReason::SeenInTheClear, "seen_in_the_clear", 14),
    (EndReason::Replaced, "replaced", 15),
];

impl EndReason {
    /// Every reason, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|entry| entry.0)
    }

    /// The stable name that clients, events and logs carry.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|entry| entry.0 == self)
            .map_or("unknown", |entry| entry.1)
    }

    /// The number that the store keeps.
    pub fn number(self) -> u8 {
        NAMES
            .iter()
            .find(|entry| entry.0 == self)
            .map_or(0, |entry| entry.2)
    }

    /// The reason with that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|entry| entry.1 == name)
            .map(|entry| entry.0)
    }

    /// The reason with that number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        NAMES
            .iter()
            .find(|entry| entry.2 == number)
            .map(|entry| entry.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_and_comes_back_from_its_number() {
        for (place, (reason, name, number)) in NAMES.into_iter().enumerate() {
            assert_eq!(usize::from(number), place + 1);
            assert_eq!((reason.name(), reason.number()), (name, number));
            assert_eq!(EndReason::from_number(number), Some(reason));
            assert_eq!(EndReason::from_name(name), Some(reason));
        }
        assert_eq!(EndReason::from_number(0), None);
        assert_eq!(EndReason::from_number(16), None);
    }
}
