//! Runs a server under strace.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Result};

/// Calls that change files or send answers, and those that must not happen to our files.
const CALLS: &str = "trace=open,openat,creat,lseek,write,pwrite64,writev,pwritev,pwritev2,sendto,\
sendmsg,fsync,fdatasync,sync_file_range,ftruncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,\
link,linkat,copy_file_range,sendfile,splice,mmap";

/// How long strace may take to note the last calls of a killed server.
const FLUSH: Duration = Duration::from_secs(30);

/// A trace to be written.
#[derive(Debug)]
pub(crate) struct Recorder {
    output: PathBuf,
}

impl Recorder {
    /// # Errors
    /// There is no strace.
    pub(crate) fn new(output: &Path) -> Result<Self> {
        let version = Command::new("strace").arg("--version").output();
        version
            .doing("strace is needed to see writes and syncs (Debian: apt-get install strace)")?;
        Ok(Self {
            output: output.to_owned(),
        })
    }

    /// `program` under strace: arguments that are added are those of `program`. The tracer is a
    /// grandchild (`-D`), so the child that is started is the server itself.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("strace");
        command
            .args(["-D", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000"])
            .args(["-e", CALLS, "-e", "signal=KILL", "-o"])
            .arg(&self.output)
            .arg(program);
        command
    }

    /// Waits until the trace of the killed process `pid` is complete.
    ///
    /// # Errors
    /// It was not within half a minute.
    pub(crate) fn finish(&self, pid: u32) -> Result<&Path> {
        let begun = Instant::now();
        let last_line = format!("{pid} +++ killed by SIGKILL +++");
        while begun.elapsed() < FLUSH {
            if self.tail()?.contains(&last_line) {
                return Ok(&self.output);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::Told(
            "strace never noted the server's end".to_owned(),
        ))
    }

    fn tail(&self) -> Result<String> {
        let what = self.output.display().to_string();
        let mut file = File::open(&self.output).doing(&what)?;
        let length = file.metadata().doing(&what)?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))
            .doing(&what)?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).doing(&what)?;
        let text = String::from_utf8_lossy(&tail);
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
