//! `relatch tls dev`.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Folder;

fn start() -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.config(), "").unwrap();
    folder
}

#[test]
fn a_certificate_is_made_anew_and_its_authority_stays() {
    let folder = start();
    let made = folder.run(&["tls", "dev", "--json"], "").done().json();
    assert_eq!(made["ca_is_new"], true);
    assert_eq!(made["names"].as_array().unwrap().len(), 3);
    let read = |made: &serde_json::Value, file: &str| {
        std::fs::read_to_string(made[file].as_str().unwrap()).unwrap()
    };
    let ca = read(&made, "ca_file");
    let leaf = read(&made, "certificate_file");
    let arguments = [
        "tls",
        "dev",
        "--json",
        "--name",
        "auth.app.test",
        "--name",
        "10.1.2.3",
    ];
    let again = folder.run(&arguments, "").done().json();
    assert_eq!(again["ca_is_new"], false);
    assert_eq!(again["ca_fingerprint"], made["ca_fingerprint"]);
    assert_eq!(read(&again, "ca_file"), ca);
    assert_ne!(read(&again, "certificate_file"), leaf);
    assert_eq!(again["names"].as_array().unwrap().len(), 5);
}

#[test]
fn its_files_are_their_owners_alone() {
    let folder = start();
    folder.run(&["tls", "dev"], "").done();
    let place = folder.data().join("tls-dev");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    let files: Vec<_> = std::fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn it_says_how_to_serve_and_to_trust_it() {
    let folder = start();
    let said = folder.run(&["tls", "dev"], "").done().out;
    let ca = folder.data().join("tls-dev/ca.pem");
    for words in [
        "certificate_files = [",
        "key_files = [",
        "--cacert",
        "NODE_EXTRA_CA_CERTS",
        "update-ca-certificates",
        "add-trusted-cert",
        "certutil -user",
        "Firefox",
        ca.to_str().unwrap(),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let lines = said.lines().map(str::trim);
    let config: Vec<_> = lines
        .skip_while(|line| *line != "[tls]")
        .take_while(|line| !line.is_empty())
        .collect();
    std::fs::write(folder.config(), config.join("\n")).unwrap();
    folder.run(&["config", "check"], "").done();
}

#[test]
fn a_name_that_may_be_somebodys_is_refused() {
    let folder = start();
    for name in ["bank.com", "8.8.8.8", ""] {
        let said = folder.run(&["tls", "dev", "--name", name], "");
        said.failed(2, "is no name for development");
    }
    assert!(
        !folder.data().join("tls-dev/ca.pem").exists(),
        "nothing is made"
    );
}

#[test]
fn an_authority_that_is_not_its_own_is_not_used() {
    let folder = start();
    folder.run(&["tls", "dev"], "").done();
    let place = folder.data().join("tls-dev");
    std::fs::copy(place.join("certificate.key"), place.join("ca.key")).unwrap();
    let said = folder.run(&["tls", "dev"], "");
    said.failed(1, "is not what this command wrote");
}
