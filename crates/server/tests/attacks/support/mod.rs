//! The attacker's tools: a server to attack, a client that sends any bytes, tokens taken apart, a look into the database.

pub(crate) mod account;
pub(crate) mod database;
pub(crate) mod forge;
pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod page;
pub(crate) mod refresh_token;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod target;
pub(crate) mod tls;
pub(crate) mod tool;
pub(crate) mod transport;
pub(crate) mod wire;

pub(crate) use account::{Tokens, guarded, protected};
pub(crate) use http::{Connection, Reply, Request, delete, get, post, request};
pub(crate) use server::{Folder, Server};
pub(crate) use stream::Stream;
pub(crate) use transport::Transport;

use std::time::{Duration, Instant};

/// Sleeps so many milliseconds.
pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Runs `attack` in so many threads that begin at one moment, each with its number, and gathers what they saw.
pub(crate) fn at_once<T: Send>(threads: usize, attack: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(threads);
    let (attack, barrier) = (&attack, &barrier);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    barrier.wait();
                    attack(number)
                })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Waits until `done` or for five seconds, and says whether it was done.
pub(crate) fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        if done() {
            return true;
        }
        pause(10);
    }
    false
}
