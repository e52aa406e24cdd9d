//! Security events: what happened, to whom, from where. The store keeps them; nothing in them is a secret.

use std::net::IpAddr;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    StoreError, Timestamp,
    permission::{Permission, RoleName},
    resource_server::ResourceServerName,
    session::{EndReason, Generation, Session, SessionId, refresh},
    user::UserId,
};

/// Where a request came from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The address of the peer.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut to 256 bytes.
    pub agent: Option<String>,
}

/// Who decides about an account that is not his own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// Whoever may run the command line where the database is.
    CommandLine,
    /// A user with the permission.
    User(UserId),
}

impl Actor {
    /// The stable name: a word that is no id, or an id.
    pub fn name(self) -> String {
        match self {
            Self::CommandLine => "command_line".to_owned(),
            Self::User(id) => id.to_string(),
        }
    }
}

/// An administrator with an order: who, from where and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Administrator {
    /// Who.
    pub actor: Actor,
    /// Where the order came from.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

impl Administrator {
    /// What he did that is about no user, for the record.
    pub fn event_of_store(&self, kind: impl FnOnce(Actor) -> EventKind) -> Event {
        self.event(UserId(uuid::Uuid::nil()), kind)
    }

    /// What he did to this user, for the record.
    pub fn event(&self, user: UserId, kind: impl FnOnce(Actor) -> EventKind) -> Event {
        Event {
            at: self.now,
            kind: kind(self.actor),
            user,
            session: None,
            origin: self.origin.clone(),
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A user was registered.
    Registered,
    /// A session began by password.
    LoggedIn,
    /// A session was ended on purpose.
    SessionEnded(EndReason),
    /// A spent token came that cannot have been a retry.
    ReuseDetected {
        /// The generation that came.
        presented: Generation,
        /// The newest generation.
        newest: Generation,
    },
    /// A bound session's spent token came after the retry window.
    LateRetry {
        /// The generation that came.
        presented: Generation,
        /// The newest generation.
        newest: Generation,
    },
    /// The password was changed by its user.
    PasswordChanged,
    /// A password change named a wrong old password.
    PasswordChangeFailed,
    /// The user proved the password again within a session.
    Reauthenticated,
    /// That failed.
    ReauthenticationFailed,
    /// An administrator made the account.
    UserCreated(Actor),
    /// An administrator disabled the user.
    UserDisabled(Actor),
    /// An administrator let the user in again.
    UserEnabled(Actor),
    /// An administrator deleted the user.
    UserDeleted(Actor),
    /// An administrator set a new password.
    PasswordReset(Actor),
    /// An administrator gave the user these roles and no others.
    RolesAssigned {
        /// All of his roles.
        roles: Vec<RoleName>,
        /// Who did.
        by: Actor,
    },
    /// An administrator made a role or changed what it permits. It is nobody's.
    RoleChanged {
        /// Which.
        role: RoleName,
        /// All that it permits.
        permissions: Vec<Permission>,
        /// Who did.
        by: Actor,
    },
    /// An administrator removed a role. It is nobody's.
    RoleDeleted {
        /// Which.
        role: RoleName,
        /// Who did.
        by: Actor,
    },
    /// An administrator gave a resource server a credential. It is nobody's.
    ResourceServerAdded {
        /// Which.
        name: ResourceServerName,
        /// Who did.
        by: Actor,
    },
    /// An administrator took a resource server's credential back. It is nobody's.
    ResourceServerRemoved {
        /// Which.
        name: ResourceServerName,
        /// Who did.
        by: Actor,
    },
    /// An older state of the store was put in the place of the newer one. It is nobody's: see [`Event::of_store`].
    BackupRestored {
        /// When that state was written down.
        taken_at: Timestamp,
        /// Whether every session was ended.
        sessions_ended: bool,
    },
}

impl EventKind {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registered => "user.registered",
            Self::LoggedIn => "session.opened",
            Self::SessionEnded(_) => "session.ended",
            Self::ReuseDetected { .. } => "session.reuse_detected",
            Self::LateRetry { .. } => "session.late_retry",
            Self::PasswordChanged => "password.changed",
            Self::PasswordChangeFailed => "password.change_failed",
            Self::Reauthenticated => "user.reauthenticated",
            Self::ReauthenticationFailed => "user.reauthentication_failed",
            Self::UserCreated(_) => "user.created",
            Self::UserDisabled(_) => "user.disabled",
            Self::UserEnabled(_) => "user.enabled",
            Self::UserDeleted(_) => "user.deleted",
            Self::PasswordReset(_) => "password.reset",
            Self::RolesAssigned { .. } => "user.roles_assigned",
            Self::RoleChanged { .. } => "role.changed",
            Self::RoleDeleted { .. } => "role.deleted",
            Self::ResourceServerAdded { .. } => "resource_server.added",
            Self::ResourceServerRemoved { .. } => "resource_server.removed",
            Self::BackupRestored { .. } => "store.backup_restored",
        }
    }

