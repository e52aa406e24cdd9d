//! Turning a refresh token: the rotation decision, and the use case around it.
//!
//! [`decide`] is the heart of Relatch. It is pure, the store calls it with the session's row locked, and nobody else
//! decides: HTTP only shapes what it says. `tests/refresh_model.rs` checks it against every schedule of a thief, lost
//! answers, crashes and clocks up to a bound.

use super::{Delivery, EndReason, Ended, Generation, Life, Policy, Session, Thumbprint};
use crate::{
    Domain, StoreError, Timestamp,
    event::Origin,
    token::{Genuine, IssuedTokens},
};

/// What a request shows of a key (RFC 9449), before it is known which key the session is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Proof {
    /// No proof came with the request.
    NotShown,
    /// A proof came that proves nothing: a bad signature, for another request, a missing or old nonce.
    Refused,
    /// A good proof of this key's possession.
    By(Thumbprint),
}

impl Proof {
    /// What it says of the key that a session is bound to.
    pub fn of(self, key: Option<Thumbprint>) -> Possession {
        match self {
            Self::NotShown => Possession::NotShown,
            Self::By(shown) if Some(shown) == key => Possession::Proven,
            Self::By(_) | Self::Refused => Possession::Refused,
        }
    }
}

/// Whether the request proved that it holds the key that the session is bound to (RFC 9449).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Possession {
    /// No proof came with the request.
    NotShown,
    /// A proof came that is wrong: another key, a bad signature, a missing or old nonce.
    Refused,
    /// A good proof by the bound key.
    Proven,
}

/// A refresh token whose tag and proof are good, as the decision sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Presented {
    /// The token's generation.
    pub generation: Generation,
    /// What came with it.
    pub possession: Possession,
}

/// What becomes of a presented refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Turn {
    /// The generation moves on; `lagged` when the token was newer than the row.
    Rotate {
        /// The generation of the token to answer with.
        to: Generation,
        /// The row had forgotten at least one rotation.
        lagged: bool,
    },
    /// The newest token once more; nothing is written. `late` when past the window, which only a bound session may be.
    Retry {
        /// The generation of the token to answer with: the row's.
        of: Generation,
        /// It came after the retry window.
        late: bool,
    },
    /// The session is over already.
    Over(Ended),
    /// The session is bound and the request did not prove that it holds the key. Nothing changes.
    Unproven(Possession),
    /// The session ends here: [`EndReason::Reuse`] or [`EndReason::GenerationExhausted`].
    End(EndReason),
}

/// Decides, once and for all, what a genuine refresh token gets. Read from the top; the first case that holds counts.
pub fn decide(life: &Life, presented: &Presented, policy: &Policy, now: Timestamp) -> Turn {
    if let Some(ended) = life.over(policy, now) {
        return Turn::Over(ended);
    }
    if life.bound && presented.possession != Possession::Proven {
        return Turn::Unproven(presented.possession);
    }
    let (newest, shown) = (life.generation, presented.generation);
    if shown >= newest {
        return match shown.next() {
            Some(to) => Turn::Rotate {
                to,
                lagged: shown > newest,
            },
            None => Turn::End(EndReason::GenerationExhausted),
        };
    }
    let in_window =
        shown.next() == Some(newest) && now.since(life.rotated_at) < policy.retry_window;
    if life.bound || in_window {
        return Turn::Retry {
            of: newest,
            late: !in_window,
        };
    }
    Turn::End(EndReason::Reuse)
}

/// What the answer to a refresh promises.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Durability {
    /// It is answered once it is on disk.
    Durable,
    /// It may be answered before, for a crash that forgets it does no harm.
    Healing,
}

/// Whether a turn of this life may be forgotten by a crash. Ends and what an auditor looks for may not. A rotation may,
/// for its token moves the row forward, unless it comes after a pause: the row would go back by that pause, and the
/// session be idle earlier than its holder was told. Half the grace makes up for the pause, the other half for how long
/// the disk may lag behind.
pub fn durability(before: &Life, turn: &Turn, policy: &Policy, now: Timestamp) -> Durability {
    let short_pause = now.since(before.rotated_at) <= policy.idle_grace / 2;
    match turn {
        Turn::End(_) | Turn::Retry { late: true, .. } => Durability::Durable,
        Turn::Rotate { .. } if !short_pause => Durability::Durable,
        Turn::Rotate { .. }
        | Turn::Retry { late: false, .. }
        | Turn::Over(_)
        | Turn::Unproven(_) => Durability::Healing,
    }
}

