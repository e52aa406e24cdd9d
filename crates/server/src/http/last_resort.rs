//! What is answered when a handler panics: an error like any other, to that request alone. The log has the place.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;

/// The answer of a handler; without this the connection would end, and with it whatever else runs on it.
pub(super) async fn answered(handler: impl Future<Output = Response>) -> Response {
    let mut handler = pin!(handler);
    poll_fn(|context| {
        // Nothing of a handler is looked at after it panicked, and what it shares is behind locks that say so.
        let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Problem::internal("panic").into_response()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_an_error_of_that_request_alone() {
        let answer = answered(async {
            tokio::task::yield_now().await;
            panic!("a secret")
        })
        .await;
        assert_eq!(answer.status(), 500);
    }

    #[tokio::test]
    async fn a_handler_that_does_not_is_not_touched() {
        let answer = answered(async { axum::http::StatusCode::CREATED.into_response() }).await;
        assert_eq!(answer.status(), 201);
    }
}