    /// What the name leaves open, as a JSON object.
    pub fn detail(&self) -> Option<Value> {
        match self {
            Self::SessionEnded(reason) => Some(json!({ "reason": reason.name() })),
            Self::ReuseDetected { presented, newest } | Self::LateRetry { presented, newest } => {
                Some(json!({ "presented_generation": presented.0, "newest_generation": newest.0 }))
            }
            Self::UserCreated(by)
            | Self::UserDisabled(by)
            | Self::UserEnabled(by)
            | Self::UserDeleted(by)
            | Self::PasswordReset(by) => Some(json!({ "by": by.name() })),
            Self::RolesAssigned { roles, by } => {
                let roles: Vec<_> = roles.iter().map(RoleName::as_str).collect();
                Some(json!({ "roles": roles, "by": by.name() }))
            }
            Self::RoleChanged {
                role,
                permissions,
                by,
            } => {
                let permissions: Vec<_> = permissions.iter().map(Permission::as_str).collect();
                Some(json!({ "role": role.as_str(), "permissions": permissions, "by": by.name() }))
            }
            Self::RoleDeleted { role, by } => {
                Some(json!({ "role": role.as_str(), "by": by.name() }))
            }
            Self::ResourceServerAdded { name, by } | Self::ResourceServerRemoved { name, by } => {
                Some(json!({ "resource_server": name.as_str(), "by": by.name() }))
            }
            Self::BackupRestored {
                taken_at,
                sessions_ended,
            } => {
                Some(json!({ "taken_at": taken_at.as_millis(), "sessions_ended": sessions_ended }))
            }
            _ => None,
        }
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// To whom.
    pub user: UserId,
    /// In which session.
    pub session: Option<SessionId>,
    /// From where.
    pub origin: Origin,
}

impl Event {
    /// That of a session.
    pub fn of_session(session: &Session, kind: EventKind, origin: &Origin, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            user: session.user,
            session: Some(session.id),
            origin: origin.clone(),
        }
    }

    /// That of the store itself, under the user of sixteen zero bytes.
    pub fn of_store(kind: EventKind, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            user: UserId(uuid::Uuid::nil()),
            session: None,
            origin: Origin::default(),
        }
    }

    /// What a turn leaves on record beside the end that it may bring: nothing for a rotation or a retry in time.
    pub fn of_turn(
        session: &Session,
        turn: &refresh::Turn,
        request: &refresh::Request,
    ) -> Option<Self> {
        let (presented, newest) = (request.token.generation(), session.life.generation);
        let kind = match *turn {
            refresh::Turn::End(EndReason::Reuse) => EventKind::ReuseDetected { presented, newest },
            refresh::Turn::Retry { late: true, .. } => EventKind::LateRetry { presented, newest },
            _ => return None,
        };
        Some(Self::of_session(
            session,
            kind,
            &request.origin,
            request.now,
        ))
    }
}

/// A record as it is read back.
#[derive(Clone, PartialEq, Debug)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// The stable name of what happened.
    pub name: String,
    /// To whom.
    pub user: UserId,
    /// In which session.
    pub session: Option<SessionId>,
    /// The address of the peer.
    pub address: Option<String>,
    /// Its `User-Agent`.
    pub agent: Option<String>,
    /// What the name leaves open.
    pub detail: Option<Value>,
}

/// Where events are kept.
#[async_trait]
pub trait EventStore {
    /// Adds one.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn append_event(&self, event: Event) -> Result<(), StoreError>;

    /// Counts one more failed login, by hour, user (none for an unknown name) and address. Not awaited by a promise:
    /// a crash may forget it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_failed_login(
        &self,
        user: Option<UserId>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The events of a user, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list_events(&self, user: UserId, limit: u32) -> Result<Vec<EventRow>, StoreError>;

    /// How often a login as this user (none: as an unknown name) failed since `since`, to the hour.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn failed_logins(
        &self,
        user: Option<UserId>,
        since: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Removes the counts of hours before `before`, at most `limit` rows; how many went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_failed_logins(&self, before: Timestamp, limit: u32)
    -> Result<usize, StoreError>;
}
