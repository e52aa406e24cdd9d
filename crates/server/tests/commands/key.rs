//! `relatch key` beside a running server.

use serde_json::Value;

use crate::{support::Server, tool::relatch};

fn keys(server: &Server) -> Vec<Value> {
    let keys = server.runs(&["key", "list", "--json"]).json();
    keys["keys"].as_array().unwrap().clone()
}

fn signing<'a>(keys: &'a [Value], state: &str) -> Vec<(&'a str, &'a str)> {
    let found = keys
        .iter()
        .filter(|key| key["purpose"] == "signing" && key["state"] == state);
    let of = |key: &'a Value, name: &str| key[name].as_str().unwrap();
    found
        .map(|key| (of(key, "id"), of(key, "algorithm")))
        .collect()
}

#[test]
fn a_withdrawn_key_is_replaced_as_the_server_wants_it_whatever_the_command_was_told() {
    let server = Server::start(&[("keys.algorithm", "ES256")]);
    let before = keys(&server);
    let [(active, _)] = signing(&before, "active")[..] else {
        panic!("{before:?}")
    };
    let [(standby, _)] = signing(&before, "announced")[..] else {
        panic!("{before:?}")
    };
    let data = server.folder.data();
    let data = data.to_str().unwrap();
    let done = relatch(&["key", "compromise", active, "--data", data, "--json"], "").done();
    let after = done.json()["keys"].as_array().unwrap().clone();
    assert_eq!(signing(&after, "active"), [(standby, "ES256")]);
    let [(next, "ES256")] = signing(&after, "announced")[..] else {
        panic!("{after:?}")
    };
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let kept = keys(&server);
    assert_eq!(
        signing(&kept, "announced"),
        [(next, "ES256")],
        "the server keeps it"
    );
}
