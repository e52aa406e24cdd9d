//! The way in: the first administrator, and a user without a password.

use serde_json::json;

use crate::{
    support::{Server, Tokens, account::PASSWORD, get, post},
    tool::relatch,
};

const CREATE: [&str; 5] = ["admin", "create", "root", "--email", "root@example.com"];

const NEW: &str = "another horse, another staple";

#[test]
fn the_first_administrator_may_do_everything_at_once() {
    let server = Server::start(&[]);
    let said = server.folder.run(&CREATE, PASSWORD).done();
    assert!(said.out.contains("may do everything"), "{said:?}");
    let root = Tokens::of(&server.log_in("root", PASSWORD));
    let roles = get("/admin/v1/roles")
        .bearer(&root.access)
        .send(server.address);
    let made = json!([{ "name": "administrator", "permissions": ["relatch:*"] }]);
    assert_eq!(roles.json()["roles"], made);
    let body = json!({ "username": "ada", "email": "ada@example.com" });
    let made = post("/admin/v1/users")
        .bearer(&root.access)
        .json(&body)
        .send(server.address);
    assert_eq!(made.status, 201, "{}", made.text());
    let second = [
        "admin",
        "create",
        "other",
        "--email",
        "o@example.com",
        "--json",
    ];
    let said = server.folder.run(&second, PASSWORD).done().json();
    assert_eq!(said["user"]["username"], "other");
    assert_eq!(server.log_in("other", PASSWORD).status, 200);
}

#[test]
fn what_is_in_the_way_of_an_administrator_is_said_with_the_next_step() {
    let nowhere = [&CREATE[..], &["--data", "/nonexistent"]].concat();
    relatch(&nowhere, PASSWORD).failed(3, "relatch serve");
    let server = Server::start(&[]);
    server.register("root");
    server
        .folder
        .run(&CREATE, PASSWORD)
        .failed(1, "relatch user roles root --set administrator");
    let mut create = CREATE;
    create[2] = "ada";
    server
        .folder
        .run(&create, "short")
        .failed(1, "8 characters");
    server.folder.run(&create, "").failed(1, "empty");
    server
        .folder
        .run(
            &["admin", "create", "a b", "--email", "x@example.com"],
            PASSWORD,
        )
        .failed(1, "a b");
    assert_eq!(
        server.runs(&["role", "list", "--json"]).json()["roles"],
        json!([])
    );
    server.runs(&["role", "put", "administrator", "notes:read"]);
    server
        .folder
        .run(&create, PASSWORD)
        .failed(1, "relatch role put administrator 'relatch:*'");
    server.run(&["user", "show", "ada"]).failed(3, "no user");
}

#[test]
fn a_user_chooses_a_password_with_a_code_from_the_command_line() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let said = server.runs(&["user", "reset-code", "ada"]);
    let code = said.out.lines().next().unwrap();
    assert!(said.out.contains("1 hour"), "{said:?}");
    server.turn(&tokens);
    let body = json!({ "username": "ada", "code": code, "new_password": NEW });
    let reset = post("/auth/password/reset")
        .json(&body)
        .send(server.address);
    assert_eq!((reset.status, &reset.json()["ended"]), (200, &json!(1)));
    assert_eq!(server.log_in("ada", NEW).status, 200);
    let story = server.runs(&["session", "explain", &tokens.session]);
    assert!(story.out.contains("one-time code"), "{story:?}");
    let json = server.runs(&["user", "reset-code", "ada", "--json"]).json();
    assert!(json["code"].as_str().is_some_and(|code| code.len() == 23));
    server
        .run(&["user", "reset-code", "eve"])
        .failed(3, "no user eve");
}
