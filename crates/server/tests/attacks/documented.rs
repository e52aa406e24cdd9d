//! docs/limits.md names a test for each limit, and these tests are there.

use std::path::Path;

#[test]
fn every_test_that_the_page_of_limits_names_is_there() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(package.join("../../docs/limits.md")).unwrap();
    let named: Vec<_> = page
        .split('`')
        .filter_map(|code| code.split_once("::"))
        .collect();
    assert!(named.len() > 25, "{named:?}");
    for (module, test) in named {
        let path = package.join("tests/attacks").join(format!("{module}.rs"));
        let source = std::fs::read_to_string(&path).unwrap();
        let begin = format!("#[test]\nfn {test}()");
        assert!(source.contains(&begin), "{module}::{test}");
    }
}
