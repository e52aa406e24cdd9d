//! `relatch resource-server`.

use clap::Subcommand;
use relatch_core::{
    Store,
    resource_server::{
        ResourceServer, ResourceServerName,
        administer::{self, ResourceServerError},
    },
};
use serde_json::{Value, json};

use super::{Failure, output::table, place::Common, words};
use crate::{entropy::SystemEntropy, http::time};

/// What can be done with resource servers.
#[derive(Subcommand)]
pub(super) enum ResourceServerCommand {
    /// Give a resource server a credential, and print it: it is not shown again.
    #[command(after_help = "\
With the credential a service follows revocations (GET /revocations) and asks about tokens (POST /introspect); it lets nobody log
in and reads no account. Only its hash is kept. It is good within a tenth of a second, beside a running server as well.

  relatch resource-server add notes
  relatch resource-server add notes --json | jq -r .credential > notes.credential")]
    Add {
        /// What the records call it: 1 to 64 of a to z, 0 to 9, '.', '_' and '-'.
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// List the resource servers.
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Take a resource server's credential back: streams that it follows end within a second.
    #[command(after_help = "\
To give a service another credential without a gap, add it under a second name, give it that one, and remove the first.

  relatch resource-server remove notes")]
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs one of them.
pub(super) fn run(command: &ResourceServerCommand) -> Result<(), Failure> {
    match command {
        ResourceServerCommand::Add { name, common } => add(name, common),
        ResourceServerCommand::List { common } => list(common),
        ResourceServerCommand::Remove { name, common } => remove(name, common),
    }
}

fn add(name: &str, common: &Common) -> Result<(), Failure> {
    let name = parse(name)?;
    let opened = common.place.open()?;
    let store: &dyn Store = opened.store.as_ref();
    let by = opened.administrator();
    let credential = opened
        .wait(administer::add(store, &SystemEntropy, name.clone(), by))
        .map_err(|error| failure(error, &name))?;
    let value = json!({ "resource_server": name.as_str(), "credential": credential.expose() });
    common.output.print(&value, || {
        format!(
            "{}\n\nThe credential of {}. It is not shown again.",
            credential.expose(),
            name.as_str()
        )
    });
    Ok(())
}

fn list(common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let servers = opened.wait(opened.store.load_resource_servers())?;
    let shown: Vec<_> = servers.iter().map(shape).collect();
    common
        .output
        .print(&json!({ "resource_servers": shown }), || {
            if servers.is_empty() {
                return "No resource servers. `relatch resource-server add NAME` adds one."
                    .to_owned();
            }
            let row = |server: &ResourceServer| {
                [
                    server.name.as_str().to_owned(),
                    words::moment(server.created_at),
                ]
            };
            let rows: Vec<_> = servers.iter().map(row).collect();
            table(["NAME", "ADDED"], &rows)
        });
    Ok(())
}

fn remove(name: &str, common: &Common) -> Result<(), Failure> {
    let name = parse(name)?;
    let opened = common.place.open()?;
    let store: &dyn Store = opened.store.as_ref();
    let by = opened.administrator();
    opened
        .wait(administer::remove(store, name.clone(), by))
        .map_err(|error| failure(error, &name))?;
    common
        .output
        .print(&json!({ "removed": name.as_str() }), || {
            format!("Removed {}: its credential opens nothing.", name.as_str())
        });
    Ok(())
}

fn parse(text: &str) -> Result<ResourceServerName, Failure> {
    let parsed = ResourceServerName::parse(text);
    Ok(parsed.map_err(|fault| format!("{}: {fault}", words::argument(text)))?)
}

fn failure(error: ResourceServerError, name: &ResourceServerName) -> Failure {
    let name = name.as_str();
    match error {
        ResourceServerError::NameTaken => Failure::Failed(format!(
            "there is a resource server {name} already: remove it first, or take another name"
        )),
        ResourceServerError::Refused(refusal) => Failure::Failed(refusal.to_string()),
        ResourceServerError::NotFound => Failure::NotFound(format!(
            "there is no resource server {name}: `relatch resource-server list` shows them"
        )),
        ResourceServerError::Store(error) => error.into(),
    }
}

fn shape(server: &ResourceServer) -> Value {
    json!({ "name": server.name.as_str(), "created_at": time(server.created_at) })
}
