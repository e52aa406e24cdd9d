//! A notes API, as a user of `relatch-verify` would write it. The whole of its authentication is in `main` and in the
//! arguments of the handlers; everything else is about notes.

mod notes;
mod store;

use std::env::Args;
use std::error::Error;

use axum::Router;
use relatch_verify::axum::Authenticate;
use relatch_verify::dpop::Dpop;
use relatch_verify::{Feed, KeySource, ResourceServer, Verifier};
use store::Store;
use tokio::net::TcpListener;

const USAGE: &str = "notes [--issuer URL] [--audience NAME] [--credential FILE] [--listen ADDRESS] \
    [--url URL] [--file FILE]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let options = Options::read(std::env::args())?;
    let listener = TcpListener::bind(&options.listen).await?;
    let here = format!("http://{}", listener.local_addr()?);

    // Tokens of this issuer, meant for this API; the two clocks may differ by five seconds.
    let verifier = Verifier::new(&options.issuer, &options.audience).leeway(5);
    let mut feed = Feed::of(&options.issuer);
    if let Some(file) = &options.credential {
        feed = feed.credential(std::fs::read_to_string(file)?.trim());
    }
    let url = options.url.as_ref().unwrap_or(&here);
    let server = ResourceServer::builder(verifier)
        .dpop(Dpop::at(url)?)
        .follow(feed)
        .fetch(KeySource::of(&options.issuer))?;

    println!("Notes are at {here}/notes");
    axum::serve(listener, app(server, Store::open(options.file.as_ref())?)).await?;
    Ok(())
}

/// The API, behind the layer that reads tokens.
fn app(server: ResourceServer, store: Store) -> Router {
    notes::routes(store).layer(Authenticate::new(server))
}

struct Options {
    issuer: String,
    audience: String,
    credential: Option<String>,
    listen: String,
    /// Where clients reach this API: what their proofs of possession are about.
    url: Option<String>,
    file: String,
}

impl Options {
    /// What the command line says. A Relatch server's audience is its issuer unless it is configured.
    fn read(mut args: Args) -> Result<Self, String> {
        let mut issuer = "http://127.0.0.1:8080".to_owned();
        let (mut audience, mut credential, mut url) = (None, None, None);
        let mut listen = "127.0.0.1:3000".to_owned();
        let mut file = "notes.db".to_owned();
        args.next();
        while let Some(option) = args.next() {
            let value = args.next().ok_or(USAGE)?;
            match option.as_str() {
                "--issuer" => issuer = value,
                "--audience" => audience = Some(value),
                "--credential" => credential = Some(value),
                "--listen" => listen = value,
                "--url" => url = Some(value),
                "--file" => file = value,
                _ => return Err(USAGE.to_owned()),
            }
        }
        let audience = audience.unwrap_or_else(|| issuer.clone());
        Ok(Self {
            issuer,
            audience,
            credential,
            listen,
            url,
            file,
        })
    }
}

#[cfg(test)]
mod tests;
