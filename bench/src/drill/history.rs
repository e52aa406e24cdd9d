//! A client's history, cut where the power was.

use std::collections::HashMap;

use super::account::{Account, Wish};
use super::client::{Entry, Work};
use crate::failure::{Failure, Result};
use crate::trace::{Deed, Trace};

/// Where in the trace each answer was given, by its request id.
#[derive(Debug)]
pub(crate) struct Answers(HashMap<String, usize>);

/// A client as it stood at the cut: what it knew, and what it had asked for without an answer.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) account: Account,
    pub(crate) in_flight: Option<Wish>,
}

impl Answers {
    pub(crate) fn of(trace: &Trace) -> Self {
        let places = trace.events.iter().filter_map(|event| match &event.deed {
            Deed::Answer { request_id } => Some((request_id.clone(), event.start)),
            _ => None,
        });
        Self(places.collect())
    }

    /// The places of the first and of the last answer.
    pub(crate) fn span(&self) -> Option<(usize, usize)> {
        let first = self.0.values().min()?;
        let last = self.0.values().max()?;
        Some((*first, *last))
    }

    /// The client of `work` at place `cut`. With `lost`, its last answer never arrived, provided that
    /// it was to a refresh: what else was answered must hold.
    ///
    /// # Errors
    /// The client has an answer that the trace does not know.
    pub(crate) fn stand(&self, work: &Work, cut: usize, lost: bool) -> Result<Stand> {
        let mut account = Account::new(work.account.name.clone());
        let mut given = 0;
        for entry in &work.journal {
            given += usize::from(self.given(entry, cut)?);
        }
        let (known, rest) = work.journal.split_at_checked(given).unwrap_or_default();
        let (last, before) = match known.split_last() {
            Some((last, before)) if lost && matches!(last.wish, Wish::Refresh { .. }) => {
                (Some(last), before)
            }
            _ => (rest.first(), known),
        };
        for Entry { wish, answer } in before {
            // A wrong answer was reported when it came, and is the last of its journal.
            let _ = answer.as_ref().map(|answer| account.learn(wish, answer));
        }
        let in_flight = last.map(|entry| entry.wish.clone());
        Ok(Stand { account, in_flight })
    }

    fn given(&self, entry: &Entry, cut: usize) -> Result<bool> {
        let Some(answer) = &entry.answer else {
            return Ok(false);
        };
        let place = self.0.get(&answer.request_id).ok_or_else(|| {
            let id = &answer.request_id;
            Failure::Told(format!("answer {id} is not in the trace"))
        })?;
        Ok(*place < cut)
    }
}
