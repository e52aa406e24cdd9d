//! Security events: what happened, to whom, from where. The store keeps them; nothing in them is a secret.

pub mod chain;
pub mod failed_login;
pub mod head;
pub mod own;
pub mod seal;
pub mod store;
pub mod verify;

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{
    Timestamp,
    key::change::KeyChange,
    permission::{Permission, RoleName},
    resource_server::ResourceServerName,
    session::{EndReason, Generation, Session, SessionId, refresh},
    user::UserId,
};

pub use failed_login::FailedLogins;
pub use store::{EventQuery, EventRow, EventStore};

/// Where a request came from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The address of the peer.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut to 256 bytes.
    pub agent: Option<String>,
}

/// Who decides about an account that is not his own, or about the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The server by itself, because it was time.
    Server,
    /// Whoever may run the command line where the database is.
    CommandLine,
    /// A user with the permission, in this session of his.
    User(UserId, SessionId),
}

impl Actor {
    /// The stable name: a word that is no id, or an id.
    pub fn name(self) -> String {
        match self {
            Self::Server => "server".to_owned(),
            Self::CommandLine => "command_line".to_owned(),
            Self::User(id, _) => id.to_string(),
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
    /// The server itself.
    pub fn server(now: Timestamp) -> Self {
        Self {
            actor: Actor::Server,
            origin: Origin::default(),
            now,
        }
    }

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
    /// An administrator changed the e-mail address. It does not say to which: the record outlives the account.
    EmailChanged(Actor),
    /// An administrator set a new password.
    PasswordReset(Actor),
    /// An administrator issued a one-time code for a new password.
    ResetCodeIssued(Actor),
    /// The user chose a new password with such a code.
    PasswordResetByCode,
    /// Such a code was guessed at too often and is void.
    ResetCodeVoided,
    /// An administrator ended sessions of the user, or the one that this is about.
    SessionEndOrdered(Actor),
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
    /// The store was copied. It is nobody's.
    BackupTaken(Actor),
    /// A key stands elsewhere than before. It is nobody's.
    KeyChanged {
        /// Which, and what became of it.
        change: KeyChange,
        /// Who did.
        by: Actor,
    },
    /// A login with the right password was refused: the user is disabled.
    LoginRefused,
    /// Logins failed within an hour that is over.
    LoginsFailed(FailedLogins),
    /// A server began to serve. It is nobody's.
    ServerStarted {
        /// Its version.
        version: &'static str,
    },
    /// A server was told to stop. It is nobody's.
    ServerStopped {
        /// Its version.
        version: &'static str,
    },
    /// The record is sealed from its first row on. It is nobody's.
    SealingBegan {
        /// How many rows there were already.
        earlier: i64,
    },
    /// Heads of the record are signed with this key from now on. It is nobody's.
    SealingKeyTaken {
        /// The public key (RFC 7517).
        jwk: Value,
    },
    /// The newest head was not the one that was left there. It is nobody's.
    SealBroken {
        /// The last row that the head covers; 0: there was none.
        head: i64,
        /// What is wrong with it.
        fault: seal::HeadFault,
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
            Self::EmailChanged(_) => "user.email_changed",
            Self::PasswordReset(_) => "password.reset",
            Self::ResetCodeIssued(_) => "password.reset_code_issued",
            Self::PasswordResetByCode => "password.reset_by_code",
            Self::ResetCodeVoided => "password.reset_code_voided",
            Self::SessionEndOrdered(_) => "session.end_ordered",
            Self::RolesAssigned { .. } => "user.roles_assigned",
            Self::RoleChanged { .. } => "role.changed",
            Self::RoleDeleted { .. } => "role.deleted",
            Self::ResourceServerAdded { .. } => "resource_server.added",
            Self::ResourceServerRemoved { .. } => "resource_server.removed",
            Self::BackupRestored { .. } => "store.backup_restored",
            Self::BackupTaken(_) => "store.backup_taken",
            Self::KeyChanged { change, .. } => change.step.name(),
            Self::LoginRefused => "login.refused",
            Self::LoginsFailed(_) => "login.failed",
            Self::ServerStarted { .. } => "server.started",
            Self::ServerStopped { .. } => "server.stopped",
            Self::SealingBegan { .. } => "audit.sealing_began",
            Self::SealingKeyTaken { .. } => KEY_TAKEN,
            Self::SealBroken { .. } => "audit.seal_broken",
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
            | Self::EmailChanged(by)
            | Self::ResetCodeIssued(by)
            | Self::SessionEndOrdered(by)
            | Self::PasswordReset(by)
            | Self::BackupTaken(by) => Some(json!({ "by": by.name() })),
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
            other => other.detail_of_the_system(),
        }
    }

    /// The same for what is about no account.
    fn detail_of_the_system(&self) -> Option<Value> {
        match self {
            Self::KeyChanged { change, by } => Some(json!({
                "purpose": change.purpose.name(), "key": change.id, "by": by.name(),
            })),
            Self::LoginRefused => Some(json!({ "reason": EndReason::UserDisabled.name() })),
            Self::LoginsFailed(failed) => Some(failed.detail()),
            Self::ServerStarted { version } | Self::ServerStopped { version } => {
                Some(json!({ "version": version }))
            }
            Self::SealingBegan { earlier } => Some(json!({ "earlier_events": earlier })),
            Self::SealingKeyTaken { jwk } => Some(json!({ "jwk": jwk })),
            Self::SealBroken { head, fault } => {
                Some(json!({ "head": head, "fault": fault.name() }))
            }
            _ => None,
        }
    }
}

/// The name of what says which key signs heads.
pub(crate) const KEY_TAKEN: &str = "audit.key_taken";

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
