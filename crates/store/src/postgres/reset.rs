//! One-time codes for a new password in PostgreSQL.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::EventKind,
    permission::{RoleName, grant},
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

use super::{
    Postgres,
    authority::{order, permitted},
    connection::Connection,
    durable, failed_login,
    parameter::params,
    role,
    row::{self, Fault},
    session,
    transaction::Transaction,
    user,
};

#[async_trait]
impl ResetStore for Postgres {
    async fn issue_reset_code(&self, issuing: Issuing) -> Result<Changed<()>, StoreError> {
        durable!(self, |transaction| issue(
            transaction,
            &issuing,
            &self.policy
        ))
    }

    async fn redeem_reset_code(&self, redeeming: Redeeming) -> Result<Redeemed, StoreError> {
        durable!(self, |transaction| redeem(
            transaction,
            &redeeming,
            &self.policy
        ))
    }
}

async fn issue(
    transaction: &mut Transaction,
    issuing: &Issuing,
    policy: &Policy,
) -> Result<Changed<()>, Fault> {
    let Issuing { user: id, code, by } = issuing;
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    let Some(found) = user::by_id(transaction, *id).await? else {
        return Ok(Changed::NotFound);
    };
    let theirs = role::of_user(transaction, *id).await?;
    permitted!(order.authority.may_act_on(grant::USERS, &theirs));
    keep(transaction, *id, code, found.version).await?;
    transaction.append(by.event(*id, EventKind::ResetCodeIssued));
    order.end(transaction, Changed::Done(())).await
}

/// Keeps a code in the place of any older one.
pub(super) async fn keep(
    connection: &Connection,
    user: UserId,
    code: &NewCode,
    replaces: CredentialVersion,
) -> Result<(), Fault> {
    let sql = "INSERT INTO reset_code (user_id, digest, replaces, expires_at, failures) \
               VALUES ($1, $2, $3, $4, 0) ON CONFLICT (user_id) \
               DO UPDATE SET digest = $2, replaces = $3, expires_at = $4, failures = 0";
    let parameters = params![
        user.0,
        code.digest.expose().as_slice(),
        replaces.0,
        code.expires_at.as_millis(),
    ];
    connection.execute(sql, parameters).await.map(drop)
}

/// Forgets the code of a user; whether there was one.
pub(super) async fn forget(connection: &Connection, user: UserId) -> Result<bool, Fault> {
    let sql = "DELETE FROM reset_code WHERE user_id = $1";
    let gone = connection.execute(sql, params![user.0]).await?;
    Ok(gone > 0)
}

/// Forgets the codes of everybody who holds that role.
pub(super) async fn forget_of_role(connection: &Connection, role: &RoleName) -> Result<(), Fault> {
    let sql =
        "DELETE FROM reset_code WHERE user_id IN (SELECT user_id FROM user_role WHERE role = $1)";
    connection
        .execute(sql, params![role.as_str()])
        .await
        .map(drop)
}

async fn redeem(
    transaction: &mut Transaction,
    redeeming: &Redeeming,
    policy: &Policy,
) -> Result<Redeemed, Fault> {
    let claimed = redeeming.claim.as_ref().map(|claim| claim.0);
    let (kept, found) = match claimed {
        Some(user) => {
            user::lock(transaction, &[user]).await?;
            let found = user::by_id(transaction, user).await?;
            (kept(transaction, user).await?, found)
        }
        None => (None, None),
    };
    match redeeming.judge(kept.as_ref(), found.as_ref()) {
        Ok(user) => accept(transaction, user, redeeming, policy).await,
        Err(Redeemed::Wrong) => {
            if let (Some(user), Some(code)) = (claimed, kept) {
                fail(transaction, user, &code, redeeming).await?;
            }
            let (origin, now) = (&redeeming.origin, redeeming.now);
            failed_login::count(transaction, claimed, origin, now).await?;
            Ok(Redeemed::Wrong)
        }
        Err(other) => Ok(other),
    }
}

async fn accept(
    transaction: &mut Transaction,
    user: UserId,
    redeeming: &Redeeming,
    policy: &Policy,
) -> Result<Redeemed, Fault> {
    user::set_new_password(transaction, user, &redeeming.hash).await?;
    transaction.append(redeeming.event(user, EventKind::PasswordResetByCode));
    let ending = Ending {
        user,
        which: Which::All,
        reason: EndReason::PasswordChanged,
        origin: redeeming.origin.clone(),
        now: redeeming.now,
    };
    let ended = session::end(transaction, &ending, policy).await?;
    forget(transaction, user).await?;
    Ok(Redeemed::Done { ended })
}

/// Counts a wrong code; one too many ends the right one.
async fn fail(
    transaction: &mut Transaction,
    user: UserId,
    code: &KeptCode,
    redeeming: &Redeeming,
) -> Result<(), Fault> {
    if code.failures + 1 >= MOST_FAILURES {
        forget(transaction, user).await?;
        transaction.append(redeeming.event(user, EventKind::ResetCodeVoided));
        return Ok(());
    }
    let sql = "UPDATE reset_code SET failures = failures + 1 WHERE user_id = $1";
    transaction.execute(sql, params![user.0]).await.map(drop)
}

/// The code of a user, locked: what takes it away comes before this or after the end of the transaction.
async fn kept(connection: &Connection, user: UserId) -> Result<Option<KeptCode>, Fault> {
    let sql = "SELECT digest, replaces, expires_at, failures FROM reset_code WHERE user_id = $1 \
               FOR UPDATE";
    row::first(&connection.rows(sql, params![user.0]).await?, |row| {
        let failures: i32 = row.try_get(3)?;
        Ok(KeptCode {
            digest: CodeDigest::from_bytes(row::bytes(row, 0, "reset_code.digest")?),
            replaces: CredentialVersion(row.try_get(1)?),
            expires_at: Timestamp::from_millis(row.try_get(2)?),
            failures: u32::try_from(failures).map_err(|_| Fault::Corrupt("reset_code.failures"))?,
        })
    })
}
