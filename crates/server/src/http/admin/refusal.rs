//! Why an administrator's request is refused, as errors of the API.

use relatch_core::{
    permission::{
        GrantError, Refusal,
        administer::{AdmitError, RoleError},
    },
    session::administer::EndError,
    user::{administer::AdministerError, create::CreateError},
};

use crate::http::problem::{Code, Problem};

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Caller(error) => error.into(),
            AdmitError::Nothing => Self::new(Code::NotFound),
            AdmitError::Lacks(permission) => lacks(permission),
        }
    }
}

fn lacks(permission: &str) -> Problem {
    Problem::new(Code::PermissionRequired).detail(format!("This takes {permission}."))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownSession => Self::new(Code::SessionUnknown),
            Refusal::Over(ended) => Self::ended(ended),
            Refusal::Lacks(permission) => lacks(permission),
            Refusal::Grant(GrantError::NotYours { permission, needs }) => {
                let permission = permission.as_str();
                let detail = format!("{permission} is in the way: that takes {needs}.");
                Self::new(Code::BeyondOwnRights).detail(detail)
            }
            Refusal::Grant(GrantError::TooMany(bytes)) => too_many("permissions", bytes),
            Refusal::UnknownRole(role) => {
                let detail = format!("There is no role {}.", role.as_str());
                Self::field("roles", "not_there", detail)
            }
        }
    }
}

fn too_many(field: &str, bytes: usize) -> Problem {
    let detail = GrantError::TooMany(bytes).to_string();
    Problem::field(field, "too_many", detail)
}

/// A refusal of roles for a user: what is too much is the list of roles.
pub(super) fn of_assigning(error: RoleError) -> Problem {
    match error {
        RoleError::Refused(Refusal::Grant(GrantError::TooMany(bytes))) => too_many("roles", bytes),
        error => error.into(),
    }
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound => Self::new(Code::NotFound),
            RoleError::Refused(refusal) => refusal.into(),
            RoleError::Conflict => Self::new(Code::ChangedMeanwhile),
            RoleError::Held(users) => {
                Self::new(Code::RoleInUse).detail(format!("Users who hold it: {users}."))
            }
            RoleError::LastAdministrator => Self::new(Code::LastAdministrator),
            RoleError::Store(error) => error.into(),
        }
    }
}

impl From<AdministerError> for Problem {
    fn from(error: AdministerError) -> Self {
        match error {
            AdministerError::NotFound => Self::new(Code::NotFound),
            AdministerError::Refused(refusal) => refusal.into(),
            AdministerError::Conflict => Self::new(Code::ChangedMeanwhile),
            AdministerError::LastAdministrator => Self::new(Code::LastAdministrator),
            // No route takes a password for somebody else.
            AdministerError::Busy(busy) => busy.into(),
            AdministerError::Store(error) => error.into(),
        }
    }
}

impl From<EndError> for Problem {
    fn from(error: EndError) -> Self {
        match error {
            EndError::NotFound => Self::new(Code::NotFound),
            EndError::Refused(refusal) => refusal.into(),
            EndError::Store(error) => error.into(),
        }
    }
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::UsernameTaken => Self::new(Code::UsernameTaken),
            CreateError::Refused(refusal) => refusal.into(),
            CreateError::Busy(busy) => busy.into(),
            CreateError::Store(error) => error.into(),
        }
    }
}
