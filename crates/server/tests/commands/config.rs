//! `relatch config` and `relatch completions`.

use crate::{support::Folder, tool::relatch};

#[test]
fn a_check_tells_every_problem_at_once() {
    let folder = Folder::new();
    let text = "[session]\nretry_windw = \"30s\"\naccess_lifetime = 15\n";
    std::fs::write(folder.config(), text).unwrap();
    let said = folder.run(&["config", "check"], "");
    let said = said.failed(
        1,
        "relatch.toml:2: session.retry_windw: there is no such setting",
    );
    let said = said.failed(
        1,
        "relatch.toml:3: session.access_lifetime: \"15\" is no duration",
    );
    assert_eq!(said.out, "");
    let json = folder.run(&["config", "check", "--json"], "");
    assert_eq!(json.code, 1);
    assert_eq!(json.json()["problems"].as_array().unwrap().len(), 2);
    std::fs::write(folder.config(), "").unwrap();
    let said = folder.run(&["config", "check"], "").done();
    assert_eq!(said.out, "The configuration is right.\n");
    assert!(!folder.data().exists(), "nothing is made");
}

#[test]
fn each_setting_is_shown_with_its_source() {
    let folder = Folder::new();
    std::fs::write(folder.config(), "\nstore.readers = 2\n").unwrap();
    let said = folder.run(&["config", "show"], "").done().out;
    let line = |key: &str| {
        let line = said.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(line("store.readers").ends_with("relatch.toml:2"), "{said}");
    assert!(line("server.data_dir").ends_with("/data --data"), "{said}");
    assert_eq!(line("session.retry_window"), "30s default");
    assert_eq!(line("issuer.url"), "unset default");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = relatch(&["completions", shell], "").done();
        assert!(said.out.contains("set-password"), "{shell}");
    }
    relatch(&["completions", "csh"], "").failed(2, "possible values: bash");
}
