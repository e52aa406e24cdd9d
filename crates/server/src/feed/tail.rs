//! The newest events, as far back as memory is given for, and what of them a follower lacks.

use std::collections::VecDeque;

use axum::body::Bytes;
use relatch_core::{
    Timestamp,
    revocation::{Backlog, Position},
};

use super::{event, follower::Place};

/// How many events a follower is handed at once: all that it holds by itself.
const HANDFUL: usize = 64;

/// The events after `begin` up to `end`.
pub(super) struct Tail {
    epoch: String,
    begin: u64,
    end: u64,
    events: VecDeque<(u64, Bytes)>,
    buffer: usize,
    /// How many heartbeats there were.
    beats: u64,
    /// What the last one said, as of the end.
    heartbeat: Bytes,
    beat_at: Timestamp,
    closed: bool,
}

/// What a follower lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// These events, after which it knows everything up to that sequence.
    Events(Vec<Bytes>, u64),
    /// A heartbeat, of that number.
    Beat(Bytes, u64),
    /// Nothing.
    Nothing,
    /// More than is kept here.
    Behind,
    /// Everything: the sequence is one of another timeline.
    Reset,
    /// There is nothing to follow any more.
    Closed,
}

impl Tail {
    /// That begins at the end.
    pub(super) fn at(end: Position, buffer: usize) -> Self {
        Self {
            epoch: end.epoch,
            begin: end.sequence,
            end: end.sequence,
            events: VecDeque::new(),
            buffer,
            beats: 0,
            heartbeat: Bytes::new(),
            beat_at: Timestamp::default(),
            closed: false,
        }
    }

    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Adds what came after the end; whether that was anything.
    pub(super) fn take(&mut self, backlog: Backlog) -> bool {
        let Position { epoch, sequence } = backlog.last;
        if epoch != self.epoch {
            // Whoever followed the other timeline is told; the next look begins where this one stands.
            let end = Position { epoch, sequence };
            let (beats, closed) = (self.beats, self.closed);
            *self = Self {
                beats,
                closed,
                ..Self::at(end, self.buffer)
            };
            return true;
        }
        if sequence <= self.end {
            return false;
        }
        for (sequence, revocation) in &backlog.entries {
            let id = self.position(*sequence);
            let event = event::revoked(&id, revocation);
            self.events.push_back((*sequence, event));
        }
        self.end = sequence;
        while self.events.len() > self.buffer {
            if let Some((oldest, _)) = self.events.pop_front() {
                self.begin = oldest;
            }
        }
        self.write_heartbeat();
        true
    }

    pub(super) fn beat(&mut self, at: Timestamp) {
        self.beats += 1;
        self.beat_at = at;
        self.write_heartbeat();
    }

