//! Failed logins on record: one row per user and hour once that is over, however many they were. Until then they are
//! counts that change, which no chain could hold.

use serde_json::{Value, json};

use crate::Timestamp;

/// How many users of an hour get a row of their own, those with the most failures; the others share one.
pub const MOST_USERS: usize = 200;

/// How many networks a row names, those with the most failures.
pub const MOST_NETWORKS: u32 = 5;

/// Whose logins failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Those of the row's user.
    User,
    /// Those with names that nobody has.
    UnknownNames,
    /// Those of so many further users.
    Others(usize),
}

/// What failed within an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedLogins {
    /// When the hour began.
    pub hour: Timestamp,
    /// Whose.
    pub whose: Whose,
    /// How often.
    pub count: u64,
    /// From how many networks.
    pub networks: u64,
    /// From which most often, and how often.
    pub foremost: Vec<(String, u64)>,
}

impl FailedLogins {
    /// As a JSON object.
    pub fn detail(&self) -> Value {
        let foremost: Vec<_> = self
            .foremost
            .iter()
            .map(|(network, count)| json!({ "address": network, "count": count }))
            .collect();
        let mut detail = json!({
            "hour": self.hour.as_millis(),
            "count": self.count,
            "networks": self.networks,
            "from": foremost,
        });
        let names = match self.whose {
            Whose::User => return detail,
            Whose::UnknownNames => json!("unknown"),
            Whose::Others(users) => json!({ "other_users": users }),
        };
        if let Some(members) = detail.as_object_mut() {
            members.insert("names".to_owned(), names);
        }
        detail
    }
}
