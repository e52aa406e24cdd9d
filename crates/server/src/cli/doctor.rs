//! `relatch doctor`: looks at everything around a server, and prints what its checks make of it.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use relatch_core::{Timestamp, key::KeyTable};
use relatch_store::{postgres, sqlite};
use serde_json::json;

use super::{
    Failure, chain,
    output::Output,
    place::{Common, Place, runtime},
};
use crate::{
    clock::{Clock as _, SystemClock},
    config::{Config, Overrides},
    database::{Source, file_options, of_server},
    doctor::{FileKind, FileSeen, Finding, Severity, Sight, judge},
    keyring::{self, MasterSource},
    tls,
};

/// Looks, tells, and ends with what monitoring makes of it.
pub(super) fn run(arguments: &Common) -> Result<(), Failure> {
    let _flush = crate::logging::start(super::log_filter().as_deref().unwrap_or("warn"))?;
    let findings = match arguments.place.read(Overrides::default()) {
        Ok(config) => judge(&look(&config, &arguments.place, SystemClock.now())),
        Err(error) => {
            let faults = error.faults().iter();
            faults
                .map(|fault| Finding::of_configuration(fault))
                .collect()
        }
    };
    print(&findings, arguments.output);
    let count = |severity| {
        let found = findings.iter().filter(|found| found.severity == severity);
        found.count()
    };
    match (count(Severity::Fault), count(Severity::Warning)) {
        (0, 0) => Ok(()),
        (0, warnings) => Err(Failure::Doubtful(format!("{warnings} to be seen to"))),
        (faults, _) => Err(Failure::No(format!("{faults} to be mended"))),
    }
}

fn look<'a>(config: &'a Config, place: &Place, now: Timestamp) -> Sight<'a> {
    let shared = shared(config);
    let options = file_options(config);
    let is_there = shared.is_none() && options.path.is_file();
    let database = is_there.then(|| sqlite::examine(&options).map_err(chain));
    let of_file = || database.as_ref()?.as_ref().ok()?.keys.as_ref();
    let keys = shared
        .as_ref()
        .map_or_else(of_file, |keys| keys.as_ref().ok());
    let locked = keys.and_then(|keys| keyring::open_only(keys, config, now).err().map(chain));
    Sight {
        config,
        now,
        certificates: tls::look(&config.tls, now),
        files: files(config, place),
        open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        free_bytes: free_bytes(&config.server.data_dir),
        locked,
        database,
        shared,
    }
}

/// The keys in the PostgreSQL database, if that is the one.
fn shared(config: &Config) -> Option<Result<KeyTable, String>> {
    let options = match Source::of(config) {
        Ok(Source::Postgres(options)) => options,
        Ok(Source::Sqlite(_)) => return None,
        Err(error) => return Some(Err(chain(error))),
    };
    let Ok(runtime) = runtime() else {
        return Some(Err("the system refused".to_owned()));
    };
    let keys = runtime.block_on(postgres::keys(&options));
    Some(keys.map_err(|error| chain(of_server(&options, error))))
}

fn files(config: &Config, place: &Place) -> Vec<FileSeen> {
    let folder = &config.server.data_dir;
    let database = file_options(config).path;
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", database.display()));
    let mut named = vec![(FileKind::DataFolder, folder.clone())];
    named.extend(["", "-wal", "-shm"].map(|suffix| (FileKind::Data, beside(suffix))));
    if let MasterSource::Own(path) = MasterSource::of(config) {
        named.push((FileKind::MasterKey, path));
    }
    let keys = config.tls.key_files.iter().cloned();
    named.extend(keys.map(|path| (FileKind::PrivateKey, path)));
    let configuration = place.config_file().map(Path::to_owned);
    named.extend(configuration.map(|path| (FileKind::Configuration, path)));
    let see = |(kind, path): (FileKind, PathBuf)| {
        let file = std::fs::metadata(&path).ok()?;
        Some(FileSeen {
            mode: file.permissions().mode() & 0o777,
            owner: file.uid(),
            path,
            kind,
        })
    };
    named.into_iter().filter_map(see).collect()
}

/// What whoever is not root may still write there.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

fn print(findings: &[Finding], output: Output) {
    let worst = findings.iter().map(|finding| finding.severity).max();
    let shown: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "severity": finding.severity.name(),
                "name": finding.name,
                "what": finding.what,
                "mend": finding.mend,
            })
        })
        .collect();
    let value = json!({
        "worst": worst.map(Severity::name),
        "findings": shown,
    });
    output.print(&value, || {
        if findings.is_empty() {
            return "Nothing is wrong.".to_owned();
        }
        let told: Vec<_> = findings.iter().map(tell).collect();
        told.join("\n\n")
    });
}

fn tell(finding: &Finding) -> String {
    let (severity, name) = (finding.severity.name(), finding.name);
    format!("{severity}: {name}\n  {}\n  {}", finding.what, finding.mend)
}
