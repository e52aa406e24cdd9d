//! Passwords and codes tried by whoever does not know them: one account, many accounts, from one address or from thousands.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    Reply, Request, Server, Tokens,
    account::{PASSWORD, registration},
    at_once, post,
};

const COUNTED: (&str, &str) = ("attempts.enabled", "true");

/// Clients come through a proxy that is listed, so that each can have an address of its own.
const PROXIED: (&str, &str) = ("server.trusted_proxies", "127.0.0.1");

const WRONG: &str = "wrong pony, wrong staple";

fn start(settings: &[(&str, &str)]) -> Server {
    let all = [&[COUNTED, PROXIED], settings].concat();
    let server = Server::start(&all);
    server.register("ada");
    server
}

fn login(name: &str, password: &str) -> Request {
    post("/auth/login").json(&json!({ "username": name, "password": password }))
}

/// The same from that address.
fn from(server: &Server, address: &str, request: &Request) -> Reply {
    let request = request.clone().header("X-Forwarded-For", address);
    request.send(server.address)
}

fn guess(server: &Server, address: &str, name: &str) -> Reply {
    from(server, address, &login(name, WRONG))
}

fn address(number: usize) -> String {
    format!("10.1.{}.{}", number / 256, number % 256)
}

/// How many of these are tried before one is not.
fn tried(replies: impl IntoIterator<Item = Reply>) -> (usize, Option<Reply>) {
    let mut count = 0;
    for reply in replies {
        if reply.status == 429 {
            return (count, Some(reply));
        }
        reply.is(401, "invalid_credentials");
        count += 1;
    }
    (count, None)
}

#[track_caller]
fn is_limited_by(reply: &Reply, scope: &str) {
    reply.is(429, "rate_limited");
    let field = reply.header("ratelimit").unwrap();
    assert!(field.starts_with(&format!("\"{scope}\";r=0;t=")), "{field}");
    let wait: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!(field.ends_with(&format!("t={wait}")) && wait > 0, "{field}");
}

#[test]
fn one_account_from_one_address_is_tried_five_times_and_then_in_pauses() {
    let server = start(&[]);
    let guesses = (0..50).map(|_| guess(&server, "192.0.2.7", "ada"));
    let (count, refused) = tried(guesses);
    assert_eq!(count, 5);
    is_limited_by(&refused.unwrap(), "address-account");
}

#[test]
fn one_account_from_a_hundred_addresses_is_tried_ten_times_and_then_in_pauses() {
    let server = start(&[]);
    let guesses = (0..100).map(|number| guess(&server, &address(number), "ada"));
    let (count, refused) = tried(guesses);
    assert_eq!(count, 10);
    is_limited_by(&refused.unwrap(), "account");
}

/// Names and passwords that leaked elsewhere, each tried once.
#[test]
fn credential_stuffing_from_one_address_ends_after_twenty_accounts() {
    let server = start(&[]);
    let guesses = (0..100).map(|number| guess(&server, "192.0.2.7", &format!("user{number}")));
    let (count, refused) = tried(guesses);
    assert_eq!(count, 20);
    is_limited_by(&refused.unwrap(), "address");
}

/// One password at every account, each from an address that nobody has seen yet.
#[test]
fn password_spraying_from_a_thousand_addresses_meets_the_limit_for_the_whole() {
    let server = start(&[("attempts.whole", "40/1h")]);
    let guesses = (0..200).map(|number| guess(&server, &address(number), &format!("user{number}")));
    let (count, refused) = tried(guesses);
    assert_eq!(count, 40);
    is_limited_by(&refused.unwrap(), "whole");
}

#[test]
fn guesses_at_one_moment_are_no_more_than_guesses_in_turn() {
    let server = start(&[("password.queue", "200")]);
    let replies = at_once(64, |_| guess(&server, "192.0.2.7", "ada"));
    let tried = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!(tried, 5);
}

#[test]
fn a_name_in_other_letters_and_a_path_with_a_slash_are_no_second_chance() {
    let server = start(&[]);
    let spellings = ["ada", "ADA", "Ada", "aDa"].into_iter().cycle();
    let guesses = spellings.take(40).enumerate().map(|(number, name)| {
        let path = ["/auth/login", "/auth/login/"][number % 2];
        let body = json!({ "username": name, "password": WRONG });
        from(&server, &address(number), &post(path).json(&body))
    });
    assert_eq!(tried(guesses).0, 10);
}

/// His own account is one whose password an attacker knows.
#[test]
fn a_good_login_of_his_own_between_guesses_resets_nothing() {
    let server = start(&[]);
    server.register("eve");
    let mut guesses = 0;
    for _ in 0..40 {
        let own = from(&server, "192.0.2.7", &login("eve", PASSWORD));
        assert_eq!(own.status, 200);
        guesses += usize::from(guess(&server, "192.0.2.7", "ada").status == 401);
    }
    assert_eq!(guesses, 5);
}

