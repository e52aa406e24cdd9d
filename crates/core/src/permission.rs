//! Permissions, and the roles that gather them. Who may do what is said here and nowhere else.

pub mod administer;
pub mod authority;
pub mod grant;
pub mod role;
pub mod store;

use std::fmt;

pub use authority::{Authority, Refusal};
pub use grant::{GrantError, Rights};
pub use role::{Role, RoleName, RoleTable};

/// The resource whose permissions are those of this server's own administration.
pub const OWN: &str = "relatch";

/// The most bytes that a user's roles and permissions may take in an access token: the whole token stays under 8 KiB, which
/// is what servers and proxies take as a header.
pub const MOST_CLAIMED: usize = 5 * 1024;

/// `resource:action`, for example `notes:delete`; `notes:*` is every action on notes, and nothing cleverer exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    text: String,
    colon: usize,
}

/// What is wrong with a text that should be a permission.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a permission is resource:action, each 1 to 64 of a to z, 0 to 9, '.', '_' and '-'; the action may be *"
)]
pub struct PermissionFault;

impl Permission {
    /// Reads `resource:action`.
    ///
    /// # Errors
    /// [`PermissionFault`].
    pub fn parse(text: &str) -> Result<Self, PermissionFault> {
        let (resource, action) = text.split_once(':').ok_or(PermissionFault)?;
        if !is_word(resource) || !(action == "*" || is_word(action)) {
            return Err(PermissionFault);
        }
        Ok(Self {
            text: text.to_owned(),
            colon: resource.len(),
        })
    }

    /// `resource:action`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is about.
    pub fn resource(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    fn action(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// Whether whoever has this has the other too.
    pub fn grants(&self, other: &Self) -> bool {
        self.resource() == other.resource()
            && (self.action() == "*" || self.action() == other.action())
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How many bytes these take in an access token, permissions twice: as `permissions` and as `scope`.
pub fn claimed<'a>(
    roles: impl IntoIterator<Item = &'a RoleName>,
    permissions: impl IntoIterator<Item = &'a Permission>,
) -> usize {
    let roles = roles.into_iter().map(|role| role.as_str().len() + 3);
    let permissions = permissions
        .into_iter()
        .map(|permission| 2 * (permission.as_str().len() + 2));
    roles.sum::<usize>() + permissions.sum::<usize>()
}

fn is_word(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(text: &str) -> Permission {
        Permission::parse(text).expect(text)
    }

    #[test]
    fn a_star_is_every_action_on_one_resource_and_nothing_cleverer() {
        assert!(permission("notes:*").grants(&permission("notes:delete")));
        assert!(permission("notes:*").grants(&permission("notes:*")));
        assert!(permission("notes:read").grants(&permission("notes:read")));
        assert!(!permission("notes:read").grants(&permission("notes:*")));
        assert!(!permission("notes:read").grants(&permission("notes:delete")));
        assert!(!permission("notes:*").grants(&permission("notebooks:read")));
    }

    #[test]
    fn anything_else_is_no_permission() {
        let long = format!("{}:read", "n".repeat(65));
        for text in [
            "",
            ":",
            "notes",
            "notes:",
            ":read",
            "*:read",
            "*:*",
            "*",
            "notes:*:x",
            "notes:re*",
            "Notes:read",
            "notes:read ",
            " notes:read",
            "notes: read",
            "nötes:read",
            "notes:read\n",
            "notes:a:b",
            "notes,x:read",
            &long,
        ] {
            assert_eq!(Permission::parse(text), Err(PermissionFault), "{text}");
        }
    }
}
