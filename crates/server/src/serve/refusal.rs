//! hyper itself answers a head that it cannot read or that is too large, with a status and nothing else, and asks nobody. Here such
//! an answer gets the shape of every other error on its way out.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    app::App,
    http::{self, Peer},
};

/// A connection of HTTP/1.1 under hyper.
pub(super) struct Refusing<S> {
    stream: S,
    app: Arc<App>,
    peer: Option<Peer>,
    /// What goes out in place of what hyper wrote.
    waiting: Vec<u8>,
}

impl<S> Refusing<S> {
    pub(super) fn over(stream: S, app: Arc<App>, peer: Option<Peer>) -> Self {
        Self {
            stream,
            app,
            peer,
            waiting: Vec::new(),
        }
    }
}

impl<S: AsyncWrite + Unpin> Refusing<S> {
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let stream = Pin::new(&mut self.stream);
            match ready!(stream.poll_write(context, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(self.waiting.drain(..written)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The status and the date of an answer that is none of ours.
fn refusal(head: &[u8]) -> Option<(StatusCode, &str)> {
    // Most answers end here.
    if !head.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let lines = text.strip_suffix("\r\n\r\n")?;
    let status = StatusCode::from_bytes(head.get(9..12)?).ok()?;
    let value = |wanted: &str| {
        lines.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let ours = value("x-request-id").is_some();
    let empty = value("content-length") == Some("0");
    (empty && !ours).then(|| (status, value("date").unwrap_or_default()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_drain(context))?;
        if let Some((status, date)) = refusal(bytes)
            && let Some(answer) = http::refuse(&this.app, this.peer, status, date)
        {
            this.waiting = answer;
            // Whatever does not go out now does when hyper flushes.
            if let Poll::Ready(Err(error)) = this.poll_drain(context) {
                return Poll::Ready(Err(error));
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &str) -> Option<(u16, &str)> {
        refusal(head.as_bytes()).map(|(status, date)| (status.as_u16(), date))
    }

    #[test]
    fn only_what_nobody_of_ours_answered_is_put_into_shape() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        assert_eq!(found(bare), Some((431, "now")));
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nX-Request-Id: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n{",
            "HTTP/1.1 400 in the middle of a body",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
