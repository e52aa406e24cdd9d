//! The verb `gen`: pages of docs/ that are what the server itself says of its settings, its API and its errors.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::shell;

/// Each generated page, and the words with which the server is asked for it.
const PAGES: [(&str, &[&str]); 3] = [
    ("docs/configuration.md", &["config", "reference"]),
    ("docs/errors.md", &["errors"]),
    ("docs/openapi.json", &["openapi"]),
];

/// Writes the pages.
///
/// # Errors
/// When the server can't say it or the file can't be written.
pub(crate) fn write() -> Result<(), Failure> {
    for (page, question) in PAGES {
        let said = said(question)?;
        let path = path(page);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, said))
            .map_err(|error| Failure::Failed(format!("{page} could not be written: {error}")))?;
        println!("wrote {page}");
    }
    Ok(())
}

/// Compares the pages.
///
/// # Errors
/// When one differs or can't be read.
pub(crate) fn check() -> Result<(), Failure> {
    for (page, question) in PAGES {
        let said = said(question)?;
        let kept = std::fs::read_to_string(path(page)).map_err(|error| {
            Failure::Failed(format!(
                "{page} could not be read: {error}; `cargo xtask gen` writes it"
            ))
        })?;
        if let Some(line) = first_difference(&kept, &said) {
            return Err(Failure::Failed(format!(
                "{page} is not what the server says, from line {line} on; `cargo xtask gen` writes it"
            )));
        }
    }
    Ok(())
}

fn said(question: &[&str]) -> Result<String, Failure> {
    let mut command = shell::cargo(&["run", "--quiet", "--locked", "--package", "relatch", "--"]);
    let output = shell::output(command.args(question))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || said.trim().is_empty() {
        return Err(Failure::Failed(format!(
            "`relatch {}` did not print its page",
            question.join(" ")
        )));
    }
    Ok(said)
}

fn path(page: &str) -> PathBuf {
    shell::root().join(page)
}

/// The number of the first line in which the two differ; the end of a line counts too.
fn first_difference(kept: &str, said: &str) -> Option<usize> {
    let same = kept
        .split_inclusive('\n')
        .zip(said.split_inclusive('\n'))
        .take_while(|(a, b)| a == b);
    (kept != said).then(|| same.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(2));
    }
}
