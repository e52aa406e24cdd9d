//! docs/command-line.md tells of every command, and every command keeps the house's promises.

use std::path::Path;

use crate::tool::relatch;

/// Every command that does something, as it is typed.
fn commands() -> Vec<Vec<String>> {
    let (mut leaves, mut open) = (Vec::new(), vec![Vec::<String>::new()]);
    while let Some(path) = open.pop() {
        let children = children(&help(&path));
        if children.is_empty() {
            leaves.push(path);
            continue;
        }
        let deeper = children.into_iter();
        open.extend(deeper.map(|name| [path.clone(), vec![name]].concat()));
    }
    leaves.sort();
    leaves
}

fn help(path: &[String]) -> String {
    let arguments: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
    relatch(&arguments, "").done().out
}

/// The names below `Commands:`, but for `help`.
fn children(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    let names = lines.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_tells_of_every_command() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    let page = std::fs::read_to_string(page).unwrap();
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let typed = format!("relatch {}", command.join(" "));
        assert!(
            page.contains(&typed),
            "`{typed}` is not in docs/command-line.md"
        );
    }
}

#[test]
fn every_command_that_looks_or_changes_prints_json_for_scripts() {
    for command in commands() {
        let help = help(&command);
        let name = command.join(" ");
        let prints_a_page = [
            "serve",
            "completions",
            "config reference",
            "openapi",
            "errors",
        ];
        if !prints_a_page.contains(&name.as_str()) {
            assert!(help.contains("--json"), "{name}");
        }
        assert!(!help.contains("--password"), "{name}");
    }
}
