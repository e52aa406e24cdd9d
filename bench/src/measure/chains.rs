//! What the connections send: a constant, or refreshes that each present what the last answer gave.

use crate::load::Chain;

/// `GET /`, always.
#[derive(Debug)]
pub(super) struct Constant;

impl Chain for Constant {
    fn request(&mut self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    }

    fn answered(&mut self, _status: u16, _body: &[u8]) {}
}

/// `POST /auth/refresh` for the sessions of one connection in turn.
#[derive(Debug)]
pub(crate) struct Turning {
    tokens: Vec<Vec<u8>>,
    turn: usize,
    /// Where the last answer had its token: the next one most likely has it there too.
    place: usize,
}

const MEMBER: &[u8] = b"\"refresh_token\":\"";

impl Turning {
    pub(crate) fn new(tokens: Vec<String>) -> Self {
        Self {
            tokens: tokens.into_iter().map(String::into_bytes).collect(),
            turn: 0,
            place: 0,
        }
    }

    /// The token of the session whose turn it is.
    pub(super) fn next(&mut self) -> &[u8] {
        self.turn = (self.turn + 1) % self.tokens.len().max(1);
        self.tokens.get(self.turn).map_or(&[], Vec::as_slice)
    }
}

impl Chain for Turning {
    fn request(&mut self, buffer: &mut Vec<u8>) {
        refresh_request(self.next(), buffer);
    }

    fn answered(&mut self, status: u16, body: &[u8]) {
        if status == 200
            && let Some((place, token)) = member(body, self.place)
            && let Some(held) = self.tokens.get_mut(self.turn)
        {
            self.place = place;
            held.clear();
            held.extend_from_slice(token);
        }
    }
}

/// Appends a refresh with `token` as Bearer.
pub(super) fn refresh_request(token: &[u8], buffer: &mut Vec<u8>) {
    proven_request(token, None, buffer);
}

/// The same with a proof of possession.
pub(super) fn proven_request(token: &[u8], proof: Option<&str>, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(
        b"POST /auth/refresh HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\nauthorization: Bearer ",
    );
    buffer.extend_from_slice(token);
    if let Some(proof) = proof {
        buffer.extend_from_slice(b"\r\ndpop: ");
        buffer.extend_from_slice(proof.as_bytes());
    }
    buffer.extend_from_slice(b"\r\n\r\n");
}

/// The refresh token in an answer, and where it stands; looked for at `place` first.
fn member(body: &[u8], place: usize) -> Option<(usize, &[u8])> {
    let here = body
        .get(place..)
        .is_some_and(|rest| rest.starts_with(MEMBER));
    let place = if here {
        place
    } else {
        body.windows(MEMBER.len()).position(|part| part == MEMBER)?
    };
    let value = body.get(place + MEMBER.len()..)?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    Some((place, value.get(..end)?))
}

#[cfg(test)]
mod tests {
    use super::{Chain as _, Turning};

    #[test]
    fn each_session_presents_what_it_was_given() {
        let mut chain = Turning::new(vec!["a".to_owned(), "b".to_owned()]);
        let mut sent = Vec::new();
        for answer in ["c", "d", "e"] {
            let mut buffer = Vec::new();
            chain.request(&mut buffer);
            chain.answered(200, format!(r#"{{"refresh_token":"{answer}"}}"#).as_bytes());
            let text = String::from_utf8(buffer).unwrap();
            sent.push(text.trim_end().chars().last().unwrap());
        }
        assert_eq!(sent, ['b', 'a', 'c']);
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let mut chain = Turning::new(vec!["a".to_owned()]);
        chain.request(&mut Vec::new());
        chain.answered(503, br#"{"refresh_token":"x"}"#);
        assert_eq!(chain.tokens, [b"a"]);
    }
}
