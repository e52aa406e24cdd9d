//! Two who act at once: nobody uses a right that is being taken from him, and somebody is always left.

use serde_json::{Value, json};

use super::{holder, look, orders, put, user_id, with};
use crate::support::{Server, Tokens, at_once, request};

/// Whether that one still administers.
fn administers(server: &Server, tokens: &Tokens) -> bool {
    look(server, tokens, "/admin/v1/users").status == 200
}

#[test]
fn two_who_remove_each_other_leave_one_administrator() {
    let server = Server::start(&[("session.max_per_user", "500")]);
    for (round, which) in [0, 2, 5, 0, 2, 5].into_iter().enumerate() {
        let names = [format!("a{round}"), format!("b{round}")];
        let pair = names
            .each_ref()
            .map(|name| holder(&server, name, &["relatch:*"]));
        let ids = pair.each_ref().map(|tokens| user_id(&server, tokens));
        let replies = at_once(2, |number| {
            let (by, about) = (&pair[number], 1 - number);
            let mut orders = orders(&ids[about], &pair[about].session);
            let (method, path, body): (_, String, Value) = orders.swap_remove(which);
            with(by, request(method, &path), &body).send(server.address)
        });
        let done = replies.iter().filter(|reply| reply.status == 200).count();
        let left = pair.iter().filter(|one| administers(&server, one)).count();
        assert_eq!((done, left), (1, 1), "round {round}: {replies:?}");
        // The next round has the first two to itself.
        for name in &names {
            server.run(&["user", "delete", name, "--yes"]);
        }
    }
}

#[test]
fn a_role_that_is_taken_while_it_is_used_gives_nothing_afterwards() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    for round in 0..6 {
        let name = format!("gil{round}");
        let gil = holder(&server, &name, &["relatch:grant"]);
        let path = format!("/admin/v1/users/{}/roles", user_id(&server, &gil));
        let replies = at_once(9, |number| {
            if number == 0 {
                return put(&server, &root, &path, &json!({ "roles": [] }));
            }
            let role = format!("/admin/v1/roles/r{round}-{number}");
            put(&server, &gil, &role, &json!({ "permissions": ["notes:*"] }))
        });
        assert_eq!(replies[0].status, 200);
        for reply in &replies[1..] {
            assert!(matches!(reply.status, 201 | 403 | 404), "{}", reply.text());
        }
        // In the order of the record, nothing of his comes after the loss.
        let rows = names_of_events(&server);
        let lost = rows
            .iter()
            .rposition(|row| row.0 == "user.roles_assigned")
            .unwrap();
        let by = user_id(&server, &gil);
        let late = rows[lost..]
            .iter()
            .any(|row| row.1.contains(&by) && row.0 == "role.changed");
        assert!(!late, "round {round}: {rows:?}");
    }
}

fn names_of_events(server: &Server) -> Vec<(String, String)> {
    let database = server.folder.open_database();
    let sql = "SELECT name, coalesce(detail, '') FROM event ORDER BY number";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
