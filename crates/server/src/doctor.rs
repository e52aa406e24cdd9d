//! What is wrong with an installation, found before it hurts. Each check is a function of what was seen, and tells in sentences
//! what is wrong and how to mend it; looking is somebody else's business.

mod certificates;
mod clock;
mod database;
mod exposure;
mod files;
mod keys;
mod settings;

use relatch_core::{Timestamp, key::KeyTable};
use relatch_store::sqlite::Examined;

use crate::{
    config::Config,
    keyring,
    tls::{CertificateError, Seen},
};

pub(crate) use files::{FileKind, FileSeen};

/// How bad it is, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Severity {
    /// To be known; it may be meant so.
    Note,
    /// It works, and will not for long, or not against everybody.
    Warning,
    /// It does not work, or it lets somebody in.
    Fault,
}

impl Severity {
    /// The stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Its stable name, `certificates.end_soon` for example.
    pub(crate) name: &'static str,
    /// What is wrong, in a sentence.
    pub(crate) what: String,
    /// How to mend it, in another.
    pub(crate) mend: String,
}

impl Finding {
    fn new(
        severity: Severity,
        name: &'static str,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            name,
            what: what.into(),
            mend: mend.into(),
        }
    }

    fn note(name: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Note, name, what, mend)
    }

    fn warning(name: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Warning, name, what, mend)
    }

    fn fault(name: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Fault, name, what, mend)
    }

    /// A fault of the configuration, as whoever reads it says.
    pub(crate) fn of_configuration(fault: &str) -> Self {
        let mend = "Set it right; `relatch serve` does not start as it is.";
        Self::fault("configuration.wrong", fault, mend)
    }
}

/// All that was seen of an installation.
pub(crate) struct Sight<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Timestamp,
    pub(crate) certificates: Vec<Result<Seen, CertificateError>>,
    pub(crate) files: Vec<FileSeen>,
    /// How many files a process may have open here, if that has an end.
    pub(crate) open_files: Option<u64>,
    /// Bytes that are free where the database is.
    pub(crate) free_bytes: Option<u64>,
    /// The file of SQLite, or why it cannot be looked at; none if there is none yet.
    pub(crate) database: Option<Result<Examined, String>>,
    /// The keys of the PostgreSQL database, or why it cannot be worked with; none if there is none.
    pub(crate) shared: Option<Result<KeyTable, String>>,
    /// Why the keys do not open under the master key, if they do not.
    pub(crate) locked: Option<String>,
}

/// Everything that is wrong, the worst first.
pub(crate) fn judge(sight: &Sight<'_>) -> Vec<Finding> {
    let (config, now) = (sight.config, sight.now);
    let mut findings = settings::check(config, sight.open_files);
    findings.extend(exposure::check(config));
    findings.extend(files::check(&sight.files));
    findings.extend(certificates::check(&sight.certificates, config));
    let table = match (&sight.shared, &sight.database) {
        (Some(Ok(table)), _) => Some(table),
        (Some(Err(why)), _) | (None, Some(Err(why))) => {
            findings.push(database::unusable(why));
            None
        }
        (None, None) => {
            findings.push(database::absent());
            None
        }
        (None, Some(Ok(examined))) => {
            findings.extend(database::check(examined, sight.free_bytes));
            findings.extend(clock::check(examined.newest_event, now));
            examined.keys.as_ref()
        }
    };
    let table: Option<&KeyTable> = table;
    if let Some(table) = table {
        let policy = keyring::policy(config);
        findings.extend(keys::check(&table.records, &policy, now));
        findings.extend(sight.locked.as_deref().map(keys::locked));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}
