//! Server-sent events (WHATWG HTML, section 9.2), read piece by piece in bounded memory. Knows nothing of what they say.

use thiserror::Error;

/// What a line may take. The longest of ours is shorter than 200 bytes.
const LINE_BYTES: usize = 8 * 1024;
/// What the data of an event may take.
const EVENT_BYTES: usize = 16 * 1024;

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` unless it said.
    pub(super) name: String,
    pub(super) data: String,
    /// The newest id of the stream, of this event or one before it.
    pub(super) id: Option<String>,
}

/// Why a stream is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum StreamError {
    #[error("a line is longer than {LINE_BYTES} bytes")]
    LineTooLong,
    #[error("an event is longer than {EVENT_BYTES} bytes")]
    EventTooLong,
    #[error("a line is not UTF-8")]
    NotText,
}

/// Turns bytes into events, whatever the pieces they come in.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a newline after it ends no other line.
    after_return: bool,
    begun: bool,
    name: String,
    data: Option<String>,
    id: Option<String>,
}

impl Parser {
    /// Takes the next bytes and calls `each` with every event that they complete.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Event),
    ) -> Result<(), StreamError> {
        for byte in bytes {
            let second_half = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => {
                    if let Some(event) = self.end_line()? {
                        each(event);
                    }
                }
                _ if self.line.len() >= LINE_BYTES => return Err(StreamError::LineTooLong),
                byte => self.line.push(*byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Event>, StreamError> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8(line).map_err(|_| StreamError::NotText)?;
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first {
            line.trim_start_matches('\u{feff}')
        } else {
            &line
        };
        if line.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        self.field(field, value.strip_prefix(' ').unwrap_or(value))?;
        Ok(None)
    }

    /// A comment is a field without a name, and is ignored like every other that is not known.
    fn field(&mut self, field: &str, value: &str) -> Result<(), StreamError> {
        match field {
            "event" => value.clone_into(&mut self.name),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "data" => {
                let data = self.data.get_or_insert_default();
                if data.len() + value.len() >= EVENT_BYTES {
                    return Err(StreamError::EventTooLong);
                }
                data.push_str(value);
                data.push('\n');
            }
            _ => {}
        }
        Ok(())
    }

    /// An event without data is none, but its id counts.
    fn end_event(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let mut data = self.data.take()?;
        data.pop();
        let name = if name.is_empty() {
            "message".into()
        } else {
            name
        };
        let id = self.id.clone();
        Some(Event { name, data, id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<Vec<Event>, StreamError> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, |event| events.push(event))?;
        }
        Ok(events)
    }

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
            id: id.map(Into::into),
        }
    }

    /// The pieces that a network makes of a stream change nothing, and no stream takes more memory than it may.
    #[test]
    fn fuzz_event_stream() {
        let target = ::fuzz::Target {
            name: "event stream",
            seeds: &[
                b"id: e.1\nevent: revoked\ndata: {}\n\n: a comment\n\n",
                b"\xef\xbb\xbfdata: one\r\ndata: two\r\n\r\nevent:heartbeat\rid:7\rdata\r\r",
            ],
            words: &[
                "data:", "id:\0", "retry: 5", "\n\n", "\r\n", "\r", ":", "\u{feff}",
            ],
        };
        ::fuzz::run(&target, |input| {
            let (first, second) = input.split_at(input.len() / 2);
            let whole = events(&[input]);
            assert_eq!(whole, events(&[first, second]));
            assert_eq!(whole, events(&input.chunks(1).collect::<Vec<_>>()));
            for event in whole.into_iter().flatten() {
                assert!(event.data.len() <= EVENT_BYTES);
            }
        });
    }

    #[test]
    fn events_as_they_come() {
        let stream = "id: e.1\nevent: revoked\ndata: {}\n\n: a comment\n\nevent:heartbeat\ndata:  two\ndata\ndata:3\n\n";
        let expected = vec![
            event("revoked", "{}", Some("e.1")),
            event("heartbeat", " two\n\n3", Some("e.1")),
        ];
        for ends in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', ends);
            assert_eq!(
                events(&[stream.as_bytes()]),
                Ok(expected.clone()),
                "{ends:?}"
            );
        }
    }

    #[test]
    fn what_is_not_an_event_is_none() {
        for none in [
            "",
            "\n\n\n",
            "event: x\n\n",
            ": y\n\n",
            "data: half",
            "data: half\n",
            "retry: 5\n\n",
            "dat: x\n\n",
        ] {
            assert_eq!(events(&[none.as_bytes()]), Ok(vec![]), "{none:?}");
        }
        let id_alone = events(&[b"id: e.7\n\nunknown: x\ndata: y\n\n"]);
        assert_eq!(id_alone, Ok(vec![event("message", "y", Some("e.7"))]));
        let bom = events(&["\u{feff}data: y\n\n".as_bytes()]);
        assert_eq!(bom, Ok(vec![event("message", "y", None)]));
        let zero = events(&[b"id: a\0b\ndata: y\n\n"]);
        assert_eq!(zero, Ok(vec![event("message", "y", None)]));
    }

    #[test]
    fn memory_is_bounded() {
        let long = vec![b'x'; LINE_BYTES + 1];
        assert_eq!(events(&[&long]), Err(StreamError::LineTooLong));
        assert_eq!(events(&[&long[1..], b"\n\n"]), Ok(vec![]));
        let line = format!("data: {}\n", "x".repeat(LINE_BYTES - 10));
        let many = line.repeat(EVENT_BYTES / LINE_BYTES + 1);
        assert_eq!(events(&[many.as_bytes()]), Err(StreamError::EventTooLong));
        assert_eq!(events(&[b"data: \xff\n\n"]), Err(StreamError::NotText));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(lines in prop::collection::vec("(data|id|event|x|:)?:? ?[a-c\u{e9}]{0,3}(\r\n|\r|\n){1,2}", 0..12), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let stream = lines.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(events(&pieces), events(&[&stream]));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = events(&[&bytes]);
        }
    }
}
