//! Attacks on HTTPS itself: handshakes that hang, versions that are too old, certificates that are exchanged.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::version::{TLS12, TLS13};

use crate::support::{
    Connection, Folder, Server, eventually, get, pause, post,
    tls::{Hello, Secure, certificate, path},
};

/// The head of a record that a ClientHello of 512 bytes would follow.
const RECORD: [u8; 5] = [22, 3, 1, 2, 0];

#[test]
fn a_handshake_that_hangs_is_cut_off() {
    let server = Secure::start(&[("tls.handshake_timeout", "300ms")]);
    let half = [&RECORD[..], &[1, 0, 1, 252, 3, 3]].concat();
    for beginning in [&[][..], &RECORD[..1], &RECORD, &half] {
        let mut connection = Connection::open(server.address);
        connection.send(beginning);
        assert!(
            !connection.is_closed_within(100),
            "not at once: {beginning:?}"
        );
        assert!(connection.ends_within(3_000), "{beginning:?}");
    }
    assert_eq!(server.send(&get("/health/ready")).status, 200);
}

#[test]
fn a_handshake_takes_a_place_among_the_connections() {
    let settings = [
        ("server.max_connections", "3"),
        ("tls.handshake_timeout", "1s"),
    ];
    let server = Secure::start(&settings);
    // Three places, and the two spare ones that one address may have.
    let hung: Vec<_> = (0..5).map(|_| Connection::open(server.address)).collect();
    pause(200);
    let refused = server.greet(Hello::default()).err();
    assert!(refused.is_some(), "there is no place left");
    let mut plain = Connection::open(server.redirect_address());
    assert_eq!(
        plain.read().map(|reply| reply.status),
        Some(503),
        "nor here"
    );
    assert!(eventually(|| server.greet(Hello::default()).is_ok()));
    drop(hung);
}

#[test]
fn a_head_that_never_ends_is_cut_off_behind_tls_too() {
    let server = Secure::start(&[("server.header_timeout", "300ms")]);
    let mut connection = server.connect();
    connection.send(b"GET /auth/me HTTP/1.1\r\nHost: x\r\n");
    assert!(!connection.is_closed_within(100));
    assert!(connection.ends_within(3_000));
}

/// A ClientHello of that version, with suites that every server of its time knew.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let suites = [0xc0, 0x13, 0xc0, 0x09, 0x00, 0x2f];
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 4, 1];
    let body = [
        &version[..],
        &[7; 32],
        &[0],
        &[0, 6],
        &suites,
        &[1, 0],
        &[0, 18],
        &groups,
        &signatures,
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    let hello = [&[1, 0, 0, length][..], &body].concat();
    [&[22, 3, 1, 0, length + 4][..], &hello].concat()
}

#[test]
fn versions_before_1_2_are_refused() {
    let server = Secure::start(&[]);
    for minor in [0, 1, 2] {
        let mut connection = Connection::open(server.address);
        connection.send(&old_hello([3, minor]));
        let alert = connection.take(7).expect("an alert");
        assert_eq!((alert[0], alert[5]), (21, 2), "fatal");
        assert_eq!(alert[6], 70, "protocol_version");
        assert!(connection.ends_within(3_000));
    }
}

#[test]
fn version_1_2_is_refused_where_the_operator_says_so() {
    let only_12 = Hello {
        versions: &[&TLS12],
        ..Hello::default()
    };
    assert!(Secure::start(&[]).greet(only_12).is_ok());
    let server = Secure::start(&[("tls.min_version", "1.3")]);
    let refused = server.greet(only_12).err().expect("a refusal");
    assert!(refused.contains("ProtocolVersion"), "{refused}");
    let only_13 = Hello {
        versions: &[&TLS13],
        ..Hello::default()
    };
    assert!(server.greet(only_13).is_ok());
}

#[test]
fn each_name_is_shown_its_certificate_and_an_unknown_one_the_first() {
    let folder = Folder::new();
    let names: [&[&str]; 2] = [&["first.test"], &["second.test", "*.wild.test"]];
    let server = Secure::start_in(folder, &names, &[]);
    let file = |number: u8| {
        let file = format!("pair-{number}/tls-dev/certificate.pem");
        certificate(server.folder.file(&file).to_str().unwrap())
    };
    let shown = |name, meant| {
        server.shown(Hello {
            name,
            meant,
            ..Hello::default()
        })
    };
    assert_eq!(shown("first.test", None), file(0));
    for name in ["second.test", "SECOND.test", "a.wild.test"] {
        assert_eq!(shown(name, None), file(1), "{name}");
    }
    for name in ["unknown.test", "a.b.wild.test", "wild.test", "xsecond.test"] {
        assert_eq!(shown(name, Some("localhost")), file(0), "{name}");
    }
    assert_eq!(shown("127.0.0.1", None), file(0), "no name at all");
}

#[test]
fn what_is_not_tls_is_not_answered() {
    let server = Secure::start(&[]);
    let owner = {
        let registration = crate::support::account::registration("ada");
        server.send(&post("/auth/register").json(&registration))
    };
    let request = get("/auth/me").bearer(&owner.string("access_token"));
    let mut connection = Connection::open(server.address);
    connection.send(&request.bytes());
    assert!(connection.read().is_none());
    let wrong = server.greet(Hello {
        protocol: "spdy/3",
        ..Hello::default()
    });
    assert!(wrong.is_err(), "no protocol is agreed on");
}

