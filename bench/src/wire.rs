//! The little of HTTP/1.1 that a measuring client needs: where an answer's head ends, its status and
//! its length. It reads answers with `Content-Length` only, which is what the server sends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// An answer's first part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Bytes up to the body.
    pub(crate) length: usize,
    /// Bytes of the body.
    pub(crate) body: usize,
}

impl Head {
    /// Bytes of the whole answer.
    pub(crate) fn total(&self) -> usize {
        self.length.saturating_add(self.body)
    }
}

/// The head of the answer that `bytes` begin with, once it is there in full.
pub(crate) fn head(bytes: &[u8]) -> Option<Head> {
    let length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = bytes.get(..length)?;
    let status = std::str::from_utf8(lines.get(9..12)?).ok()?.parse().ok()?;
    let body = header(lines, "content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    Some(Head {
        status,
        length,
        body,
    })
}

/// The value of a header in an answer's head.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (before, after) = line.split_at_checked(name.len())?;
        let value = after.strip_prefix(b":")?;
        if !before.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        Some(std::str::from_utf8(value).ok()?.trim())
    })
}

/// Sends `request` and reads the whole answer into `buffer`, which it clears first.
///
/// # Errors
/// The connection broke, or ended before the answer did.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    buffer: &mut Vec<u8>,
) -> io::Result<Head> {
    stream.write_all(request).await?;
    buffer.clear();
    let mut found = None;
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        found = found.or_else(|| head(buffer));
        if let Some(head) = found.filter(|head| buffer.len() >= head.total()) {
            return Ok(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, head, header};

    const ANSWER: &[u8] =
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nX-Request-Id: a\r\n\r\n{}";

    #[test]
    fn a_head_is_found_once_it_is_whole() {
        let whole = Head {
            status: 401,
            length: ANSWER.len() - 2,
            body: 2,
        };
        assert_eq!(head(ANSWER), Some(whole));
        assert_eq!(head(&ANSWER[..ANSWER.len() - 3]), None);
        assert_eq!(header(ANSWER, "x-request-id"), Some("a"));
        assert_eq!(header(ANSWER, "x-request"), None);
    }
}
