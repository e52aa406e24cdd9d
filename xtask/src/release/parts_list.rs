//! What the binary is made of: a software bill of materials in the form of CycloneDX 1.5, from what cargo would build and the
//! lock file. Nothing in it but the commit decides what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::failure::Failure;
use crate::shell;

/// A crate that goes into the binary, or into building it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
}

/// What the lock file knows of one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Locked {
    checksum: Option<String>,
    /// As `name` or `name version`.
    needs: Vec<String>,
}

type Lock = BTreeMap<(String, String), Locked>;

/// The list for the sources in that folder.
///
/// # Errors
/// When cargo does not say, or the lock file cannot be read.
pub(super) fn of(folder: &Path) -> Result<String, Failure> {
    let mut tree = shell::cargo(&["tree", "--locked", "--package", "relatch"]);
    let options = ["--edges", "normal,build", "--prefix", "none", "--no-dedupe"];
    tree.args(options).args(["--format", "{p}|{l}"]);
    let output = shell::output(tree.current_dir(folder))?;
    let parts = parts(&String::from_utf8_lossy(&output.stdout));
    let path = folder.join("Cargo.lock");
    let lock = std::fs::read_to_string(&path)
        .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    if parts.is_empty() {
        return Err(Failure::Failed("cargo tree named no crate".to_owned()));
    }
    Ok(written(&parts, &locked(&lock)))
}

/// Each line is `name vVERSION (…)|licence`.
fn parts(tree: &str) -> BTreeSet<Part> {
    let part = |line: &str| {
        let (named, licence) = line.split_once('|')?;
        let mut words = named.split_whitespace();
        Some(Part {
            name: words.next()?.to_owned(),
            version: words.next()?.strip_prefix('v')?.to_owned(),
            // Older crates write a slash where SPDX has a word.
            licence: licence.trim().replace(" / ", " OR ").replace('/', " OR "),
        })
    };
    tree.lines().filter_map(part).collect()
}

fn locked(lock: &str) -> Lock {
    let text = |line: &str| {
        line.trim()
            .trim_end_matches(',')
            .trim_matches('"')
            .to_owned()
    };
    let package = |block: &str| {
        let value = |key: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .map(text)
        };
        let needs = block
            .lines()
            .skip_while(|line| *line != "dependencies = [")
            .skip(1)
            .take_while(|line| *line != "]");
        let locked = Locked {
            checksum: value("checksum = "),
            needs: needs.map(text).collect(),
        };
        Some(((value("name = ")?, value("version = ")?), locked))
    };
    lock.split("[[package]]").filter_map(package).collect()
}

fn written(parts: &BTreeSet<Part>, lock: &Lock) -> String {
    let main = parts.iter().find(|part| part.name == "relatch");
    let components = parts.iter().filter(|part| part.name != "relatch");
    let components: Vec<_> = components
        .map(|part| component(part, "library", lock))
        .collect();
    let graph: Vec<_> = parts.iter().map(|part| needs(part, parts, lock)).collect();
    let main = main.map_or_else(String::new, |part| component(part, "application", lock));
    format!(
        "{{\n\"bomFormat\": \"CycloneDX\",\n\"specVersion\": \"1.5\",\n\"version\": 1,\n\"metadata\": {{ \"component\": {main} }},\n\
         \"components\": [\n{}\n],\n\"dependencies\": [\n{}\n]\n}}\n",
        components.join(",\n"),
        graph.join(",\n")
    )
}

fn component(part: &Part, kind: &str, lock: &Lock) -> String {
    let Part {
        name,
        version,
        licence,
    } = part;
    let purl = purl(part);
    let mut text = format!(
        "{{ \"type\": {}, \"bom-ref\": {}, \"name\": {}, \"version\": {}, \"purl\": {}",
        quoted(kind),
        quoted(&purl),
        quoted(name),
        quoted(version),
        quoted(&purl)
    );
    if !licence.is_empty() {
        let _ = write!(
            text,
            ", \"licenses\": [{{ \"expression\": {} }}]",
            quoted(licence)
        );
    }
    let known = lock.get(&(name.clone(), version.clone()));
    if let Some(sum) = known.and_then(|locked| locked.checksum.as_ref()) {
        let _ = write!(
            text,
            ", \"hashes\": [{{ \"alg\": \"SHA-256\", \"content\": {} }}]",
            quoted(sum)
        );
    }
    text + " }"
}

/// What a part needs of the others; a part that is there in one version is named by its name alone.
fn needs(part: &Part, parts: &BTreeSet<Part>, lock: &Lock) -> String {
    let key = (part.name.clone(), part.version.clone());
    let wanted = lock.get(&key).map_or(&[][..], |locked| &locked.needs);
    let find = |need: &String| {
        let mut words = need.split_whitespace();
        let (name, version) = (words.next()?, words.next());
        let fits = |part: &&Part| {
            part.name == name && version.is_none_or(|version| part.version == version)
        };
        parts.iter().find(fits)
    };
    let refs: Vec<_> = wanted
        .iter()
        .filter_map(find)
        .map(|part| quoted(&purl(part)))
        .collect();
    format!(
        "{{ \"ref\": {}, \"dependsOn\": [{}] }}",
        quoted(&purl(part)),
        refs.join(", ")
    )
}

fn purl(part: &Part) -> String {
    // The one character of a version that an address must not have.
    let version = part.version.replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", part.name)
}

/// A text of JSON; names, versions and licences have nothing in them that is hard to write.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
relatch v0.1.0 (/somewhere/crates/server)|MIT OR Apache-2.0
serde v1.0.1|MIT OR Apache-2.0
relatch-core v0.1.0 (/somewhere/crates/core)|MIT OR Apache-2.0
derive v2.0.0+x (proc-macro)|MIT/Apache-2.0
serde v1.0.1|MIT OR Apache-2.0 (*)
";

    const LOCK: &str = "\
version = 4

[[package]]
name = \"derive\"
version = \"2.0.0+x\"
source = \"registry+https://example.org\"
checksum = \"abc\"

[[package]]
name = \"relatch\"
version = \"0.1.0\"
dependencies = [
 \"absent\",
 \"derive 2.0.0+x\",
 \"serde\",
]
";

    #[test]
    fn crates_are_named_once_with_licence_sum_and_what_they_need() {
        let parts = parts(&TREE.replace(" (*)", ""));
        assert_eq!(parts.len(), 4);
        let written = written(&parts, &locked(LOCK));
        for line in [
            "\"metadata\": { \"component\": { \"type\": \"application\", \"bom-ref\": \"pkg:cargo/relatch@0.1.0\"",
            "\"name\": \"derive\", \"version\": \"2.0.0+x\", \"purl\": \"pkg:cargo/derive@2.0.0%2Bx\", \
             \"licenses\": [{ \"expression\": \"MIT OR Apache-2.0\" }], \"hashes\": [{ \"alg\": \"SHA-256\", \"content\": \"abc\" }] }",
            "{ \"ref\": \"pkg:cargo/relatch@0.1.0\", \"dependsOn\": [\"pkg:cargo/derive@2.0.0%2Bx\", \"pkg:cargo/serde@1.0.1\"] }",
        ] {
            assert!(written.contains(line), "{line}\n{written}");
        }
        assert!(!written.contains("somewhere"), "{written}");
    }

    #[test]
    fn what_json_cannot_have_is_escaped() {
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
