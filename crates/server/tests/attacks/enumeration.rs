//! Whether somebody has an account is nobody's business.

use std::time::{Duration, Instant};

use crate::support::{Reply, Server};

const WRONG: &str = "wrong pony, wrong staple";

/// All that an answer tells, but for what differs from request to request.
fn told(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers = reply.headers.clone();
    headers.retain(|header| !matches!(header.0.as_str(), "date" | "x-request-id"));
    (
        reply.status,
        headers,
        reply.text().replace(&reply.string("request_id"), ""),
    )
}

const SLOW: [(&str, &str); 3] = [
    ("password.memory", "8MiB"),
    ("password.passes", "3"),
    ("password.threads", "1"),
];

#[test]
fn nobody_learns_from_a_refused_login_whether_the_user_exists() {
    let server = Server::start(&SLOW);
    server.register("ada");
    let names = ["ada", "bob", "no such name!", ""];
    let told: Vec<_> = names.map(|name| told(&server.log_in(name, WRONG))).into();
    assert_eq!(told[0].0, 401);
    assert!(told.iter().all(|other| *other == told[0]), "{told:#?}");
    same_work(&server, &names);
}

/// Users of a time when hashing was cheaper must not be told by the time that their refusal takes.
#[test]
fn nobody_learns_from_the_time_of_a_refusal_who_registered_before_the_cost_was_raised() {
    let server = Server::start(&[]);
    server.register("ada");
    let server = server.stop().start(&SLOW);
    same_work(&server, &["ada", "bob"]);
}

#[track_caller]
fn same_work(server: &Server, names: &[&str]) {
    let mut times = vec![Vec::new(); names.len()];
    for _ in 0..30 {
        for (name, times) in names.iter().zip(&mut times) {
            let begin = Instant::now();
            server.log_in(name, WRONG).is(401, "invalid_credentials");
            times.push(begin.elapsed());
        }
    }
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