#[test]
fn browsers_are_told_to_come_by_https_alone() {
    let server = Secure::start(&[]);
    for request in [
        get("/health/live"),
        get("/nowhere"),
        post("/auth/login"),
        get("/docs"),
    ] {
        let reply = server.send(&request);
        let header = reply.header("strict-transport-security");
        assert_eq!(header, Some("max-age=31536000"), "{reply:?}");
    }
    let plain = get("/").send(server.redirect_address());
    assert_eq!(plain.header("strict-transport-security"), None);
    let silent = Secure::start(&[("tls.hsts", "0s")]);
    let reply = silent.send(&get("/health/live"));
    assert_eq!(reply.header("strict-transport-security"), None);
    let plain = Server::start(&[]);
    let reply = get("/health/live").send(plain.address);
    assert_eq!(reply.header("strict-transport-security"), None);
}

/// Requests without pause, on new connections and on one that stays, until told to stop; how many went well.
fn storm(server: &Secure, stop: &AtomicBool) -> usize {
    let mut kept = server.connect();
    let mut well = 0;
    while !stop.load(Ordering::Relaxed) {
        assert_eq!(server.send(&get("/health/live")).status, 200);
        kept.send(&get("/health/ready").bytes());
        assert_eq!(kept.read().expect("an answer").status, 200);
        well += 2;
    }
    well
}

#[test]
fn no_request_fails_while_certificates_are_replaced() {
    let server = Secure::start(&[]);
    let (stop, well) = (AtomicBool::new(false), AtomicUsize::new(0));
    let reloads = || server.folder.logged().matches("read anew").count();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| well.fetch_add(storm(&server, &stop), Ordering::Relaxed));
        }
        let replaced = || {
            let before = reloads();
            let made = server.folder.certify("pair-0", &[]);
            let file = certificate(path(&made, "certificate_file"));
            assert_eq!(made["ca_is_new"], false);
            (before, file)
        };
        let (before, file) = replaced();
        let found = (0..20).any(|_| {
            pause(500);
            reloads() > before
        });
        let by_itself = found && server.shown(Hello::default()) == file;
        let (before, file) = replaced();
        server.signal("HUP");
        let told = eventually(|| reloads() > before) && server.shown(Hello::default()) == file;
        stop.store(true, Ordering::Relaxed);
        assert!(by_itself, "found by looking");
        assert!(told, "found when told");
    });
    assert!(well.into_inner() > 100);
}

#[test]
fn certificates_that_cannot_be_served_leave_the_old_ones() {
    let server = Secure::start(&[]);
    let file = server.folder.file("pair-0/tls-dev/certificate.pem");
    let before = server.shown(Hello::default());
    let failures = || server.folder.logged().matches("are not served").count();
    let other = server.folder.certify("other", &[]);
    let other = std::fs::read(path(&other, "certificate_file")).unwrap();
    for (number, content) in [b"no certificate".to_vec(), Vec::new(), other]
        .into_iter()
        .enumerate()
    {
        std::fs::write(&file, content).unwrap();
        server.signal("HUP");
        assert!(
            eventually(|| failures() > number),
            "{}",
            server.folder.logged()
        );
        assert_eq!(server.shown(Hello::default()), before);
    }
    pause(5_000);
    assert_eq!(failures(), 3, "each is said once");
    server.folder.certify("pair-0", &[]);
    server.signal("HUP");
    assert!(eventually(|| server.shown(Hello::default()) != before));
}

#[test]
fn a_server_without_its_certificates_does_not_start() {
    let folder = Folder::new();
    let made = folder.certify("one", &[]);
    let other = folder.certify("other", &[]);
    let (chain, key) = (path(&made, "certificate_file"), path(&made, "key_file"));
    let (foreign, missing) = (path(&other, "key_file"), "nowhere.pem");
    for (chain, key, said) in [
        (missing, key, "nowhere.pem cannot be read"),
        (chain, missing, "nowhere.pem cannot be read"),
        (key, key, "certificate.key has no certificate in PEM"),
        (chain, chain, "certificate.pem has no private key in PEM"),
        (chain, foreign, "does not go with the certificate in"),
        (chain, "", "tls.key_files"),
    ] {
        let settings = [("tls.certificate_files", chain), ("tls.key_files", key)];
        let refusal = folder.refuses(&settings);
        assert_eq!(refusal.code, Some(1));
        assert!(refusal.said.contains(said), "{said}: {}", refusal.said);
    }
}

#[test]
fn a_key_that_everybody_may_read_is_complained_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Secure::start(&[]);
    let key = server.folder.file("pair-0/tls-dev/certificate.key");
    let complaints = || {
        server
            .folder
            .logged()
            .matches("may read the private key")
            .count()
    };
    assert_eq!(complaints(), 0);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    server.signal("HUP");
    assert!(eventually(|| complaints() == 1));
    let secret = std::fs::read_to_string(&key).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!server.folder.said().contains(secret));
}

#[test]
fn an_open_address_wants_tls() {
    let folder = Folder::new();
    let open = ("server.listen", "0.0.0.0:0");
    let refusal = folder.refuses(&[open]);
    assert!(refusal.said.contains("in the clear"), "{}", refusal.said);
    let server = Secure::start(&[open]);
    assert!(server.folder.said().contains("https://0.0.0.0:"));
}
