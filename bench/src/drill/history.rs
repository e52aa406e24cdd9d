//! A client's history, cut where the power was.

use std::collections::HashMap;

use super::account::{Account, Wish};
use super::client::{Entry, Work};
use crate::api::Answer;
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

    /// The client of `work` at place `cut`. With `lost`, an answer to a refresh never arrived if it went
    /// out in the very line before the cut: of earlier ones the client may have shown that it had them.
    ///
    /// # Errors
    /// The client has an answer that the trace does not know.
    pub(crate) fn stand(&self, work: &Work, cut: usize, lost: bool) -> Result<Stand> {
        let mut account = Account::new(work.account.name.clone());
        for Entry { wish, answer } in &work.journal {
            let place = answer.as_ref().map(|answer| self.place(answer));
            let Some(place) = place.transpose()?.filter(|place| *place < cut) else {
                return Ok(Stand::new(account, Some(wish)));
            };
            if lost && place + 1 == cut && matches!(wish, Wish::Refresh { .. }) {
                return Ok(Stand::new(account, Some(wish)));
            }
            // A wrong answer was reported when it came, and is the last of its journal.
            let _ = answer.as_ref().map(|answer| account.learn(wish, answer));
        }
        Ok(Stand::new(account, None))
    }

    fn place(&self, answer: &Answer) -> Result<usize> {
        let id = &answer.request_id;
        let place = self.0.get(id).copied();
        place.ok_or_else(|| Failure::Told(format!("answer {id} is not in the trace")))
    }

    /// All places, in order.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places: Vec<usize> = self.0.values().copied().collect();
        places.sort_unstable();
        places
    }
}

impl Stand {
    fn new(account: Account, in_flight: Option<&Wish>) -> Self {
        let in_flight = in_flight.cloned();
        Self { account, in_flight }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::super::account::{Account, Wish};
    use super::super::client::{Entry, Work};
    use super::Answers;
    use crate::api::Answer;

    fn answer(id: &str, status: u16, token: &str) -> Answer {
        Answer {
            status,
            cache: String::new(),
            request_id: id.to_owned(),
            body: json!({"session_id": "s", "refresh_token": token}),
        }
    }

    fn entry(wish: Wish, answer: Answer) -> Entry {
        let answer = Some(answer);
        Entry { wish, answer }
    }

    /// Registered in line 10, refreshed in line 20.
    fn history() -> (Answers, Work) {
        let places = [("a".to_owned(), 10), ("b".to_owned(), 20)];
        let (session, token) = ("s".to_owned(), "t0".to_owned());
        let refresh = Wish::Refresh { session, token };
        let work = Work {
            account: Account::new("n".to_owned()),
            journal: vec![
                entry(Wish::Register, answer("a", 201, "t0")),
                entry(refresh, answer("b", 200, "t1")),
            ],
            broken: Vec::new(),
        };
        (Answers(HashMap::from(places)), work)
    }

    fn held(cut: usize, lost: bool) -> (Option<String>, bool) {
        let (answers, work) = history();
        let stand = answers.stand(&work, cut, lost).unwrap();
        let held = stand.account.live.get("s").map(|held| held.refresh.clone());
        (held, stand.in_flight.is_some())
    }

    #[test]
    fn a_client_holds_what_was_answered_before_the_cut() {
        assert_eq!(held(10, false), (None, true));
        assert_eq!(held(11, false), (Some("t0".to_owned()), true));
        assert_eq!(held(21, false), (Some("t1".to_owned()), false));
    }

    #[test]
    fn only_a_refresh_in_the_line_before_the_cut_can_be_lost() {
        assert_eq!(held(21, true), (Some("t0".to_owned()), true));
        assert_eq!(held(22, true), (Some("t1".to_owned()), false));
        assert_eq!(held(11, true), (Some("t0".to_owned()), true));
    }

    #[test]
    fn an_answer_that_the_trace_does_not_know_ends_the_run() {
        let (_, work) = history();
        assert!(Answers(HashMap::new()).stand(&work, 5, false).is_err());
    }
}
