//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside those of connections: the database, readers, the log, and some to spare.
const OTHERS: u64 = 64;

/// Takes as many as the system allows: the soft limit, which service managers set to 1,024 for the sake of programs that
/// cannot count further, is raised to the hard one. Says so if that is too few for `connections`.
pub(crate) fn raise(connections: usize) {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        ..before
    };
    let limit = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => before.maximum,
        // Then it stays as it is.
        Err(_) => before.current,
    };
    let needed = needed(connections);
    if let Some(limit) = limit.filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            "fewer files may be open than server.max_connections wants: raise the hard limit (LimitNOFILE of systemd), or lower the setting"
        );
    }
}

/// How many files that many connections take, with everything else.
pub(crate) fn needed(connections: usize) -> u64 {
    u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHERS)
}
