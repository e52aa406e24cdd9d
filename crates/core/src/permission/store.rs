//! What the store does for roles.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Permission, RoleName, RoleTable};
use crate::{StoreError, Tag, event::Administrator, store::Changed, user::UserId};

/// What must be there for a change to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Anything, or nothing.
    Anything,
    /// Nothing yet.
    Absent,
    /// Anything, but something.
    Present,
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

/// What became of a role that was put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Put {
    /// Its version: the one from before where it permitted the same.
    pub version: i64,
    /// Whether there was none before.
    pub made: bool,
}

/// The roles of a user as they should be.
#[derive(Clone, Debug)]
pub struct Assigning {
    /// Who.
    pub user: UserId,
    /// All of his roles.
    pub roles: BTreeSet<RoleName>,
    /// The tag of the ones that he must hold now ([`tag_of`](super::role::tag_of)), if that matters.
    pub expected: Option<Tag>,
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

    /// Makes a role or changes what it permits, if whoever wants it may ([`Authority`](super::Authority)); nothing is
    /// written where it permits the same already. Codes for a new password end for those who may do more here by it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put_role(&self, putting: Putting) -> Result<Changed<Put>, StoreError>;

    /// Removes a role that nobody holds, if whoever wants it may.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete_role(
        &self,
        name: RoleName,
        expected: Expected,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError>;

    /// Gives a user these roles and no others, if whoever wants it may; how many sessions ended. A code for a new password
    /// ends if he may do more here by it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn assign_roles(&self, assigning: Assigning) -> Result<Changed<usize>, StoreError>;
}
