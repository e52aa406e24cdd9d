//! The memory of the process, in which there are keys, tokens and passwords: nobody else is to look into it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Keeps it to the process: no dump when it crashes, no debugger, and no look through `/proc` but root's.
pub(crate) fn close() {
    let set = limit_dumps(Some(0)).and_then(|()| let_in(false));
    if let Err(error) = set {
        tracing::warn!(%error, "the memory of this process could not be kept from dumps and debuggers");
    }
}

/// Lets it be dumped and looked into again.
pub(crate) fn open() {
    tracing::warn!("server.core_dumps is on: a crash may write keys, tokens and passwords to disk");
    let set = limit_dumps(getrlimit(Resource::Core).maximum).and_then(|()| let_in(true));
    if let Err(error) = set {
        tracing::warn!(%error, "the memory of this process could not be opened for dumps and debuggers");
    }
}

/// The soft limit alone, for a process cannot take the hard one back.
fn limit_dumps(bytes: Option<u64>) -> rustix::io::Result<()> {
    let limit = Rlimit {
        current: bytes,
        ..getrlimit(Resource::Core)
    };
    setrlimit(Resource::Core, limit)
}

/// Where dumps are handed to a program, the limit on their size does not count, and this does.
#[cfg(target_os = "linux")]
fn let_in(others: bool) -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(if others {
        DumpableBehavior::Dumpable
    } else {
        DumpableBehavior::NotDumpable
    })
}

#[cfg(not(target_os = "linux"))]
fn let_in(_others: bool) -> rustix::io::Result<()> {
    Ok(())
}