impl Life {
    /// The life after a turn, if the turn changes it.
    #[must_use]
    pub fn after(&self, turn: &Turn, now: Timestamp) -> Option<Self> {
        match *turn {
            Turn::Rotate { to, .. } => Some(Self {
                generation: to,
                rotated_at: now,
                ..self.clone()
            }),
            Turn::End(reason) => Some(Self {
                ended: Some(Ended { reason, at: now }),
                ..self.clone()
            }),
            Turn::Retry { .. } | Turn::Over(_) | Turn::Unproven(_) => None,
        }
    }
}

/// A refresh on its way to the store.
#[derive(Clone, Debug)]
pub struct Request {
    /// The token; its tag is good, its proof not yet checked.
    pub token: Genuine,
    /// Which way it came.
    pub delivery: Delivery,
    /// What came with it.
    pub proof: Proof,
    /// Who sent it.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

/// What the store found and did.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// No such session here.
    Unknown,
    /// The proof is not of this session's secret: made by somebody who has a token key but not the database.
    Forged,
    /// The session has its tokens delivered another way. Nothing is decided and nothing changes.
    WrongDelivery,
    /// Decided.
    Turned(Box<Turned>),
}

/// A decision and what follows from it.
#[derive(Clone, Debug)]
pub struct Turned {
    /// The session as it stands after the turn.
    pub session: Session,
    /// The decision.
    pub turn: Turn,
    /// What its answer promises.
    pub durability: Durability,
}

/// Checks the proof and decides. This is what a store calls on each locked row.
pub fn turn(session: Option<Session>, request: &Request, policy: &Policy) -> Outcome {
    let Some(mut session) = session else {
        return Outcome::Unknown;
    };
    if !request.token.proves(&session.secret) {
        return Outcome::Forged;
    }
    if session.delivery != request.delivery {
        return Outcome::WrongDelivery;
    }
    let presented = Presented {
        generation: request.token.generation(),
        possession: request.proof.of(session.key),
    };
    let turn = decide(&session.life, &presented, policy, request.now);
    let durability = durability(&session.life, &turn, policy, request.now);
    if let Some(life) = session.life.after(&turn, request.now) {
        session.life = life;
    }
    Outcome::Turned(Box::new(Turned {
        session,
        turn,
        durability,
    }))
}

/// Why a refresh was refused.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is genuine, and nobody remembers its session.
    #[error("the session of this refresh token is not known here")]
    UnknownSession,
    /// Not a token of ours. The holder learns nothing else.
    #[error("the refresh token is not genuine")]
    Forged,
    /// Its session has it delivered another way than it came.
    #[error("the refresh token came another way than its session has it delivered")]
    WrongDelivery,
    /// The session is over, perhaps by this very request.
    #[error("the session has ended")]
    Over(Ended),
    /// The session is bound to a key and the request did not prove that it holds it.
    #[error("the session is bound to a key that the request did not prove to hold")]
    Unproven(Possession),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers a refresh: the tokens of the session's newest generation.
///
/// # Errors
/// See [`RefreshError`]; nothing but the end of a session is ever changed by a refused refresh.
pub async fn refresh(
    domain: &Domain,
    request: Request,
) -> Result<(IssuedTokens, Turn), RefreshError> {
    let now = request.now;
    match domain.store.refresh(request).await? {
        Outcome::Unknown => Err(RefreshError::UnknownSession),
        Outcome::Forged => Err(RefreshError::Forged),
        Outcome::WrongDelivery => Err(RefreshError::WrongDelivery),
        Outcome::Turned(turned) => match turned.turn {
            turn @ (Turn::Rotate { .. } | Turn::Retry { .. }) => {
                Ok((domain.issue(&turned.session, now), turn))
            }
            Turn::Over(ended) => Err(RefreshError::Over(ended)),
            Turn::Unproven(possession) => Err(RefreshError::Unproven(possession)),
            Turn::End(reason) => Err(RefreshError::Over(Ended { reason, at: now })),
        },
    }
}

#[cfg(test)]
mod tests;
