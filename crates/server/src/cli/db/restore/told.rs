//! What the database that a backup replaced knew, told: what was kept of it, and what is as it was at the backup's time.

use relatch_core::{
    key::{KeyRecord, Purpose},
    permission::RoleName,
};
use relatch_store::sqlite::{Named, Replaced, Since};
use serde_json::{Value, json};

use super::super::super::chain;

/// How many of a kind are named in a text.
const NAMED: usize = 20;

/// What there is to tell.
pub(super) enum Told {
    /// There was no database.
    Nothing,
    /// It could not be read, and why.
    Unknown(String),
    /// What happened in it since the backup.
    Known(Since),
}

impl Told {
    pub(super) fn of(replaced: &Replaced) -> Self {
        match replaced {
            Replaced::Absent => Self::Nothing,
            Replaced::Unreadable(error) => Self::Unknown(chain(error)),
            Replaced::Known(since) => Self::Known(since.clone()),
        }
    }

    /// For scripts: `carried_over` is null where nothing could be read.
    pub(super) fn add_to(&self, value: &mut Value) {
        let (carried, forgotten, unread) = match self {
            Self::Nothing => (json!({}), json!({}), Value::Null),
            Self::Unknown(why) => (Value::Null, Value::Null, json!(why)),
            Self::Known(since) => (carried(since), forgotten(since), Value::Null),
        };
        let told = [
            ("carried_over", carried),
            ("forgotten", forgotten),
            ("unread_because", unread),
        ];
        if let Some(value) = value.as_object_mut() {
            value.extend(told.map(|(name, told)| (name.to_owned(), told)));
        }
    }

    /// For people, each line ended.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Unknown(why) => format!(
                "The database that was here could not be read ({why}): keys that were withdrawn, users who were disabled or \
                 deleted and roles and credentials that were taken since the backup are as they were at its time. Look at \
                 `relatch key list`, `relatch user list` and `relatch resource-server list`.\n"
            ),
            Self::Known(since) => lines(since),
        }
    }
}

fn carried(since: &Since) -> Value {
    let demoted = since.demoted.iter().map(|(user, left)| {
        let left: Vec<_> = left.iter().map(RoleName::as_str).collect();
        json!({ "user": user.name, "roles": left })
    });
    json!({
        "keys_withdrawn": since.withdrawn.iter().map(|key| &key.id).collect::<Vec<_>>(),
        "users_disabled": names(&since.disabled),
        "users_deleted": ids(&since.deleted),
        "roles_taken": demoted.collect::<Vec<_>>(),
        "resource_servers_removed": servers(since),
    })
}

fn forgotten(since: &Since) -> Value {
    json!({ "passwords_changed": names(&since.passwords), "roles_changed": since.roles })
}

fn lines(since: &Since) -> String {
    let demoted = since.demoted.iter().map(|(user, _)| user.name.clone());
    let withdrawn = since.withdrawn.iter().map(named);
    let all = [
        (
            "Keys withdrawn since the backup stay withdrawn",
            withdrawn.collect(),
        ),
        ("Users disabled since stay disabled", names(&since.disabled)),
        ("Users deleted since stay deleted", ids(&since.deleted)),
        ("Roles taken since stay taken, from", demoted.collect()),
        (
            "Credentials taken since stay taken, and these resource servers are removed",
            servers(since),
        ),
        (
            "PASSWORDS CHANGED SINCE ARE THE OLD ONES AGAIN, of",
            names(&since.passwords),
        ),
        (
            "Roles that permit something else since, or were deleted, are the old ones again",
            since.roles.clone(),
        ),
    ];
    let told = all.iter().filter(|(_, names)| !names.is_empty());
    told.fold(String::new(), |text, (what, names)| {
        format!("{text}{what}: {}.\n", list(names))
    })
}

fn servers(since: &Since) -> Vec<String> {
    let names = since.removed.iter().map(|name| name.as_str().to_owned());
    names.collect()
}

fn named(key: &KeyRecord) -> String {
    match key.purpose {
        Purpose::Signing => format!("signing key {}", key.id),
        Purpose::RefreshTag => format!("token key {}", key.id),
    }
}

fn names(users: &[Named]) -> Vec<String> {
    users.iter().map(|user| user.name.clone()).collect()
}

/// A deleted user's name is nobody's business any more.
fn ids(users: &[Named]) -> Vec<String> {
    users.iter().map(|user| user.id.to_string()).collect()
}

fn list(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(NAMED).map(String::as_str).collect();
    let first = first.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<_> = (1..=22).map(|number| number.to_string()).collect();
        assert!(list(&names).ends_with(", 19, 20 and 2 more"));
        assert_eq!(list(&names[..2]), "1, 2");
    }
}
