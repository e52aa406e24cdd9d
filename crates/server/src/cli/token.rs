//! `relatch token`: what a token is, and what would become of it if it were presented now. Nothing is written, and no
//! secret is printed.

mod access;
mod refresh;

use clap::Subcommand;
use relatch_core::{
    Store, Timestamp,
    key::{KeyRecord, KeyState, KeyTable, Keyring, Purpose},
    session::Session,
    token::refresh::PREFIX,
};
use serde_json::{Map, Value, json};

use super::{
    Failure, chain,
    output::Output,
    place::{Opened, Place},
    secret, words,
};
use crate::keyring;

/// What can be done with tokens.
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Tell what a token is, and whether and why it would be accepted right now.
    #[command(after_help = "\
Reads the token from the first line of standard input: an argument would stay in the shell's history. Nothing is written
and nothing is presented, so that looking at a spent token ends no session. Exit code 4: it would be refused.

  relatch token inspect < token.txt
  wl-paste | relatch token inspect

Whether a token is genuine takes the master key beside the database (master.key).")]
    Inspect {
        /// The token itself, or - for standard input.
        #[arg(default_value = "-", hide_default_value = true)]
        token: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
}

/// Runs one of them.
pub(super) fn run(command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Inspect {
            token,
            place,
            output,
        } => inspect(token, place, *output),
    }
}

fn inspect(token: &str, place: &Place, output: Output) -> Result<(), Failure> {
    let text = match token {
        "-" => secret::token()?,
        given => zeroize::Zeroizing::new(given.to_owned()),
    };
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    let bench = Bench::set(place.open()?)?;
    let report = if text.starts_with(PREFIX) {
        refresh::inspect(text, &bench)?
    } else if text.split('.').count() == 3 {
        access::inspect(text, &bench)?
    } else {
        Report::of_nothing(text)
    };
    output.print(&report.value(), || report.text());
    match report.verdict {
        Verdict::Accepted(_) => Ok(()),
        Verdict::Refused(why) => Err(Failure::No(format!("it would be refused: {why}"))),
        Verdict::Unknown(why) => Err(Failure::Failed(format!(
            "whether it would be accepted cannot be told: {why}"
        ))),
    }
}

/// What a token is looked at with.
struct Bench {
    opened: Opened,
    now: Timestamp,
    table: KeyTable,
    /// The keys, or why there are none to check with.
    keys: Result<Keyring, String>,
}

impl Bench {
    fn set(opened: Opened) -> Result<Self, Failure> {
        let now = opened.now();
        let table = opened.wait(opened.store.load_keys())?;
        let keys = keyring::open_only(&table, &opened.config, now)
            .map(|opened| opened.0)
            .map_err(chain);
        Ok(Self {
            opened,
            now,
            table,
            keys,
        })
    }

    fn store(&self) -> &dyn Store {
        self.opened.store.as_ref()
    }

    /// The session and its user's name.
    fn session(
        &self,
        id: relatch_core::session::SessionId,
    ) -> Result<Option<(Session, String)>, Failure> {
        let found = self.opened.wait(async {
            let Some(session) = self.store().find_session(id).await? else {
                return Ok(None);
            };
            let user = self.store().credentials_of(session.user).await?;
            Ok::<_, relatch_core::StoreError>(Some((session, user)))
        })?;
        Ok(found.map(|(session, user)| {
            let name = user.map_or_else(
                || "a deleted user".to_owned(),
                |found| found.user.username.to_string(),
            );
            (session, name)
        }))
    }

    /// Where the key of that purpose and id stands; nothing if there is none.
    fn key_state(&self, purpose: Purpose, id: &str) -> Option<String> {
        let named = |record: &&KeyRecord| record.purpose == purpose && record.id == id;
        let state = self.table.records.iter().find(named)?.state;
        Some(match state {
            KeyState::Announced { at } => {
                format!(
                    "announced {}, and not in use yet",
                    words::when(at, self.now)
                )
            }
            KeyState::Active { since, .. } => format!("active since {}", words::moment(since)),
            KeyState::Retired { until, .. } => {
                format!(
                    "retired; what it made is good until {}",
                    words::when(until, self.now)
                )
            }
            KeyState::Compromised { at } => format!(
                "compromised {}: nothing that it made is good any more",
                words::when(at, self.now)
            ),
        })
    }
}

/// What would become of a token.
enum Verdict {
    Accepted(String),
    Refused(String),
    Unknown(String),
}

/// One thing that was looked at: right, wrong, or not to be told.
struct Check {
    passed: Option<bool>,
    text: String,
}

/// All that can be said of a token.
struct Report {
    kind: &'static str,
    contents: Vec<(String, Value, String)>,
    checks: Vec<Check>,
    verdict: Verdict,
}

impl Report {
    fn of_nothing(text: &str) -> Self {
        let hint = if text.starts_with('{') {
            "it is JSON: give the value of access_token or refresh_token alone"
        } else if text.contains("relatch_rt_") {
            "it has a refresh token in it: give that alone"
        } else {
            "a refresh token begins with relatch_rt_, an access token is three texts with dots between them"
        };
        Self {
            kind: "neither a refresh token nor an access token",
            contents: Vec::new(),
            checks: Vec::new(),
            verdict: Verdict::Refused(hint.to_owned()),
        }
    }

    fn value(&self) -> Value {
        let contents: Map<_, _> = self
            .contents
            .iter()
            .map(|(name, value, _)| (name.clone(), value.clone()))
            .collect();
        let checks = self.checks.iter();
        let checks: Vec<_> = checks
            .map(|check| json!({ "passed": check.passed, "text": check.text }))
            .collect();
        let (accepted, verdict) = match &self.verdict {
            Verdict::Accepted(why) => (Some(true), why),
            Verdict::Refused(why) => (Some(false), why),
            Verdict::Unknown(why) => (None, why),
        };
        json!({
            "kind": self.kind,
            "contents": contents,
            "checks": checks,
            "accepted": accepted,
            "verdict": verdict,
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("This is {}.", self.kind)];
        let widest = self.contents.iter().map(|entry| entry.0.len()).max();
        let width = widest.unwrap_or(0);
        lines.extend(
            self.contents
                .iter()
                .map(|(name, _, text)| format!("  {name:<width$}  {}", words::foreign(text))),
        );
        if !self.checks.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.checks.iter().map(|check| {
            let mark = match check.passed {
                Some(true) => "yes",
                Some(false) => "NO ",
                None => "?  ",
            };
            format!("  {mark}  {}", check.text)
        }));
        let (word, why) = match &self.verdict {
            Verdict::Accepted(why) => ("It would be accepted", why),
            Verdict::Refused(why) => ("It would be refused", why),
            Verdict::Unknown(why) => ("Whether it would be accepted cannot be told", why),
        };
        lines.push(String::new());
        lines.push(words::paragraph(&format!("{word}: {why}."), ""));
        lines.join("\n")
    }
}
