//! Orders of administrators: each is judged in the transaction that carries it out, by core's [`Authority`], and none leaves
//! nobody behind who may do everything.

use relatch_core::{
    event::{Actor, Administrator},
    permission::{Authority, Refusal, RoleName},
    session::Policy,
    store::Changed,
    user::UserId,
};

use super::{
    connection::Connection,
    parameter::params,
    role,
    row::{Fault, one},
    session,
    transaction::Transaction,
    user,
};

/// An order that is being carried out.
pub(super) struct Order {
    pub(super) authority: Authority,
    guarded: bool,
}

/// Begins to carry one out, about this user if about any. From here on nobody else gives orders, and neither the session of
/// whoever gave this one nor the user it is about becomes another, until the end of the transaction.
pub(super) async fn order(
    transaction: &mut Transaction,
    by: &Administrator,
    about: Option<UserId>,
    policy: &Policy,
) -> Result<Result<Order, Refusal>, Fault> {
    transaction
        .run("SELECT pg_advisory_xact_lock(5919410502)")
        .await?;
    let actor = match by.actor {
        Actor::User(user, _) => Some(user),
        Actor::Server | Actor::CommandLine => None,
    };
    let concerned: Vec<_> = actor.into_iter().chain(about).collect();
    user::lock(transaction, &concerned).await?;
    let table = role::load(transaction).await?;
    let authority = match by.actor {
        Actor::Server | Actor::CommandLine => Ok(Authority::of_owner(table)),
        Actor::User(user, id) => {
            let found = session::find(transaction, id).await?;
            Authority::of_session(user, found.as_ref(), table, policy, by.now)
        }
    };
    Ok(match authority {
        // Whoever runs commands here can make a new administrator at any time.
        Ok(authority) => Ok(Order {
            authority,
            guarded: by.actor != Actor::CommandLine && is_administered(transaction).await?,
        }),
        Err(refusal) => Err(refusal),
    })
}

impl Order {
    /// What came of it; undoes a change after which nobody could administer any more.
    pub(super) async fn end<T>(
        self,
        transaction: &mut Transaction,
        changed: Changed<T>,
    ) -> Result<Changed<T>, Fault> {
        let is_done = matches!(changed, Changed::Done(_));
        if is_done && self.guarded && !is_administered(transaction).await? {
            transaction.give_up();
            return Ok(Changed::LastAdministrator);
        }
        Ok(changed)
    }
}

/// Whether an active user may do everything.
async fn is_administered(connection: &Connection) -> Result<bool, Fault> {
    let table = role::load(connection).await?;
    let roles: Vec<_> = table
        .administering()
        .into_iter()
        .map(RoleName::as_str)
        .collect();
    let sql = "SELECT EXISTS (SELECT FROM user_role JOIN \"user\" ON \"user\".id = user_id \
               WHERE role = ANY($1) AND NOT disabled AND deleted_at IS NULL)";
    let rows = connection.rows(sql, params![roles]).await?;
    one(&rows, "user_role")
}

/// Goes on with an order, or answers why it is not carried out.
macro_rules! permitted {
    ($order:expr) => {
        match $order {
            Ok(order) => order,
            Err(refusal) => return Ok(relatch_core::store::Changed::Refused(refusal)),
        }
    };
}

pub(super) use permitted;
