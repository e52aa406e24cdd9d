//! A service with all of Relatch inside: its routes lie under `/auth-server`, and the service's own are for whoever logged in
//! there. One process, one port, one folder.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use relatch::{Config, Relatch};
use relatch_verify::Claims;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let listen = words.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let folder = words.next().unwrap_or_else(|| "service-data".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;

    // From here on it is about Relatch.
    let issuer = format!("http://{address}/auth-server");
    let config = Config::in_folder(folder).issued_by(issuer);
    let relatch = Relatch::open(config).await?;
    let stop = relatch::signal();
    let app = Router::new()
        .nest("/auth-server", relatch.router())
        .merge(relatch.protect(routes()))
        .into_make_service_with_connect_info::<SocketAddr>();
    println!("listening on http://{address}");
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    relatch.stop().await;
    Ok(())
}

/// What the service is there for.
fn routes() -> Router {
    Router::new().route("/hello", get(hello))
}

async fn hello(caller: Claims) -> String {
    format!("Hello, {}.", caller.sub)
}
