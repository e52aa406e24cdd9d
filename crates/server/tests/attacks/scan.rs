//! What a scanner of TLS finds, one that others wrote and keep current: sslscan, which `cargo xtask test attacks` installs.

use std::process::Command;

use crate::support::tls::Secure;

/// Every line of the report that tells of one thing.
fn scan(server: &Secure) -> Vec<String> {
    let target = format!("localhost:{}", server.address.port());
    let mut command = Command::new("sslscan");
    let scanned = command.args(["--no-colour", "--xml=-", &target]).output();
    let scanned = scanned.expect("sslscan is there: `apt-get install sslscan`");
    assert!(scanned.status.success(), "{scanned:?}");
    let report = String::from_utf8(scanned.stdout).unwrap();
    report.lines().map(|line| line.trim().to_owned()).collect()
}

/// The value of an attribute.
fn value<'a>(line: &'a str, name: &str) -> &'a str {
    let begin = line.split_once(&format!(" {name}=\"")).unwrap().1;
    begin.split('"').next().unwrap()
}

#[test]
fn a_scanner_finds_nothing_old_and_nothing_weak() {
    let server = Secure::start(&[]);
    let report = scan(&server);
    let of_kind = |kind: &str| {
        let begin = format!("<{kind} ");
        report.iter().filter(move |line| line.starts_with(&begin))
    };
    let spoken: Vec<_> = of_kind("protocol")
        .filter(|line| value(line, "enabled") == "1")
        .map(|line| format!("{} {}", value(line, "type"), value(line, "version")))
        .collect();
    assert_eq!(spoken, ["tls 1.2", "tls 1.3"]);
    assert_eq!(of_kind("protocol").count(), 6, "it looked for the old ones");
    let ciphers: Vec<_> = of_kind("cipher").collect();
    assert!(ciphers.len() >= 6, "{report:#?}");
    for cipher in ciphers {
        let name = value(cipher, "cipher");
        // Keys of a moment, and nothing that decrypts before it has checked.
        let fresh = value(cipher, "sslversion") == "TLSv1.3" || name.starts_with("ECDHE-");
        let sealed = name.contains("GCM")
            || name.contains("CHACHA20_POLY1305")
            || name.contains("CHACHA20-POLY1305");
        let bits: u32 = value(cipher, "bits").parse().unwrap();
        assert!(fresh && sealed && bits >= 128, "{cipher}");
    }
    for group in of_kind("group") {
        let bits: u32 = value(group, "bits").parse().unwrap();
        assert!(bits >= 112, "{group}");
    }
    assert!(of_kind("heartbleed").all(|line| value(line, "vulnerable") == "0"));
    assert!(of_kind("heartbleed").count() > 0);
    let renegotiated = of_kind("renegotiation").map(|line| value(line, "supported"));
    assert_eq!(renegotiated.collect::<Vec<_>>(), ["0"]);
    assert!(of_kind("compression").all(|line| value(line, "supported") == "0"));
    let own: Vec<_> = of_kind("pk").collect();
    assert_eq!(
        (value(own[0], "error"), value(own[0], "type")),
        ("false", "EC")
    );
}

#[test]
fn a_scanner_finds_one_version_where_one_is_allowed() {
    let server = Secure::start(&[("tls.min_version", "1.3")]);
    let report = scan(&server);
    let spoken = report
        .iter()
        .filter(|line| line.starts_with("<protocol ") && value(line, "enabled") == "1");
    let spoken: Vec<_> = spoken.map(|line| value(line, "version")).collect();
    assert_eq!(spoken, ["1.3"]);
}
