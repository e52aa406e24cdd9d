//! Who may read and write the files, and whose they are.

use std::path::PathBuf;

use super::Finding;

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileKind {
    /// The folder of the database and the master key.
    DataFolder,
    /// What is in it.
    Data,
    /// The master key, where it is the server's own.
    MasterKey,
    /// The private key of a certificate.
    PrivateKey,
    /// The file of the configuration.
    Configuration,
}

/// A file that is there.
#[derive(Clone, Debug)]
pub(crate) struct FileSeen {
    pub(crate) path: PathBuf,
    pub(crate) kind: FileKind,
    /// Who may do what, the lowest nine bits.
    pub(crate) mode: u32,
    /// Whose it is.
    pub(crate) owner: u32,
}

const READ_BY_ALL: u32 = 0o004;
const WRITTEN_BY_ALL: u32 = 0o002;
const WRITTEN_BY_GROUP: u32 = 0o020;
const ANYTHING_BY_OTHERS: u32 = 0o077;

pub(super) fn check(files: &[FileSeen]) -> Vec<Finding> {
    let mut findings: Vec<_> = files.iter().filter_map(mode).collect();
    findings.extend(owners(files));
    findings
}

fn mode(file: &FileSeen) -> Option<Finding> {
    let (path, mode) = (file.path.display(), file.mode);
    let has = |bits| mode & bits != 0;
    let private = |whose: &str| {
        Finding::fault(
            "files.readable",
            format!("{path} (mode {mode:04o}) may be read by others: {whose}"),
            format!(
                "Run `chmod go= {path}`, and consider what is in it known to whoever could read it."
            ),
        )
    };
    match file.kind {
        FileKind::MasterKey => has(ANYTHING_BY_OTHERS)
            .then(|| private("it opens every key in the database, and the server does not start.")),
        FileKind::Data => has(ANYTHING_BY_OTHERS)
            .then(|| private("it has names, addresses and password hashes in it.")),
        FileKind::DataFolder => has(ANYTHING_BY_OTHERS).then(|| {
            Finding::warning(
                "files.open_folder",
                format!("{path} (mode {mode:04o}) may be looked into by others, who see what is there and may read what is made with a wider mode."),
                format!("Run `chmod 700 {path}`."),
            )
        }),
        // Through a group it is shared on purpose.
        FileKind::PrivateKey => has(READ_BY_ALL | WRITTEN_BY_ALL)
            .then(|| private("whoever has it can pass for this server.")),
        FileKind::Configuration => has(WRITTEN_BY_ALL | WRITTEN_BY_GROUP).then(|| {
            Finding::fault(
                "files.writable",
                format!("{path} (mode {mode:04o}) may be written by others, who say whom the server believes and where its keys are."),
                format!("Run `chmod go-w {path}`."),
            )
        }),
    }
}

/// Files that somebody else made in the data folder: a server that runs as its owner may not open them.
fn owners(files: &[FileSeen]) -> Vec<Finding> {
    let folder = files.iter().find(|file| file.kind == FileKind::DataFolder);
    let Some(folder) = folder else {
        return Vec::new();
    };
    let within = files
        .iter()
        .filter(|file| matches!(file.kind, FileKind::Data | FileKind::MasterKey));
    let strange = within.filter(|file| file.owner != folder.owner);
    let told = |file: &FileSeen| {
        let (path, folder_path) = (file.path.display(), folder.path.display());
        Finding::fault(
            "files.owner",
            format!(
                "{path} belongs to user {} and its folder to {}: a server that runs as the owner of the folder cannot open it.",
                file.owner, folder.owner
            ),
            format!(
                "Run `chown --reference={folder_path} {path}`, and run commands as the user of the server."
            ),
        )
    };
    strange.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn file(kind: FileKind, mode: u32, owner: u32) -> FileSeen {
        FileSeen {
            path: "file".into(),
            kind,
            mode,
            owner,
        }
    }

    fn names(files: &[FileSeen]) -> Vec<&'static str> {
        let findings = check(files);
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity > Severity::Note)
        );
        findings.into_iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn each_file_has_a_mode_that_is_too_wide() {
        use FileKind::{Configuration, Data, DataFolder, MasterKey, PrivateKey};
        for (kind, good, bad, name) in [
            (MasterKey, 0o600, 0o640, "files.readable"),
            (Data, 0o600, 0o604, "files.readable"),
            (DataFolder, 0o700, 0o710, "files.open_folder"),
            (PrivateKey, 0o640, 0o644, "files.readable"),
            (Configuration, 0o644, 0o664, "files.writable"),
        ] {
            assert_eq!(names(&[file(kind, good, 0)]), [""; 0], "{kind:?}");
            assert_eq!(names(&[file(kind, bad, 0)]), [name], "{kind:?}");
        }
    }

    #[test]
    fn what_somebody_else_made_in_the_folder_is_told() {
        let folder = file(FileKind::DataFolder, 0o700, 7);
        let own = file(FileKind::Data, 0o600, 7);
        let strange = file(FileKind::Data, 0o600, 0);
        let elsewhere = file(FileKind::PrivateKey, 0o600, 0);
        assert_eq!(names(&[folder.clone(), own, elsewhere]), [""; 0]);
        assert_eq!(names(&[folder, strange.clone()]), ["files.owner"]);
        assert_eq!(
            names(&[strange]),
            [""; 0],
            "without a folder nothing is known"
        );
    }
}
