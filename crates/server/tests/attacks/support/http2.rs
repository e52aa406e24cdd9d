//! HTTP/2 frame by frame (RFC 9113), so that every rule of it can be broken.

use std::time::{Duration, Instant};

use super::{
    Connection,
    tls::{Hello, Secure},
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame as it comes.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error of a RST_STREAM or a GOAWAY.
    pub(crate) fn error(&self) -> Option<u32> {
        let place = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        let bytes = self.payload.get(place..place + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().unwrap()))
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// One header without compression (RFC 7541 §6.2.2).
pub(crate) fn header(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(name), &text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut bytes = if length < 127 {
        vec![u8::try_from(length).unwrap()]
    } else {
        let mut bytes = vec![127];
        let mut rest = length - 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128 + 128).unwrap());
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
        bytes
    };
    bytes.extend(text.as_bytes());
    bytes
}

/// The head of a request.
pub(crate) fn head(method: &str, path: &str) -> Vec<u8> {
    [
        header(":method", method),
        header(":scheme", "https"),
        header(":authority", "localhost"),
        header(":path", path),
    ]
    .concat()
}

/// A whole request without a body.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        stream,
        &head("GET", path),
    )
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

impl Secure {
    /// A connection of HTTP/2 on which the client has said nothing yet.
    pub(crate) fn connect_http2(&self) -> Connection {
        let hello = Hello {
            protocol: "h2",
            ..Hello::default()
        };
        self.greet(hello).expect("a handshake")
    }

    /// A connection of HTTP/2 with the client's preface and these settings.
    pub(crate) fn open_http2(&self, settings: &[(u16, u32)]) -> Connection {
        let mut connection = self.connect_http2();
        let settings: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        connection.send(&frame(SETTINGS, 0, 0, &settings));
        connection
    }
}

impl Connection {
    /// The next frame; nothing if the connection is closed, or nothing comes. Pings are answered.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        const ACK: u8 = 1;
        let frame = self.any_frame()?;
        if frame.kind == PING && frame.flags != ACK {
            self.send(&self::frame(PING, ACK, 0, &frame.payload));
        }
        Some(frame)
    }

    fn any_frame(&mut self) -> Option<Frame> {
        let head = self.take(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream,
            payload: self.take(usize::try_from(length).unwrap())?,
        })
    }

    /// Frames until one is what is looked for, or none comes any more; all of them.
    pub(crate) fn frames_until(&mut self, done: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame() {
            let last = done(&frame);
            frames.push(frame);
            if last {
                break;
            }
        }
        frames
    }

    /// Whether the server ends it within so many milliseconds, although every ping is answered.
    pub(crate) fn ends_though_alive_within(&mut self, millis: u64) -> bool {
        let end = Instant::now() + Duration::from_millis(millis);
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.wait_at_most(left.max(Duration::from_millis(1)));
            if self.frame().is_none() {
                return Instant::now() < end;
            }
        }
        false
    }

    /// The body that a stream is answered with.
    pub(crate) fn body_of(&mut self, stream: u32) -> String {
        let ends = |frame: &Frame| {
            frame.stream == stream && (frame.flags & END_STREAM != 0 || frame.kind == RST_STREAM)
        };
        let frames = self.frames_until(ends);
        let body = frames
            .iter()
            .filter(|frame| frame.stream == stream && frame.kind == DATA)
            .flat_map(|frame| frame.payload.clone())
            .collect();
        String::from_utf8(body).unwrap()
    }
}
