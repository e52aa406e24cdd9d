//! The guide that leads to the services, as a reader follows it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::Server;

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap()
}

/// The folder of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// What the guide says of each answer, in its order: the status, and for some the permission that was missing.
const SAID: [(&str, &str); 5] = [
    ("401", "Bearer"),
    ("403", r#"scope="notes:read""#),
    ("201", r#""text":"milk""#),
    ("200", r#""text":"milk""#),
    ("403", r#"scope="notes:delete""#),
];

/// Types the guide that leads to all services.
pub(crate) fn type_the_guide(server: &Server, service: &SocketAddr) {
    type_guide(&root().join("docs/resource-servers.md"), server, service);
}

/// Types all of a guide's lines into one shell, for this server and this service, but for those that start the two.
pub(crate) fn type_guide(guide: &Path, server: &Server, service: &SocketAddr) {
    let guide = std::fs::read_to_string(guide).unwrap();
    let (api, notes) = (
        format!("API=http://{}", server.address),
        format!("NOTES=http://{service}"),
    );
    let lines = shell_blocks(&guide)
        .replace("API=http://127.0.0.1:8080", &api)
        .replace("NOTES=http://127.0.0.1:3000", &notes)
        .replace("NOTES=http://127.0.0.1:3001", &notes)
        .replace("target/release/relatch", "relatch");
    let relatch = Path::new(env!("CARGO_BIN_EXE_relatch"));
    let folder = relatch.parent().unwrap().display();
    let script = format!("set -euo pipefail\nexport PATH='{folder}':\"$PATH\"\n{lines}");
    let done = Command::new("bash")
        .args(["-c", &script])
        .env("RELATCH_SERVER_DATA_DIR", server.folder.data())
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).replace(": \"", ":\"");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complaint}");
    let answers: Vec<_> = said.split("HTTP/1.1 ").skip(1).collect();
    assert_eq!(answers.len(), SAID.len(), "{said}");
    for (answer, (status, part)) in answers.iter().zip(SAID) {
        assert!(answer.starts_with(status), "{status} {part}: {answer}");
        assert!(answer.contains(part), "{status} {part}: {answer}");
    }
}

/// Everything in fences of the languages `sh` and `console`, which is how a page says that it wants more than a server, but
/// for what starts a server that then runs.
fn shell_blocks(text: &str) -> String {
    let text = text.replace("```console\n", "```sh\n");
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let blocks = blocks.filter(|block| !block.contains("cargo run"));
    blocks.collect()
}
