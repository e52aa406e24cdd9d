//! An attempt at a password or a code on its way through the limits: counted before anything is looked at, settled once it is
//! known what it was. Knows neither the numbers nor what is tried.

use axum::http::HeaderValue;
use relatch_core::{
    attempt::{
        Account, Attempt, DeviceKeys, DeviceToken, Kind, Known, Outcome, Refused, device,
        proof::{Errand, Proof, ProofKeys},
    },
    session::SessionId,
    session::list::Caller,
    user::{
        UserId, Username, change_password::ChangePasswordError, login::LoginError,
        register::RegisterError, reset::ResetError,
    },
};

use super::{
    arrival::Arrival,
    body::Input,
    fields::Fields,
    problem::{Code, Problem},
};
use crate::{app::App, config::Wanted};

/// Somebody who wants to try.
pub(super) struct Candidate<'a> {
    attempt: Attempt<'a>,
    /// The name of the account, for which a proof of work has to be made.
    name: &'a str,
    proof: Option<Proof>,
    arrival: Arrival,
}

impl<'a> Candidate<'a> {
    /// A stranger who tries something at the account of that name.
    pub(super) fn stranger(kind: Kind, name: &'a str, input: &Input) -> Self {
        // Whose name is free is no account yet, and whose name is taken must not be harmed by whoever wants it, too.
        let account = (kind != Kind::Register).then_some(Account::Name(name));
        Self {
            attempt: Attempt {
                kind,
                account,
                address: input.arrival.address,
                known: None,
            },
            name,
            proof: None,
            arrival: input.arrival,
        }
    }

    /// The caller, who tries his own password within a session.
    pub(super) fn caller(caller: &Caller, input: &Input) -> Self {
        Self {
            attempt: Attempt {
                kind: Kind::Login,
                account: Some(Account::User(caller.user)),
                address: input.arrival.address,
                known: Some(Known::Session(caller.session)),
            },
            name: "",
            proof: None,
            arrival: input.arrival,
        }
    }

    /// The same with the proof of work that came along.
    pub(super) fn with_proof(self, proof: Option<Proof>) -> Self {
        Self { proof, ..self }
    }

    /// The same as the known device that he may be.
    pub(super) fn known_as(mut self, known: Option<Known>) -> Self {
        self.attempt.known = known;
        self
    }

    /// Lets `attempt` run, if there is room for it.
    pub(super) async fn tries<T, E: Verdict + Into<Problem>>(
        self,
        app: &App,
        attempt: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Problem> {
        self.work_is_proven(app)?;
        // Before it is counted: whoever finds no room has tried nothing.
        let _place = app
            .attempts
            .enter(self.attempt.known.is_none(), self.attempt.address)?;
        let permit = app.attempts.admit(&self.attempt, self.arrival.now)?;
        let result = attempt.await;
        // Whoever hangs up meanwhile does not get here, and nothing back.
        if let Some(permit) = permit {
            let outcome = result.as_ref().err().map_or(Outcome::Right, E::outcome);
            app.attempts.settle(&permit, outcome, app.clock.now());
        }
        result.map_err(Into::into)
    }

    /// Whether a proof of work came along where one is wanted. It is used by that, even if something else stands in the way.
    fn work_is_proven(&self, app: &App) -> Result<(), Problem> {
        let (kind, now) = (self.attempt.kind, self.arrival.now);
        let wanted = self.attempt.known.is_none()
            && kind != Kind::Reset
            && match app.config.proof_of_work.when {
                Wanted::Never => false,
                Wanted::Strained => app.attempts.is_strained(kind, now),
                Wanted::Always => true,
            };
        if !wanted {
            return Ok(());
        }
        let keys = ProofKeys::of(&app.master.load());
        let errand = Errand {
            kind,
            account: self.name,
        };
        let proven = self
            .proof
            .as_ref()
            .map(|proof| app.attempts.redeem(proof, &keys, errand, now));
        if proven == Some(Ok(())) {
            return Ok(());
        }
        let (work, entropy) = (app.config.proof_of_work.work, app.domain.entropy.as_ref());
        let challenge = keys.challenge(errand, work, now, entropy);
        let problem = Problem::new(Code::ProofOfWorkRequired).proof_of_work(challenge);
        Err(match proven {
            Some(_) => problem.detail(
                "The proof is of another request, too old, used or wrong: here is a new challenge.",
            ),
            None => problem,
        })
    }
}

/// What an error says of an attempt.
pub(super) trait Verdict {
    /// Whether there was a guess at all, and a right one.
    fn outcome(&self) -> Outcome;
}

impl Verdict for LoginError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::InvalidCredentials => Outcome::Wrong,
            Self::UserDisabled => Outcome::Right,
            Self::UnknownSession | Self::Over(_) | Self::Busy(_) | Self::Store(_) => {
                Outcome::Untried
            }
        }
    }
}

impl Verdict for ChangePasswordError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::NewPassword(_) => Outcome::Untried,
            Self::Login(error) => error.outcome(),
        }
    }
}

impl Verdict for ResetError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Wrong => Outcome::Wrong,
            Self::Password(_) | Self::UserDisabled => Outcome::Right,
            Self::Busy(_) | Self::Store(_) => Outcome::Untried,
        }
    }
}

impl Verdict for RegisterError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::UsernameTaken => Outcome::Wrong,
            Self::Busy(_) | Self::Store(_) => Outcome::Untried,
        }
    }
}

/// The device that a login comes from, if it is one of that user's; whatever else was sent is nobody's.
pub(super) async fn recognise(
    app: &App,
    username: Option<&Username>,
    token: Option<&str>,
) -> Result<Option<Known>, Problem> {
    let (Some(username), Some(token)) = (username, token) else {
        return Ok(None);
    };
    let keys = DeviceKeys::of(&app.master.load());
    Ok(device::recognise(&app.domain, &keys, username, token).await?)
}

/// The token of the device on which a session has just begun. A login that stands does not fail for want of it.
pub(super) async fn remember(
    app: &App,
    begun: (UserId, SessionId),
    known: Option<Known>,
) -> Option<DeviceToken> {
    let keys = DeviceKeys::of(&app.master.load());
    let remembered = device::remember(&app.domain, &keys, begun, known).await;
    remembered.ok().flatten()
}

/// The field `proof_of_work`.
pub(super) fn proof(fields: &mut Fields) -> Option<Proof> {
    let text = fields.optional_string("proof_of_work")?;
    let proof = Proof::parse(&text);
    if proof.is_none() {
        let detail = "Expected the payload of ALTCHA: JSON in base64.";
        fields.fault("proof_of_work", "invalid_format", detail);
    }
    proof
}

impl From<Refused> for Problem {
    /// As the IETF's draft on RateLimit fields has it.
    fn from(refused: Refused) -> Self {
        let (name, quota) = (refused.scope.name(), refused.quota);
        let seconds = |millis: u128| millis.div_ceil(1000);
        let wait = seconds(refused.wait.as_millis());
        let (burst, window) = (quota.burst(), seconds(quota.window().as_millis()));
        let text = |text: String| HeaderValue::try_from(text).ok();
        Self::new(Code::RateLimited).headers([
            ("retry-after", text(wait.to_string())),
            ("ratelimit", text(format!("\"{name}\";r=0;t={wait}"))),
            (
                "ratelimit-policy",
                text(format!("\"{name}\";q={burst};w={window}")),
            ),
        ])
    }
}
