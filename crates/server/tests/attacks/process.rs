//! The process: what it refuses to start with, how it stops, and what is left when it is killed.

use std::{
    net::TcpStream,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::support::{
    Connection, Folder, Server, Tokens,
    account::{PASSWORD, registration},
    at_once, eventually, get,
    http2::get as http2_get,
    pause, post,
    refresh_token::generation,
    tls::Secure,
};

/// A login that takes half a second or so.
const HEAVY: [(&str, &str); 3] = [
    ("password.memory", "48MiB"),
    ("password.passes", "6"),
    ("password.threads", "1"),
];

#[test]
fn a_stop_lets_running_requests_finish_and_takes_no_new_ones() {
    let mut server = Server::start(&HEAVY);
    server.register("ada");
    let mut idle = Connection::open(server.address);
    idle.send(&get("/health/live").bytes());
    assert_eq!(idle.read().unwrap().status, 200);
    let mut running = Connection::open(server.address);
    let body = serde_json::json!({ "username": "ada", "password": PASSWORD });
    running.send(&post("/auth/login").json(&body).bytes());
    pause(30);
    server.terminate();
    let refused = eventually(|| TcpStream::connect(server.address).is_err());
    assert!(refused, "a new connection is refused");
    assert!(!running.is_closed_within(1), "while the login still runs");
    let tokens = Tokens::of(&running.read().expect("the answer to what was running"));
    assert!(running.ends_within(2_000) && idle.ends_within(2_000));
    assert_eq!(server.wait().code(), Some(0));
    is_tidy(&server.folder);
    let server = server.into_folder().start(&HEAVY);
    server.turn(&tokens);
}

/// The database is one file again, and whole.
fn is_tidy(folder: &Folder) {
    let mut left: Vec<_> = std::fs::read_dir(folder.data())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["master.key", "relatch.db"]);
    is_whole(folder);
}

fn is_whole(folder: &Folder) {
    let database = folder.open_database();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn a_client_that_holds_on_does_not_hold_up_the_stop() {
    let mut server = Server::start(&[("server.shutdown_timeout", "500ms")]);
    let mut half = Connection::open(server.address);
    half.send(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    let mut head = Connection::open(server.address);
    head.send(b"POST /auth/lo");
    pause(100);
    let begin = Instant::now();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    is_tidy(&server.folder);
}

#[test]
fn a_client_on_which_nothing_runs_does_not_hold_up_the_stop_and_no_stop_is_a_fault() {
    let mut server = Secure::start(&[]);
    // One that never answers what HTTP/2 asks it, and one in the middle of a head.
    let mut deaf = server.open_http2(&[]);
    deaf.send(&http2_get(1, "/health/live"));
    assert!(deaf.body_of(1).contains("ok"));
    let mut half = server.connect();
    half.send(b"GET /auth/me HTTP/1.1\r\nHost");
    pause(100);
    let begin = Instant::now();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    let logged = server.folder.logged();
    assert!(
        !logged.contains("WARN") && !logged.contains("ERROR"),
        "{logged}"
    );
}

#[test]
fn a_stop_under_load_loses_no_answered_turn() {
    let mut server = Server::start(&[("session.retry_window", "0s")]);
    let owners: Vec<_> = (0..4)
        .map(|number| server.register(&format!("ada{number}")))
        .collect();
    let address = server.address;
    let last = at_once(5, |number| {
        if number == 4 {
            pause(200);
            server.terminate();
            return None;
        }
        let mut newest = owners[number].clone();
        while let Some(reply) = post("/auth/refresh")
            .bearer(&newest.refresh)
            .try_send(address)
        {
            newest = Tokens::of(&reply);
        }
        Some(newest)
    });
    assert_eq!(server.wait().code(), Some(0));
    let server = server
        .into_folder()
        .start(&[("session.retry_window", "30s")]);
    for newest in last.into_iter().flatten() {
        assert!(generation(&newest.refresh) > 0);
        server.turn(&newest);
    }
}

#[test]
fn a_kill_forgets_no_answered_registration_and_no_answered_logout() {
    let durable = [("store.synchronous", "full")];
    let mut server = Server::start(&durable);
    for round in 0..3 {
        let (answered, ended) = kill_under_load(&server, round);
        assert!(answered.len() > 3, "{} were answered", answered.len());
        server = server.crash().start(&durable);
        is_whole(&server.folder);
        for name in &answered {
            assert_eq!(
                server.log_in(name, PASSWORD).status,
                200,
                "{name} is forgotten"
            );
        }
        for token in &ended {
            server.refresh(token).is_over("logout");
        }
    }
}

/// Registers and logs out in four threads until the process is killed: whose registration and which logouts were answered.
fn kill_under_load(server: &Server, round: usize) -> (Vec<String>, Vec<String>) {
    let (answered, ended) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    at_once(5, |number| {
        if number == 4 {
            pause(250 + 37 * round as u64);
            return server.signal("KILL");
        }
        for count in 0.. {
            let name = format!("ada-{round}-{number}-{count}");
            let register = post("/auth/register").json(&registration(&name));
            let Some(reply) = register.try_send(server.address) else {
                return;
            };
            answered.lock().unwrap().push(name);
            let token = Tokens::of(&reply).refresh;
            let Some(reply) = post("/auth/logout").bearer(&token).try_send(server.address) else {
                return;
            };
            assert_eq!(reply.status, 200);
            ended.lock().unwrap().push(token);
        }
    });
    (answered.into_inner().unwrap(), ended.into_inner().unwrap())
}

#[test]
fn an_open_network_is_not_listened_on_without_a_word_about_tls() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refusal = Folder::new().refuses(&[("server.listen", listen)]);
        assert_eq!(refusal.code, Some(1));
        assert!(
            refusal
                .said
                .contains("server.listen: not a loopback address"),
            "{}",
            refusal.said
        );
        assert!(
            refusal.said.contains("server.behind_tls_proxy"),
            "{}",
            refusal.said
        );
    }
    let open = [
        ("server.listen", "0.0.0.0:0"),
        ("server.behind_tls_proxy", "true"),
    ];
    let server = Server::start(&open);
    let reply = get("/health/live").send(([127, 0, 0, 1], server.address.port()).into());
    assert_eq!(reply.status, 200);
}

