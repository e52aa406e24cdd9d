//! What the pages on security claim: every test that they name is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Where the tests of a suite lie, and what a test begins with there.
const SUITES: [(&str, &str, &str); 7] = [
    ("attacks", "crates/server/tests/attacks", "fn "),
    ("commands", "crates/server/tests/commands", "fn "),
    ("it", "crates/server/tests/it", "fn "),
    (
        "conformance",
        "crates/store/src/conformance",
        "pub async fn ",
    ),
    ("store", "crates/store/tests/it", "fn "),
    ("model", "crates/core/tests/refresh_model", "fn "),
    ("verify", "crates/verify/tests/it", "fn "),
];

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let there = tests();
    let mut named = 0;
    let mut missing = Vec::new();
    for page in files(&root().join("docs"), "md") {
        let text = fs::read_to_string(&page).unwrap();
        for test in text.split('`').filter(|span| is_a_test(span)) {
            named += 1;
            if !there.contains(test) {
                missing.push(format!("{}: {test}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    assert!(named > 50, "only {named} tests are named");
}

/// `attacks::theft::a_stolen_token_…`: a suite, the path of the file in it, the function.
fn is_a_test(span: &str) -> bool {
    let is_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':';
    let suite = span.split("::").next().unwrap_or_default();
    span.contains("::")
        && span.chars().all(is_path)
        && SUITES.iter().any(|(name, ..)| *name == suite)
}

fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (suite, folder, begin) in SUITES {
        let folder = root().join(folder);
        for file in files(&folder, "rs") {
            let module = file.strip_prefix(&folder).unwrap().with_extension("");
            let module: Vec<_> = module.iter().map(|part| part.to_str().unwrap()).collect();
            let text = fs::read_to_string(&file).unwrap();
            let names = text.lines().filter_map(|line| name(line, begin));
            found.extend(names.map(|name| format!("{suite}::{}::{name}", module.join("::"))));
        }
    }
    found
}

fn name<'a>(line: &'a str, begin: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let line = if begin == "fn " {
        line.strip_prefix("async ").unwrap_or(line)
    } else {
        line
    };
    Some(
        line.strip_prefix(begin)?
            .split('(')
            .next()
            .unwrap_or_default(),
    )
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension() == Some(extension.as_ref()) {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap().to_owned()
}
