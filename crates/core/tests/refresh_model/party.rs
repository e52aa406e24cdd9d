//! Owner and thief: what each holds, what each may have sent, and the answers that are under way to it.

use super::line::{ROOM, Serial};

/// Who presents a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Who {
    Owner,
    Thief,
}

/// One of the two.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Party {
    /// The token that it would present next.
    pub holds: Serial,
    /// Tokens in answers that it could still store, one bit each; an answer may come never, or more than once.
    answers: u8,
    /// For each token since when a copy of a request with it may arrive, plus one; 0 for never.
    sent: [u8; ROOM],
}

impl Party {
    /// Holds its first token from `now` on.
    pub fn holding(token: Serial, now: u8) -> Self {
        let mut party = Self {
            holds: token,
            answers: 0,
            sent: [0; ROOM],
        };
        party.may_send(token, now);
        party
    }

    /// Since when a copy of a request with this token may have arrived, if any may.
    pub fn sent(&self, token: Serial) -> Option<u8> {
        self.sent[usize::from(token)].checked_sub(1)
    }

    /// The tokens in answers that it could store now.
    pub fn answers(&self) -> impl Iterator<Item = Serial> + use<> {
        let answers = self.answers;
        (0..8).filter(move |token| answers & (1 << token) != 0)
    }

    /// An answer goes out. A careful party will only ever use it if it holds what it sent.
    pub fn answer(&mut self, presented: Serial, token: Serial, careful: bool) {
        if !careful || presented == self.holds {
            self.answers |= 1 << token;
        }
    }

    /// Stores a token out of an answer, and may send it from now on.
    pub fn store(&mut self, token: Serial, now: u8, careful: bool) {
        self.holds = token;
        self.may_send(token, now);
        if careful {
            self.answers = 0;
        }
    }

    /// Copies of requests older than `token` are gone.
    pub fn forget_before(&mut self, token: Serial) {
        self.sent[..usize::from(token)].fill(0);
    }

    /// Nothing that arrived before `earliest` still waits.
    pub fn tick(&mut self, earliest: u8) {
        for sent in self.sent.iter_mut().filter(|sent| **sent != 0) {
            *sent = (*sent).max(earliest + 1);
        }
    }

    fn may_send(&mut self, token: Serial, now: u8) {
        let sent = &mut self.sent[usize::from(token)];
        if *sent == 0 {
            *sent = now + 1;
        }
    }
}
