//! `relatch resource-server`: a credential is shown once, and known by its name.

use serde_json::json;

use crate::support::{Server, get};

fn follows(server: &Server, credential: &str) -> u16 {
    let request = get("/revocations/snapshot").bearer(credential);
    request.send(server.address).status
}

#[test]
fn a_credential_is_shown_once_and_good_at_once() {
    let server = Server::start(&[]);
    let added = server.runs(&["resource-server", "add", "notes"]);
    let credential = added.out.lines().next().unwrap();
    assert!(credential.starts_with("relatch_rs_") && credential.len() == 54);
    assert!(
        added.out.contains("It is not shown again."),
        "{}",
        added.out
    );
    assert_eq!(follows(&server, credential), 200);
    let scripted = server
        .runs(&["resource-server", "add", "billing", "--json"])
        .json();
    assert_eq!(
        follows(&server, scripted["credential"].as_str().unwrap()),
        200
    );
    let listed = server.runs(&["resource-server", "list"]).out;
    assert!(listed.starts_with("NAME     ADDED\nbilling  "), "{listed}");
    assert!(!listed.contains("relatch_rs_"));
    let listed = server.runs(&["resource-server", "list", "--json"]).json();
    let names: Vec<_> = listed["resource_servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| &server["name"])
        .collect();
    assert_eq!(names, ["billing", "notes"]);
}

#[test]
fn a_removed_one_opens_nothing_and_leaves_its_name() {
    let server = Server::start(&[]);
    let none = server.runs(&["resource-server", "list"]).out;
    assert!(none.starts_with("No resource servers."), "{none}");
    let credential = server
        .runs(&["resource-server", "add", "notes", "--json"])
        .json()["credential"]
        .as_str()
        .unwrap()
        .to_owned();
    let again = server.run(&["resource-server", "add", "notes"]);
    again.failed(1, "there is a resource server notes already");
    assert_eq!(follows(&server, &credential), 200);
    let removed = server
        .runs(&["resource-server", "remove", "notes", "--json"])
        .json();
    assert_eq!(removed, json!({ "removed": "notes" }));
    assert!(crate::support::eventually(
        || follows(&server, &credential) == 401
    ));
    server
        .run(&["resource-server", "remove", "notes"])
        .failed(3, "there is no resource server notes");
    server
        .run(&["resource-server", "add", "Not A Name"])
        .failed(1, "1 to 64 of a to z");
    server.runs(&["resource-server", "add", "notes"]);
}