#[test]
fn a_setting_that_is_mistyped_stops_the_start_and_the_right_one_is_named() {
    let wrong = [
        ("session.retry_windw", "1s"),
        ("server.max_bodi", "1KiB"),
        ("session.on_reuse", "nobody"),
    ];
    let folder = Folder::new();
    let refusal = folder.refuses(&wrong);
    assert_eq!(refusal.code, Some(1));
    for sentence in [
        "session.retry_windw: there is no such setting; did you mean session.retry_window?",
        "server.max_bodi: there is no such setting; did you mean server.max_body?",
        "session.on_reuse: \"nobody\" is none of",
    ] {
        assert!(refusal.said.contains(sentence), "{}", refusal.said);
    }
    assert!(!folder.data().exists(), "and nothing is made");
}

#[test]
fn weak_hashing_is_refused_unless_it_is_asked_for() {
    for (key, value) in [("password.memory", "18MiB"), ("password.passes", "1")] {
        let strong = [
            ("password.memory", "19MiB"),
            ("password.passes", "2"),
            ("password.allow_weak", "false"),
        ];
        let settings: Vec<_> = strong.into_iter().chain([(key, value)]).collect();
        let refusal = Folder::new().refuses(&settings);
        assert_eq!(refusal.code, Some(1));
        assert!(
            refusal.said.contains("below OWASP's least"),
            "{}",
            refusal.said
        );
    }
}

#[test]
fn tokens_that_would_outlive_their_session_are_refused_as_a_setting() {
    let settings = [
        ("session.access_lifetime", "1h"),
        ("session.idle_lifetime", "30m"),
    ];
    let refusal = Folder::new().refuses(&settings);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal
            .said
            .contains("access tokens would outlive their session"),
        "{}",
        refusal.said
    );
}

#[test]
fn a_port_that_is_taken_is_said() {
    let server = Server::start(&[]);
    let taken = server.address.to_string();
    let refusal = Folder::new().refuses(&[("server.listen", &taken)]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.said.contains(&format!("cannot listen on {taken}")),
        "{}",
        refusal.said
    );
}

/// How a server ends that crashes where the system would let it write its memory to disk.
fn crash(settings: &[(&str, &str)]) -> std::process::ExitStatus {
    let mut server = Folder::new().start_by("ulimit -c unlimited; exec \"$0\" \"$@\"", settings);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.process())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let soft = core.and_then(|line| line.split_whitespace().nth(4));
    let expected = if settings.is_empty() {
        "0"
    } else {
        "unlimited"
    };
    assert_eq!(soft, Some(expected));
    server.signal("ABRT");
    server.wait()
}

#[test]
fn the_memory_of_the_process_is_never_written_to_disk_unless_that_is_asked_for() {
    use std::os::unix::process::ExitStatusExt as _;
    let status = crash(&[]);
    assert!(
        status.signal().is_some() && !status.core_dumped(),
        "{status:?}"
    );
    crash(&[("server.core_dumps", "true")]);
}

/// Whose the memory of a server is that runs as an ordinary user.
fn owner_of_memory(settings: &[(&str, &str)]) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let script = r#"
        [ "$(id -u)" = 0 ] || exec "$0" "$@"
        chmod 777 . && exec 9<"$0"
        exec setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/9 "$@""#;
    let server = Folder::new().start_by(script, settings);
    let path = format!("/proc/{}/mem", server.process());
    std::fs::metadata(path).unwrap().uid()
}

/// What others of the same user may open belongs to that user; what they may not, to root.
#[test]
fn another_process_of_the_same_user_does_not_look_into_its_memory() {
    assert_eq!(owner_of_memory(&[]), 0);
    let allowed = [("server.core_dumps", "true")];
    assert_ne!(owner_of_memory(&allowed), 0, "and could, were it allowed");
}
