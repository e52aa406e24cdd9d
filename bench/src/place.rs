//! Where a run takes place: the binary under test, a folder of its own, and where its figures go.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::{Doing, Failure, Result};
use crate::report::Report;

/// The binary to run and the folder to run it in.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) server: PathBuf,
    pub(crate) folder: PathBuf,
}

/// What every run can be told.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Writes the figures as one JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The server's binary; the one beside this binary if not given.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where data folders are made and removed again; the system's folder for temporary files if not given.
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

impl Common {
    /// Runs in a folder that is removed afterwards, and reports; whether every promise held.
    ///
    /// # Errors
    /// The run could not be carried out, or its report not be written.
    pub(crate) fn carry_out(self, run: impl FnOnce(&Place) -> Result<Report>) -> Result<bool> {
        let folder = temporary(self.work_dir.as_deref())?;
        let place = Place {
            server: self.server.map_or_else(beside, Ok)?,
            // A tracer names files by their whole paths.
            folder: folder
                .path()
                .canonicalize()
                .doing("the folder to work in")?,
        };
        let report = run(&place)?;
        report.print();
        if let Some(path) = &self.json {
            report.save(path)?;
        }
        Ok(report.held())
    }
}

fn temporary(within: Option<&Path>) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("relatch-bench-");
    match within {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    }
    .doing("making a folder to work in")
}

fn beside() -> Result<PathBuf> {
    let own = std::env::current_exe().doing("looking for the server")?;
    let server = own.with_file_name("relatch");
    if server.is_file() {
        return Ok(server);
    }
    Err(Failure::Told(format!(
        "no server at {}: build it, or name it with --server",
        server.display()
    )))
}
