//! `relatch serve`.

use std::net::SocketAddr;

use super::{Failure, chain, place::Place};
use crate::{
    Listeners, Relatch,
    config::{Config, CoreDumps, Overrides},
    memory, open_files, serve,
};

/// What `serve` takes.
#[derive(clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Serves until a signal comes.
pub(super) fn run(arguments: &Serve) -> Result<(), Failure> {
    let _flush = crate::logging::start(super::log_filter().as_deref().unwrap_or("info"))?;
    let config = arguments.place.load(Overrides {
        listen: arguments.listen,
        ..Overrides::default()
    })?;
    if config.server.core_dumps == CoreDumps::Allowed {
        memory::open();
    }
    open_files::raise(config.server.max_connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(chain)?;
    runtime.block_on(serve_until_signal(config))
}

async fn serve_until_signal(mut config: Config) -> Result<(), Failure> {
    let listeners = Listeners::open(&config).await.map_err(chain)?;
    let url = listeners.url().map_err(chain)?;
    let issuer = config.issuer.url.get_or_insert_with(|| url.clone()).clone();
    let docs_page = config.server.docs_page;
    let relatch = Relatch::open(config).await.map_err(chain)?;
    tracing::info!(%url, issuer, "listening");
    let redirect = listeners.redirect_address();
    if let Some(address) = redirect {
        tracing::info!(%address, "leading plain HTTP to HTTPS");
    }
    // Whoever reads that it listens may tell it to stop at once.
    let stop = serve::signal();
    print!("{}", welcome(&url, redirect, docs_page));
    serve::serve(listeners, &relatch, stop).await;
    relatch.stop().await;
    tracing::info!("stopped");
    Ok(())
}

fn welcome(url: &str, redirect: Option<SocketAddr>, docs_page: bool) -> String {
    let page = if docs_page {
        format!("try it in a browser: {url}/docs\n")
    } else {
        String::new()
    };
    let redirect = redirect.map_or_else(String::new, |address| {
        format!("leading plain HTTP on http://{address} there\n")
    });
    format!(
        "\
listening on {url}
{redirect}{page}
Register, call a protected route, refresh:

  TOKENS=$(curl -sS {url}/auth/register -H 'Content-Type: application/json' \\
    -d '{{\"username\":\"ada'$RANDOM'\",\"email\":\"ada@example.com\",\"password\":\"a long enough password\"}}'); echo \"$TOKENS\"
  curl -sS {url}/auth/me -H \"Authorization: Bearer $(echo \"$TOKENS\" | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')\"
  curl -sS -X POST {url}/auth/refresh -H \"Authorization: Bearer $(echo \"$TOKENS\" | sed 's/.*\"refresh_token\":\"\\([^\"]*\\).*/\\1/')\"

"
    )
}