#[test]
fn whoever_hangs_up_before_the_answer_has_tried_all_the_same() {
    let heavy = [("password.memory", "32MiB"), ("password.passes", "3")];
    let server = start(&heavy);
    for _ in 0..5 {
        let request = login("ada", WRONG).header("X-Forwarded-For", "192.0.2.7");
        let mut connection = crate::support::Connection::open(server.address);
        connection.send(&request.bytes());
        crate::support::pause(20);
    }
    crate::support::pause(500);
    is_limited_by(&guess(&server, "192.0.2.7", "ada"), "address-account");
}

/// Each of these would take the hasher a quarter of a second.
#[test]
fn a_flood_of_refused_guesses_never_reaches_the_hasher() {
    let heavy = [
        ("password.memory", "64MiB"),
        ("password.passes", "3"),
        ("password.threads", "1"),
        ("attempts.account", "1/1h"),
    ];
    let server = start(&heavy);
    let begin = Instant::now();
    guess(&server, "192.0.2.7", "ada").is(401, "invalid_credentials");
    let one = begin.elapsed();
    let begin = Instant::now();
    for number in 0..200 {
        is_limited_by(&guess(&server, &address(number), "ada"), "account");
    }
    let flood = begin.elapsed();
    assert!(
        flood < one * 50,
        "200 refusals took {flood:?}, one hash {one:?}"
    );
}

