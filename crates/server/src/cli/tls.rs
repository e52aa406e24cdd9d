//! `relatch tls`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{Failure, chain, output::Output, place::Place};
use crate::{
    app,
    clock::{Clock as _, SystemClock},
    config::Overrides,
    http::time,
    tls::dev::{self, DevError, DevFiles, Made},
};

/// What every certificate for development is good for.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What can be done about HTTPS.
#[derive(Subcommand)]
pub(super) enum Tls {
    /// Make a certificate for development, and an authority of one's own that browsers can be told to trust.
    ///
    /// The authority is made once and kept; the certificate, good for 90 days, is made anew each time, and a running server
    /// takes it up within seconds. The authority can vouch for names that are nobody's on the Internet (localhost, *.test,
    /// private addresses …) and for nothing else, so that its key is of little use to a thief.
    #[command(after_help = "\
  relatch tls dev
  relatch tls dev --name auth.app.test --name 192.168.1.20")]
    Dev {
        /// A name or an address beside localhost, 127.0.0.1 and ::1; more than once if need be.
        #[arg(long = "name", value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
}

/// Runs one of them.
pub(super) fn run(command: &Tls) -> Result<(), Failure> {
    match command {
        Tls::Dev {
            names,
            place,
            output,
        } => make(names, place, *output),
    }
}

fn make(names: &[String], place: &Place, output: Output) -> Result<(), Failure> {
    let config = place.load(Overrides::default())?;
    let folder = absolute(&config.server.data_dir.join("tls-dev"))?;
    app::make_private(&folder)
        .map_err(|error| format!("the folder {} cannot be used: {error}", folder.display()))?;
    let files = DevFiles::in_folder(&folder);
    let local = LOCAL.iter().map(|name| (*name).to_owned());
    let mut all: Vec<_> = local.collect();
    for name in names {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    let made = dev::make(&files, &all, SystemClock.now())?;
    let value = json!({
        "names": all,
        "certificate_file": files.certificate,
        "key_file": files.key,
        "valid_until": time(made.ends),
        "ca_file": files.ca,
        "ca_fingerprint": made.fingerprint,
        "ca_is_new": made.new_ca,
    });
    output.print(&value, || told(&files, &all, &made));
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    Ok(std::path::absolute(path).map_err(chain)?)
}

impl From<DevError> for Failure {
    fn from(error: DevError) -> Self {
        match error {
            DevError::Name(_) => Self::Usage(chain(error)),
            _ => Self::Failed(chain(error)),
        }
    }
}

fn told(files: &DevFiles, names: &[String], made: &Made) -> String {
    let DevFiles {
        ca,
        certificate,
        key,
        ..
    } = files;
    let (ca, certificate, key) = (ca.display(), certificate.display(), key.display());
    let until = time(made.ends);
    let authority = if made.new_ca {
        "The authority that signed it is new: nothing trusts it yet."
    } else {
        "The authority that signed it is the one from before."
    };
    let (names, fingerprint) = (names.join(", "), &made.fingerprint);
    format!(
        "\
A certificate for {names}, good until {until}.
{authority}

Serve it: in relatch.toml

  [tls]
  certificate_files = [\"{certificate}\"]
  key_files = [\"{key}\"]

Trust its authority, {ca}
(SHA-256 {fingerprint}):

  curl             curl --cacert {ca} https://localhost:8080/health/live
  Node.js          export NODE_EXTRA_CA_CERTS={ca}
  Debian, Ubuntu   sudo cp {ca} /usr/local/share/ca-certificates/relatch-dev.crt && sudo update-ca-certificates
  macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {ca}
  Windows          certutil -user -addstore Root {ca}
  Firefox          Settings, Privacy & Security, View Certificates, Authorities, Import
  Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n relatch-dev -i {ca}

This is for development: other people's machines trust none of it, and should not."
    )
}