    /// Whoever gets it knows everything up to the end: an older end would take him back.
    fn write_heartbeat(&mut self) {
        if self.beats > 0 {
            let end = self.position(self.end);
            self.heartbeat = event::heartbeat(&end, self.beat_at);
        }
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// The next of what a follower at that place lacks; heartbeats come after everything that they speak of.
    pub(super) fn since(&self, place: &Place) -> Since {
        if self.closed {
            return Since::Closed;
        }
        if place.epoch != self.epoch || place.sequence > self.end {
            return Since::Reset;
        }
        if place.sequence < self.begin {
            return Since::Behind;
        }
        let new = self
            .events
            .partition_point(|event| event.0 <= place.sequence);
        let handful: Vec<_> = self.events.range(new..).take(HANDFUL).collect();
        if let Some((last, _)) = handful.last() {
            let events = handful.iter().map(|event| event.1.clone()).collect();
            return Since::Events(events, *last);
        }
        if place.beats < self.beats && !self.heartbeat.is_empty() {
            return Since::Beat(self.heartbeat.clone(), self.beats);
        }
        Since::Nothing
    }

    fn position(&self, sequence: u64) -> Position {
        Position {
            epoch: self.epoch.clone(),
            sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use relatch_core::revocation::{Revocation, Revoked};

    use super::*;

    fn position(epoch: &str, sequence: u64) -> Position {
        Position {
            epoch: epoch.to_owned(),
            sequence,
        }
    }

    fn backlog(epoch: &str, sequences: std::ops::RangeInclusive<u64>) -> Backlog {
        let entry = |sequence: u64| {
            let what = Revoked::Key(sequence.to_string());
            let until = Timestamp::default();
            (sequence, Revocation { what, until })
        };
        Backlog {
            last: position(epoch, *sequences.end()),
            entries: sequences.map(entry).collect(),
            more: false,
        }
    }

    fn place(epoch: &str, sequence: u64) -> Place {
        Place {
            epoch: epoch.to_owned(),
            sequence,
            beats: 0,
        }
    }

    fn told(tail: &Tail, sequence: u64) -> Option<(usize, u64)> {
        match tail.since(&place("e", sequence)) {
            Since::Events(events, last) => Some((events.len(), last)),
            _ => None,
        }
    }

    #[test]
    fn a_follower_gets_what_it_lacks_in_handfuls() {
        let mut tail = Tail::at(position("e", 10), 1_000);
        assert_eq!(tail.since(&place("e", 10)), Since::Nothing);
        assert!(tail.take(backlog("e", 11..=13)) && !tail.take(backlog("e", 11..=13)));
        assert_eq!(told(&tail, 10), Some((3, 13)));
        assert_eq!(told(&tail, 12), Some((1, 13)));
        assert_eq!(tail.since(&place("e", 13)), Since::Nothing);
        assert_eq!(tail.since(&place("e", 9)), Since::Behind);
        tail.take(backlog("e", 14..=200));
        assert_eq!(told(&tail, 13), Some((HANDFUL, 13 + HANDFUL as u64)));
    }

    #[test]
    fn what_is_older_than_the_buffer_is_not_kept() {
        let mut tail = Tail::at(position("e", 0), 4);
        tail.take(backlog("e", 1..=10));
        assert_eq!(tail.since(&place("e", 5)), Since::Behind);
        assert_eq!(told(&tail, 6), Some((4, 10)));
    }

    #[test]
    fn a_sequence_that_was_swept_before_it_was_seen_is_passed() {
        let mut tail = Tail::at(position("e", 0), 4);
        let mut swept = backlog("e", 1..=3);
        swept.entries.clear();
        tail.take(swept);
        assert_eq!(
            (tail.end(), tail.since(&place("e", 0))),
            (3, Since::Nothing)
        );
        tail.beat(Timestamp::default());
        assert!(matches!(tail.since(&place("e", 0)), Since::Beat(_, 1)));
    }

    #[test]
    fn a_heartbeat_comes_after_what_it_speaks_of() {
        let mut tail = Tail::at(position("e", 0), 4);
        tail.take(backlog("e", 1..=1));
        tail.beat(Timestamp::from_seconds(7));
        assert_eq!(told(&tail, 0), Some((1, 1)));
        let Since::Beat(beat, number) = tail.since(&place("e", 1)) else {
            panic!("no heartbeat");
        };
        assert!(beat.ends_with(b"data: {\"id\":\"e.1\",\"at\":7}\n\n"));
        let seen = Place {
            beats: number,
            ..place("e", 1)
        };
        assert_eq!(tail.since(&seen), Since::Nothing);
        tail.take(backlog("e", 2..=2));
        let Since::Beat(beat, _) = tail.since(&place("e", 2)) else {
            panic!("no heartbeat");
        };
        assert!(
            beat.ends_with(b"data: {\"id\":\"e.2\",\"at\":7}\n\n"),
            "it takes nobody back"
        );
    }

    #[test]
    fn another_timeline_is_told_and_begun_where_it_stands() {
        let mut tail = Tail::at(position("e", 5), 4);
        assert!(tail.take(backlog("f", 6..=6)));
        assert_eq!(tail.since(&place("e", 5)), Since::Reset);
        assert_eq!(tail.since(&place("f", 6)), Since::Nothing);
        assert_eq!(tail.since(&place("f", 7)), Since::Reset);
        tail.close();
        assert_eq!(tail.since(&place("f", 6)), Since::Closed);
    }
}
