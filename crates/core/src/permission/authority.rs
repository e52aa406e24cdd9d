//! What somebody may order about others, at one moment. The store asks it in the transaction that carries an order out, so
//! that nothing which is judged here can have changed by then.

use std::collections::BTreeSet;

use super::{
    GrantError, OWN, Permission, Rights, Role, RoleName, RoleTable,
    grant::{GRANT, fits},
    role::narrowed,
    store::Putting,
};
use crate::{
    Timestamp,
    session::{Ended, Policy, Session},
    user::UserId,
};

/// Why an order is not carried out, whatever it is about.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody remembers the session of whoever gave it.
    #[error("the session of the one who ordered is not known here")]
    UnknownSession,
    /// The session of whoever gave it has ended.
    #[error("the session of the one who ordered has ended")]
    Over(Ended),
    /// He lacks the permission that it takes.
    #[error("that takes {0}")]
    Lacks(&'static str),
    /// It gives, takes or reaches too much.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// One of the roles that a user should get does not exist.
    #[error("there is no role {}", .0.as_str())]
    UnknownRole(RoleName),
}

/// The rights of whoever gives an order, and what roles mean, both of one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    rights: Rights,
    table: RoleTable,
}

impl Authority {
    /// Of whoever runs commands where the database is.
    pub fn of_owner(table: RoleTable) -> Self {
        Self {
            rights: Rights::Owner,
            table,
        }
    }

    /// Of this user in his session, as it was found: what his roles permit, within what the login asked for.
    ///
    /// # Errors
    /// [`Refusal::UnknownSession`] and [`Refusal::Over`].
    pub fn of_session(
        user: UserId,
        found: Option<&Session>,
        table: RoleTable,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let session = found.filter(|session| session.user == user);
        let session = session.ok_or(Refusal::UnknownSession)?;
        if let Some(ended) = session.life.over(policy, now) {
            return Err(Refusal::Over(ended));
        }
        let used = narrowed(table.permissions(&session.roles), session.scope.as_deref());
        Ok(Self {
            rights: Rights::Held(used.into_iter().cloned().collect()),
            table,
        })
    }

    /// Whether there is anything at all that he may do here.
    pub fn is_any(&self) -> bool {
        match &self.rights {
            Rights::Owner => true,
            Rights::Held(held) => held.iter().any(is_own),
        }
    }

    /// Whether he may do that.
    ///
    /// # Errors
    /// [`Refusal::Lacks`].
    pub fn may(&self, permission: &'static str) -> Result<(), Refusal> {
        if self.rights.permit(permission) {
            Ok(())
        } else {
            Err(Refusal::Lacks(permission))
        }
    }

    /// Whether he may do that to the account of somebody who holds these roles.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may_act_on(&self, permission: &'static str, theirs: &[RoleName]) -> Result<(), Refusal> {
        self.may(permission)?;
        Ok(self.rights.may_act_on(self.table.permissions(theirs))?)
    }

    /// Whether he may put that role, where users hold it beside others in `sets`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may_put(&self, putting: &Putting, sets: &[Vec<RoleName>]) -> Result<(), Refusal> {
        self.may(GRANT)?;
        let nothing = BTreeSet::new();
        let before = self.table.permits(&putting.name).unwrap_or(&nothing);
        // Taking away concerns whoever had it, as giving does.
        self.rights
            .may_grant(putting.permissions.symmetric_difference(before))?;
        let role = Role {
            name: putting.name.clone(),
            permissions: putting.permissions.clone(),
            version: 0,
        };
        let mut after = self.table.clone();
        after.roles.insert(putting.name.clone(), role);
        fits(&after, std::slice::from_ref(&putting.name))?;
        for set in sets {
            fits(&after, set)?;
        }
        Ok(())
    }

    /// Whether whoever holds that role may do more here once it is put.
    pub fn putting_raises(&self, putting: &Putting) -> bool {
        let before = self.table.permits(&putting.name);
        let is_new = |one: &&Permission| before.is_none_or(|before| !before.contains(*one));
        putting.permissions.iter().filter(is_new).any(is_own)
    }

    /// Whether somebody with the roles `wanted` may do more here than with those in `held`.
    pub fn assigning_raises(&self, held: &BTreeSet<RoleName>, wanted: &BTreeSet<RoleName>) -> bool {
        let (before, after) = (self.table.permissions(held), self.table.permissions(wanted));
        after.difference(&before).any(|one| is_own(one))
    }

    /// Whether he may remove that role.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may_remove(&self, role: &RoleName) -> Result<(), Refusal> {
        self.may(GRANT)?;
        Ok(self.rights.may_grant(self.table.permissions([role]))?)
    }

    /// Whether he may give the roles `wanted`, and no others, to somebody who holds `held`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may_assign(
        &self,
        held: &BTreeSet<RoleName>,
        wanted: &BTreeSet<RoleName>,
    ) -> Result<(), Refusal> {
        self.may(GRANT)?;
        let is_unknown = |role: &&RoleName| !self.table.roles.contains_key(*role);
        if let Some(unknown) = wanted.iter().find(is_unknown) {
            return Err(Refusal::UnknownRole(unknown.clone()));
        }
        self.rights.may_act_on(self.table.permissions(held))?;
        let changed: BTreeSet<&Permission> = self
            .table
            .permissions(held.symmetric_difference(wanted))
            .into_iter()
            .collect();
        self.rights.may_grant(changed)?;
        let wanted: Vec<_> = wanted.iter().cloned().collect();
        Ok(fits(&self.table, &wanted)?)
    }
}

fn is_own(permission: &Permission) -> bool {
    permission.resource() == OWN
}

#[cfg(test)]
mod tests;