#[test]
fn lockout_of_a_victim_fails_where_he_logged_in_before() {
    let server = start(&[("attempts.whole", "30/1h")]);
    let known = from(&server, "198.51.100.1", &login("ada", PASSWORD));
    let device = known.string("device_token");
    for number in 0..100 {
        guess(&server, &address(number), "ada");
        guess(&server, &address(number), &format!("user{number}"));
    }
    let stranger = from(&server, "198.51.100.1", &login("ada", PASSWORD));
    stranger.is(429, "rate_limited");
    let body = json!({ "username": "ada", "password": PASSWORD, "device_token": device });
    for _ in 0..20 {
        let reply = from(&server, "198.51.100.1", &post("/auth/login").json(&body));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    // Nor does it touch whoever is logged in.
    let tokens = Tokens::of(&known);
    assert_eq!(server.reauthenticate(&tokens.access, PASSWORD).status, 200);
    server.turn(&tokens);
}

#[test]
fn one_address_alone_locks_nobody_out_elsewhere() {
    let server = start(&[]);
    for _ in 0..200 {
        guess(&server, "192.0.2.7", "ada");
    }
    let victim = from(&server, "198.51.100.1", &login("ada", PASSWORD));
    assert_eq!(victim.status, 200, "{}", victim.text());
}

#[test]
fn invented_names_neither_free_a_counter_nor_fill_another() {
    let wide = [
        ("attempts.whole", "100000/100ms"),
        ("attempts.address", "100000/1s"),
    ];
    let server = start(&wide);
    for number in 0..10 {
        guess(&server, &address(number), "ada").is(401, "invalid_credentials");
    }
    server.register("bob");
    for number in 0..3_000 {
        let name = format!("invented-{number}");
        guess(&server, "192.0.2.7", &name).is(401, "invalid_credentials");
    }
    is_limited_by(&guess(&server, "198.51.100.1", "ada"), "account");
    let bob = from(&server, "198.51.100.1", &login("bob", PASSWORD));
    assert_eq!(bob.status, 200, "{}", bob.text());
}

/// Everything that an answer tells but the time and the request's id.
fn told(reply: &Reply) -> (Vec<(String, String)>, String) {
    let mut headers = reply.headers.clone();
    headers.retain(|header| !matches!(header.0.as_str(), "date" | "x-request-id"));
    let text = reply.text().replace(&reply.string("request_id"), "");
    (headers, text)
}

#[test]
fn enumeration_by_429_learns_neither_from_the_answer_nor_from_its_time() {
    let server = start(&[
        ("attempts.account", "10/1h"),
        ("attempts.whole", "10000/1s"),
    ]);
    let names = ["ada", "bob", "no name!", ""];
    let mut times = vec![Vec::new(); names.len()];
    let mut last = vec![None; names.len()];
    let mut counts = [0; 4];
    for number in 0..300 {
        for (place, name) in names.iter().enumerate() {
            let begin = Instant::now();
            let reply = guess(&server, &address(number), name);
            if reply.status == 429 {
                times[place].push(begin.elapsed());
                last[place] = Some(told(&reply));
            } else {
                counts[place] += 1;
            }
        }
    }
    assert_eq!(counts, [10; 4]);
    let wait = |told: &(Vec<(String, String)>, String)| {
        let fields = told.0.iter();
        let names = fields.filter(|field| field.0 != "retry-after" && field.0 != "ratelimit");
        (names.cloned().collect::<Vec<_>>(), told.1.clone())
    };
    let first = wait(last[0].as_ref().unwrap());
    assert!(
        last.iter()
            .all(|told| wait(told.as_ref().unwrap()) == first)
    );
    let medians: Vec<_> = times.into_iter().map(median).collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(
        *most < *least * 2,
        "the medians of {names:?} are {medians:?}"
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn x_forwarded_for_rotation_by_whoever_is_no_listed_proxy_is_no_rotation() {
    let server = Server::start(&[COUNTED, ("server.trusted_proxies", "10.9.9.9")]);
    server.register("ada");
    let guesses = (0..50).map(|number| {
        let request = login("ada", WRONG).header("Forwarded", &format!("for={}", address(number)));
        from(&server, &address(number), &request)
    });
    let (count, refused) = tried(guesses);
    assert_eq!(count, 5);
    is_limited_by(&refused.unwrap(), "address-account");
}

#[test]
fn what_a_client_writes_before_its_proxy_is_no_rotation_either() {
    let server = start(&[]);
    let guesses = (0..50).map(|number| {
        let line = format!("{}, 192.0.2.7", address(number));
        guess(&server, &line, "ada")
    });
    assert_eq!(tried(guesses).0, 5);
}

#[test]
fn ipv6_rotation_within_a_64_is_one_address() {
    let server = start(&[]);
    let within = |number: usize| format!("2001:db8:7:7:{number:x}::{number:x}");
    let guesses = (0..50).map(|number| guess(&server, &within(number), "ada"));
    assert_eq!(tried(guesses).0, 5);
    let beside = guess(&server, "2001:db8:7:8::1", "ada");
    beside.is(401, "invalid_credentials");
}

#[test]
fn ipv4_in_the_clothes_of_ipv6_is_the_same_address() {
    let server = start(&[]);
    let spellings = ["192.0.2.7", "::ffff:192.0.2.7", "[::ffff:c000:207]"]
        .into_iter()
        .cycle();
    let guesses = spellings
        .take(50)
        .map(|address| guess(&server, address, "ada"));
    assert_eq!(tried(guesses).0, 5);
}

#[test]
fn a_thief_of_an_access_token_guesses_the_password_ten_times_on_both_routes_together() {
    let server = start(&[]);
    let owner = Tokens::of(&from(&server, "198.51.100.1", &login("ada", PASSWORD)));
    let mut tried = 0;
    for _ in 0..20 {
        for reply in [
            server.reauthenticate(&owner.access, WRONG),
            server.change_password(&owner.access, WRONG, "taken over by a thief"),
        ] {
            tried += usize::from(reply.status == 401);
        }
    }
    assert_eq!(tried, 10);
    let other = Tokens::of(&from(&server, "198.51.100.2", &login("ada", PASSWORD)));
    assert_eq!(server.reauthenticate(&other.access, PASSWORD).status, 200);
}

#[test]
fn nobody_voids_a_victims_code_by_guessing_wrong() {
    let server = start(&[]);
    let code = server.folder.ask(&["user", "reset-code", "ada"]);
    let code = code["code"].as_str().unwrap().to_owned();
    let redeem = |address: &str, code: &str| {
        let body = json!({ "username": "ada", "code": code, "new_password": "another horse" });
        from(&server, address, &post("/auth/password/reset").json(&body))
    };
    let mut tried = 0;
    for number in 0..300 {
        let wrong = redeem("192.0.2.7", "00000-00000-00000-00000");
        tried += usize::from(wrong.status == 401);
        let login = guess(&server, &address(number), "ada");
        assert!(matches!(login.status, 401 | 429));
    }
    assert_eq!(tried, 5);
    assert_eq!(redeem("198.51.100.1", &code).status, 200);
}

#[test]
fn nobody_keeps_a_victim_from_redeeming_his_code_by_guessing_from_many_networks() {
    let server = start(&[]);
    let code = server.folder.ask(&["user", "reset-code", "ada"]);
    let code = code["code"].as_str().unwrap().to_owned();
    let redeem = |address: &str, code: &str| {
        let body = json!({ "username": "ada", "code": code, "new_password": "another horse" });
        from(&server, address, &post("/auth/password/reset").json(&body))
    };
    for number in 0..100 {
        let wrong = redeem(&address(number), "00000-00000-00000-00000");
        assert_eq!(wrong.status, 401);
    }
    assert_eq!(redeem("198.51.100.1", &code).status, 200);
}

#[test]
fn names_are_probed_and_accounts_made_twenty_times_from_one_address() {
    let server = start(&[]);
    let probe = |name: &str| {
        from(
            &server,
            "192.0.2.7",
            &post("/auth/register").json(&registration(name)),
        )
    };
    let mut counts = (0, 0);
    for number in 0..40 {
        for (name, expected, count) in [
            ("ada".to_owned(), 409, &mut counts.0),
            (format!("robot{number}"), 201, &mut counts.1),
        ] {
            let reply = probe(&name);
            assert!(matches!(reply.status, 429 | 409 | 201), "{}", reply.text());
            *count += usize::from(reply.status == expected);
        }
    }
    assert_eq!(counts, (10, 10));
    let elsewhere = from(&server, "198.51.100.1", &login("ada", PASSWORD));
    assert_eq!(elsewhere.status, 200);
}

#[test]
fn an_account_of_ones_own_keeps_the_hasher_busy_sixty_times_and_then_once_a_second() {
    let server = start(&[]);
    let own = (0..80).map(|_| from(&server, "192.0.2.7", &login("ada", PASSWORD)).status);
    let good = own.filter(|status| *status == 200).count();
    assert!((60..70).contains(&good), "{good}");
}
