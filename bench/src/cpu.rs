//! How much processor time a process has used, by Linux's `/proc`.

use std::fs;
use std::time::Duration;

use crate::failure::{Doing, Failure, Result};

/// Linux tells user space its ticks at 100 a second, whatever the kernel's own rate.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads of `pid` since it started, to 10 ms.
///
/// # Errors
/// The process is gone.
pub(crate) fn time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).doing(&path)?;
    ticks(&stat)
        .map(|ticks| TICK * ticks)
        .ok_or_else(|| Failure::Told(format!("{path} has no processor times: {stat}")))
}

/// `utime` + `stime`, the 12th and 13th fields after the command's name, which may hold spaces.
fn ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_spaces_and_brackets_moves_no_field() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 1 1 1";
        assert_eq!(super::ticks(stat), Some(300));
        assert!(super::time(std::process::id()).is_ok());
    }
}
