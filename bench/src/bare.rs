//! What every figure is held against: an axum server that answers a constant and does nothing else.
//! It runs as a process of its own, as the server under test does.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::failure::{Doing, Result};

/// Serves until the process is ended.
///
/// # Errors
/// No port, or no threads.
pub(crate) fn serve() -> Result<()> {
    let runtime = Runtime::new().doing("starting threads")?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.doing("binding")?;
        let address = listener.local_addr().doing("binding")?;
        println!("listening on http://{address}");
        let router = Router::new().route("/", get(|| async { "ok" }));
        axum::serve(listener, router).await.doing("serving")
    })
}
