//! Who may give what: nobody gives more than he may.

use std::collections::BTreeSet;

use super::{MOST_CLAIMED, OWN, Permission, RoleName, RoleTable, claimed};

/// The permission of an administrator.
pub const EVERYTHING: &str = "relatch:*";

/// What looking at users, roles, sessions and keys takes.
pub const READ: &str = "relatch:read";

/// What making, disabling and deleting users takes, and giving them codes for a new password.
pub const USERS: &str = "relatch:users";

/// What ending sessions of others takes.
pub const SESSIONS: &str = "relatch:sessions";

/// What turning and withdrawing keys takes.
pub const KEYS: &str = "relatch:keys";

/// What reading the record of events takes.
pub const AUDIT: &str = "relatch:audit";

/// What adding and removing resource servers takes.
pub const RESOURCE_SERVERS: &str = "relatch:resource-servers";

/// What changing roles takes, and giving permissions on other resources than our own.
pub const GRANT: &str = "relatch:grant";

/// What somebody may do here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rights {
    /// Everything: whoever runs commands where the database is.
    Owner,
    /// What the roles say.
    Held(BTreeSet<Permission>),
}

/// Why something may not be granted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GrantError {
    /// The one who grants lacks what it takes.
    #[error("granting {} takes {needs}", .permission.as_str())]
    NotYours {
        /// What was to be granted.
        permission: Permission,
        /// What it takes.
        needs: String,
    },
    /// An access token could not carry it.
    #[error(
        "roles and permissions would take {0} bytes of an access token; at most {MOST_CLAIMED} fit"
    )]
    TooMany(usize),
}

impl Rights {
    /// Whether that may be done. `needed` is `relatch:action`.
    pub fn permit(&self, needed: &str) -> bool {
        match self {
            Self::Owner => true,
            Self::Held(held) => Permission::parse(needed)
                .is_ok_and(|needed| held.iter().any(|one| one.grants(&needed))),
        }
    }

    /// Whether these may be given: one of our own by who holds it, others by holders of `relatch:grant`.
    ///
    /// # Errors
    /// [`GrantError::NotYours`] with the first that may not.
    pub fn may_grant<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a Permission>,
    ) -> Result<(), GrantError> {
        for permission in permissions {
            let needs = if permission.resource() == OWN {
                permission.as_str()
            } else {
                GRANT
            };
            if !self.permit(needs) {
                return Err(GrantError::NotYours {
                    permission: permission.clone(),
                    needs: needs.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Whether the account of whoever holds `theirs` may be acted on: only by one who may do all of that here himself, for
    /// whoever can take an account over has what it has.
    ///
    /// # Errors
    /// [`GrantError::NotYours`].
    pub fn may_act_on<'a>(
        &self,
        theirs: impl IntoIterator<Item = &'a Permission>,
    ) -> Result<(), GrantError> {
        let own = theirs
            .into_iter()
            .filter(|permission| permission.resource() == OWN);
        self.may_grant(own)
    }
}

/// Whether a user with these roles still fits into an access token.
///
/// # Errors
/// [`GrantError::TooMany`].
pub fn fits(table: &RoleTable, roles: &[RoleName]) -> Result<(), GrantError> {
    match claimed(roles, table.permissions(roles)) {
        bytes if bytes > MOST_CLAIMED => Err(GrantError::TooMany(bytes)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(texts: &[&str]) -> Rights {
        let parsed = texts.iter().map(|text| Permission::parse(text));
        Rights::Held(parsed.map(|one| one.expect("a permission")).collect())
    }

    fn one(text: &str) -> [Permission; 1] {
        [Permission::parse(text).expect("a permission")]
    }

    #[test]
    fn nobody_gives_more_than_he_may() {
        let keeper = held(&["relatch:grant", "relatch:users-write", "notes:read"]);
        assert!(keeper.may_grant(&one("notes:delete")).is_ok());
        assert!(keeper.may_grant(&one("relatch:users-write")).is_ok());
        assert!(keeper.may_grant(&one("relatch:*")).is_err());
        assert!(keeper.may_grant(&one("relatch:keys-write")).is_err());
        assert!(held(&["notes:*"]).may_grant(&one("notes:read")).is_err());
        assert!(held(&["relatch:*"]).may_grant(&one("relatch:*")).is_ok());
        assert!(Rights::Owner.may_grant(&one("relatch:*")).is_ok());
    }

    #[test]
    fn an_account_with_more_rights_is_out_of_reach() {
        let keeper = held(&["relatch:users-write"]);
        assert!(keeper.may_act_on(&one("notes:*")).is_ok());
        assert!(keeper.may_act_on(&one("relatch:*")).is_err());
        assert!(held(&["relatch:*"]).may_act_on(&one("relatch:*")).is_ok());
    }
}
