//! A server as a child process: started, waited for, stopped kindly or killed, and never left behind.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Result};

/// How long a server may take to listen: with a large database and under a tracer, not long either.
const START: Duration = Duration::from_mins(1);
/// How long a server may take to stop by itself.
const STOP: Duration = Duration::from_mins(1);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts `command` and waits for its line `listening on http://ADDRESS`. What it logs is
    /// appended to `log`.
    ///
    /// # Errors
    /// It ends, or says nothing for a minute.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let what = format!("starting {}", command.get_program().display());
        let log_file = File::options().create(true).append(true).open(log);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file.doing(log.display().to_string())?)
            .spawn()
            .doing(&what)?;
        let heard = child.stdout.take().and_then(address_of);
        let Some(address) = heard else {
            end(&mut child);
            let log = log.display();
            return Err(Failure::Told(format!("{what}: never listened; see {log}")));
        };
        Ok(Self { child, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        end(&mut self.child);
    }

    /// SIGTERM, and waits for it to stop by itself.
    ///
    /// # Errors
    /// It did not stop within a minute, or not with exit code 0.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .doing("kill -TERM")?;
        match wait(&mut self.child, STOP)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Failure::Told(format!("the server stopped with {status}"))),
            None => Err(Failure::Told("the server did not stop".to_owned())),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Both fail only when it is gone already, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait().doing("waiting for the server")? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(None)
}

/// Reads on after the line it looks for, so that the server never meets a full or closed pipe.
fn address_of(stdout: ChildStdout) -> Option<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout)
            .lines()
            .map_while(std::io::Result::ok)
        {
            let url = line.strip_prefix("listening on ");
            if let Some((_, address)) = url.and_then(|url| url.split_once("://")) {
                // Nobody listens any more after the first one.
                let _ = sender.send(address.trim().parse().ok());
            }
        }
    });
    receiver.recv_timeout(START).ok().flatten()
}
