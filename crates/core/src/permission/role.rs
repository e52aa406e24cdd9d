//! A role: a named set of permissions. Users hold roles; what a role means is looked up in one table.

use std::collections::{BTreeMap, BTreeSet};

use super::Permission;
use crate::Tag;

/// The name of a role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RoleName(String);

/// What is wrong with a text that should be a role's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the name of a role is 1 to 64 of a to z, 0 to 9, '.', '_' and '-'")]
pub struct RoleNameFault;

impl RoleName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`RoleNameFault`].
    pub fn parse(text: &str) -> Result<Self, RoleNameFault> {
        if super::is_word(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RoleNameFault)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A named set of permissions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// Its name, for good.
    pub name: RoleName,
    /// What whoever holds it may do.
    pub permissions: BTreeSet<Permission>,
    /// Grows with every change.
    pub version: i64,
}

/// Every role, as of one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoleTable {
    /// Grows with every change of any role.
    pub version: i64,
    /// The roles by name.
    pub roles: BTreeMap<RoleName, Role>,
}

impl RoleTable {
    /// What whoever holds these roles may do. A name that means nothing gives nothing.
    pub fn permissions<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a RoleName>,
    ) -> BTreeSet<&'a Permission> {
        names
            .into_iter()
            .filter_map(|name| self.roles.get(name))
            .flat_map(|role| &role.permissions)
            .collect()
    }

    /// All that one role permits, if it is there.
    pub fn permits(&self, name: &RoleName) -> Option<&BTreeSet<Permission>> {
        self.roles.get(name).map(|role| &role.permissions)
    }

    /// The roles that make an administrator: those with `relatch:*`.
    pub fn administering(&self) -> Vec<&RoleName> {
        let all = |role: &&Role| {
            let permissions = role.permissions.iter();
            permissions
                .map(Permission::as_str)
                .any(|permission| permission == super::grant::EVERYTHING)
        };
        self.roles
            .values()
            .filter(all)
            .map(|role| &role.name)
            .collect()
    }
}

/// Names a set of roles.
pub fn tag_of<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> Tag {
    let names: BTreeSet<_> = roles.into_iter().map(RoleName::as_str).collect();
    Tag::of(names)
}

/// What a session may use of that: all, or what its login asked for and the user has.
pub fn narrowed<'a>(
    held: BTreeSet<&'a Permission>,
    asked: Option<&'a [Permission]>,
) -> BTreeSet<&'a Permission> {
    match asked {
        None => held,
        Some(asked) => asked
            .iter()
            .filter(|wanted| held.iter().any(|one| one.grants(wanted)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(texts: &[&str]) -> Vec<Permission> {
        let parsed = texts.iter().map(|text| Permission::parse(text));
        parsed.map(|one| one.expect("a permission")).collect()
    }

    #[test]
    fn a_login_that_asks_for_less_gets_what_it_asked_for_and_never_more() {
        let held = permissions(&["notes:*", "tags:read"]);
        let asked = permissions(&["notes:read", "tags:read", "tags:delete", "tags:*"]);
        let used = narrowed(held.iter().collect(), Some(&asked));
        let used: Vec<_> = used.into_iter().map(Permission::as_str).collect();
        assert_eq!(used, ["notes:read", "tags:read"]);
        assert_eq!(narrowed(held.iter().collect(), None).len(), 2);
        assert!(narrowed(held.iter().collect(), Some(&[])).is_empty());
    }
}
