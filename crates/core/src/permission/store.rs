//! What the store does for roles.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Permission, RoleName, RoleTable};
use crate::{StoreError, event::Administrator, store::Changed, user::UserId};

/// What must be there for a change to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Anything, or nothing.
    Anything,
    /// Nothing yet.
    Absent,
    /// That version.
    Version(i64),
}

/// A role as it should be.
#[derive(Clone, Debug)]
pub struct Putting {
    /// Its name.
    pub name: RoleName,
    /// All that it permits.
    pub permissions: BTreeSet<Permission>,
    /// What must be there.
    pub expected: Expected,
    /// Who wants it.
    pub by: Administrator,
}

/// The roles of a user as they should be.
#[derive(Clone, Debug)]
pub struct Assigning {
    /// Who.
    pub user: UserId,
    /// All of his roles.
    pub roles: BTreeSet<RoleName>,
    /// The ones that he must hold now, if that matters.
    pub expected: Option<BTreeSet<RoleName>>,
    /// Whether his sessions end with it.
    pub end_sessions: bool,
    /// Whether the access tokens that are out are revoked with it, so that the roles hold at once where revocations are
    /// followed: his sessions go on, and their next refresh is good. Only a crash of the machine that forgot a rotation
    /// lets the token of that one through until it ends.
    pub at_once: bool,
    /// Who wants it.
    pub by: Administrator,
}

/// Where roles are kept.
#[async_trait]
pub trait RoleStore {
    /// All roles.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load_roles(&self) -> Result<RoleTable, StoreError>;

    /// The roles of a user.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn roles_of(&self, user: UserId) -> Result<Vec<RoleName>, StoreError>;

    /// The distinct sets of roles that users with this one hold.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sets_with(&self, role: &RoleName) -> Result<Vec<Vec<RoleName>>, StoreError>;

    /// Makes a role or changes what it permits; its new version.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put_role(&self, putting: Putting) -> Result<Changed<i64>, StoreError>;

    /// Removes a role that nobody holds.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete_role(
        &self,
        name: RoleName,
        expected: Expected,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError>;

    /// Gives a user these roles and no others; how many sessions ended. A role that is not there: [`Changed::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn assign_roles(&self, assigning: Assigning) -> Result<Changed<usize>, StoreError>;
}
