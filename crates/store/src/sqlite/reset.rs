//! One-time codes for a new password in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::EventKind,
    permission::{Authority, RoleName, grant},
    session::{
        EndReason, Policy,
        store::{Ending, Which},
    },
    store::Changed,
    user::{
        CredentialVersion, UserId,
        reset::{
            CodeDigest, Issuing, KeptCode, MOST_FAILURES, NewCode, Redeemed, Redeeming, ResetStore,
        },
    },
};
use rusqlite::{Connection, params};

use super::{
    Sqlite, authority, event, failed_login, role,
    row::{self, Fault},
    session, user,
};

#[async_trait]
impl ResetStore for Sqlite {
    async fn issue_reset_code(&self, issuing: Issuing) -> Result<Changed<()>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &issuing.by, &policy, |authority| {
                issue(connection, &issuing, authority)
            })
        })
        .await
    }

    async fn redeem_reset_code(&self, redeeming: Redeeming) -> Result<Redeemed, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| redeem(connection, &redeeming, &policy))
            .await
    }
}

fn issue(
    connection: &Connection,
    issuing: &Issuing,
    authority: &Authority,
) -> Result<Changed<()>, Fault> {
    let Issuing { user: id, code, by } = issuing;
    let Some(found) = user::by_id(connection, *id)? else {
        return Ok(Changed::NotFound);
    };
    let theirs = role::of_user(connection, *id)?;
    if let Err(refusal) = authority.may_act_on(grant::USERS, &theirs) {
        return Ok(Changed::Refused(refusal));
    }
    keep(connection, *id, code, found.version)?;
    event::append(connection, &by.event(*id, EventKind::ResetCodeIssued))?;
    Ok(Changed::Done(()))
}

/// Keeps a code in the place of any older one.
pub(super) fn keep(
    connection: &Connection,
    user: UserId,
    code: &NewCode,
    replaces: CredentialVersion,
) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO reset_code (user_id, digest, replaces, expires_at, failures) \
               VALUES (?1, ?2, ?3, ?4, 0)";
    connection.prepare_cached(sql)?.execute(params![
        user.0.as_bytes(),
        code.digest.expose(),
        replaces.0,
        code.expires_at.as_millis(),
    ])?;
    Ok(())
}

/// Forgets the code of a user; whether there was one.
pub(super) fn forget(connection: &Connection, user: UserId) -> Result<bool, Fault> {
    let sql = "DELETE FROM reset_code WHERE user_id = ?1";
    let gone = connection
        .prepare_cached(sql)?
        .execute([user.0.as_bytes()])?;
    Ok(gone > 0)
}

/// Forgets the codes of everybody who holds that role.
pub(super) fn forget_of_role(connection: &Connection, role: &RoleName) -> Result<(), Fault> {
    let sql =
        "DELETE FROM reset_code WHERE user_id IN (SELECT user_id FROM user_role WHERE role = ?1)";
    connection.prepare_cached(sql)?.execute([role.as_str()])?;
    Ok(())
}

fn redeem(
    connection: &Connection,
    redeeming: &Redeeming,
    policy: &Policy,
) -> Result<Redeemed, Fault> {
    let claimed = redeeming.claim.as_ref().map(|claim| claim.0);
    let (kept, found) = match claimed {
        Some(user) => (kept(connection, user)?, user::by_id(connection, user)?),
        None => (None, None),
    };
    match redeeming.judge(kept.as_ref(), found.as_ref()) {
        Ok(user) => accept(connection, user, redeeming, policy),
        Err(Redeemed::Wrong) => {
            failed_login::count(connection, claimed, &redeeming.origin, redeeming.now)?;
            if let (Some(user), Some(code)) = (claimed, kept) {
                fail(connection, user, &code, redeeming)?;
            }
            Ok(Redeemed::Wrong)
        }
        Err(other) => Ok(other),
    }
}

fn accept(
    connection: &Connection,
    user: UserId,
    redeeming: &Redeeming,
    policy: &Policy,
) -> Result<Redeemed, Fault> {
    forget(connection, user)?;
    user::set_new_password(connection, user, &redeeming.hash)?;
    let event = redeeming.event(user, EventKind::PasswordResetByCode);
    event::append(connection, &event)?;
    let ending = Ending {
        user,
        which: Which::All,
        reason: EndReason::PasswordChanged,
        origin: redeeming.origin.clone(),
        now: redeeming.now,
    };
    let ended = session::end(connection, &ending, policy)?;
    Ok(Redeemed::Done { ended })
}

/// Counts a wrong code; one too many ends the right one.
fn fail(
    connection: &Connection,
    user: UserId,
    code: &KeptCode,
    redeeming: &Redeeming,
) -> Result<(), Fault> {
    if code.failures + 1 >= MOST_FAILURES {
        forget(connection, user)?;
        let event = redeeming.event(user, EventKind::ResetCodeVoided);
        return event::append(connection, &event);
    }
    let sql = "UPDATE reset_code SET failures = failures + 1 WHERE user_id = ?1";
    connection
        .prepare_cached(sql)?
        .execute([user.0.as_bytes()])?;
    Ok(())
}

fn kept(connection: &Connection, user: UserId) -> Result<Option<KeptCode>, Fault> {
    let sql = "SELECT digest, replaces, expires_at, failures FROM reset_code WHERE user_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    row::first(statement.query([user.0.as_bytes()])?, |row| {
        Ok(KeptCode {
            digest: CodeDigest::from_bytes(row.get(0)?),
            replaces: CredentialVersion(row.get(1)?),
            expires_at: Timestamp::from_millis(row.get(2)?),
            failures: row.get(3)?,
        })
    })
}
