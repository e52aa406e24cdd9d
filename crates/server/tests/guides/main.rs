//! Every command that the README and docs/ tell a reader to type, typed: page by page, in one shell, beside one server.
//!
//! The rules for pages are in CONTRIBUTING.md, under "Commands in the guides".
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod page;
mod shell;
mod shown;

use std::path::{Path, PathBuf};

use page::Page;

#[test]
fn every_command_of_every_page_does_what_the_page_shows() {
    let (mut typed, mut faults) = (0, Vec::new());
    for path in pages() {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let page = Page::parse(&path, &text);
        faults.extend(page.faults.iter().cloned());
        typed += page.blocks.len();
        faults.extend(shell::type_in(&page));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
    assert!(typed > 10, "only {typed} blocks were found");
}

/// The README and what lies in docs/, whatever it is called.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let paths = names.map(|name| format!("docs/{name}"));
    let is_a_page = |path: &String| Path::new(path).extension() == Some("md".as_ref());
    let mut pages: Vec<_> = paths.filter(is_a_page).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap().to_owned()
}
