//! Refresh tokens that are not ours, or not what they are taken for.

use serde_json::json;

use crate::support::{
    Reply, Server, guarded, post,
    refresh_token::{PREFIX, decode, encode},
};

/// The token is refused as anybody's garbage is.
#[track_caller]
fn refuses(server: &Server, token: &str) {
    let reply = server.refresh(token);
    reply.is(401, "invalid_token");
    assert!(reply.json().get("reason").is_none());
    assert!(
        reply
            .header("www-authenticate")
            .is_some_and(|asked| asked.starts_with("Bearer"))
    );
}

#[test]
fn a_refresh_token_with_any_one_bit_flipped_is_garbage() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let mut connection = crate::support::Connection::open(server.address);
    for place in 0..54 {
        for bit in 0..8 {
            let mut bytes = decode(&owner.refresh);
            bytes[place] ^= 1 << bit;
            connection.send(&post("/auth/refresh").bearer(&encode(&bytes)).bytes());
            let reply = connection.read().unwrap();
            assert_eq!(
                reply.outcome(),
                (401, "invalid_token".to_owned()),
                "byte {place} bit {bit}"
            );
        }
    }
    server.is_unharmed(&owner);
}

#[test]
fn a_refresh_token_cut_off_or_drawn_out_is_garbage() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let bytes = decode(&owner.refresh);
    for length in [0, 1, 2, 18, 22, 37, 38, 52, 53] {
        refuses(&server, &encode(&bytes[..length]));
    }
    for length in [
        1,
        PREFIX.len(),
        owner.refresh.len() - 4,
        owner.refresh.len() - 1,
    ] {
        refuses(&server, &owner.refresh[..length]);
    }
    for more in [&[0][..], &[0; 3], &[0xff; 54]] {
        refuses(&server, &encode(&[&bytes[..], more].concat()));
    }
    for more in ["A", "=", "==", "AAAA", "%00", "."] {
        refuses(&server, &format!("{}{more}", owner.refresh));
    }
    server.is_unharmed(&owner);
}

#[test]
fn a_refresh_token_has_one_spelling() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let bytes = decode(&owner.refresh);
    let text = &owner.refresh[PREFIX.len()..];
    let hex = bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let spellings = [
        text.to_owned(),
        format!("RELATCH_RT_{text}"),
        format!("{PREFIX}{PREFIX}{text}"),
        format!("{PREFIX}{hex}"),
        format!("{PREFIX}{}", text.to_ascii_uppercase()),
        format!("{PREFIX} {text}"),
        format!("\"{}\"", owner.refresh),
        format!(" {}", owner.refresh),
        owner.refresh.replace('_', "%5F"),
    ];
    for spelling in spellings
        .iter()
        .filter(|spelling| **spelling != owner.refresh)
    {
        refuses(&server, spelling);
        let reply = in_body(&server, spelling);
        reply.is(401, "invalid_token");
    }
    // The other alphabet of base64 differs only where the token has a letter of its own.
    let standard = owner
        .refresh
        .replacen(PREFIX, "", 1)
        .replace('-', "+")
        .replace('_', "/");
    if standard != text {
        refuses(&server, &format!("{PREFIX}{standard}"));
    }
    server.is_unharmed(&owner);
}

fn in_body(server: &Server, token: &str) -> Reply {
    post("/auth/refresh")
        .json(&json!({ "refresh_token": token }))
        .send(server.address)
}

#[test]
fn an_access_token_is_no_refresh_token_and_the_other_way_round() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    refuses(&server, &owner.access);
    in_body(&server, &owner.access).is(401, "invalid_token");
    server.log_out(&owner.access).is(401, "invalid_token");
    for request in guarded() {
        request
            .bearer(&owner.refresh)
            .send(server.address)
            .is(401, "invalid_token");
    }
    server.is_unharmed(&owner);
}
