//! Settings that are allowed and not wise.

use std::time::Duration;

use relatch_store::Synchronous;

use super::Finding;
use crate::{
    config::{Config, CoreDumps},
    open_files,
};

/// After that long, a resource server that does not follow revocations lets somebody in who was thrown out long ago.
const LONG_ACCESS: Duration = Duration::from_hours(1);

pub(super) fn check(config: &Config, open_files: Option<u64>) -> Vec<Finding> {
    let secrets = [passwords(config), dumps(config)];
    let numbers = [
        durability(config),
        access(config),
        followers(config),
        files(config, open_files),
    ];
    secrets.into_iter().chain(numbers).flatten().collect()
}

fn passwords(config: &Config) -> Option<Finding> {
    let cost = config.password.cost;
    let weak = cost.memory < 19 * 1024 || cost.passes < 2;
    weak.then(|| {
        Finding::fault(
            "settings.weak_passwords",
            "Passwords are hashed with less than OWASP's least, 19 MiB and 2 passes: whoever gets hold of the database tries them cheaply.",
            "Remove password.memory, password.passes and password.allow_weak; hashes that are there are made anew at the next login.",
        )
    })
}

fn dumps(config: &Config) -> Option<Finding> {
    (config.server.core_dumps == CoreDumps::Allowed).then(|| {
        Finding::warning(
            "settings.core_dumps",
            "A crash may write keys, tokens and passwords to disk, and debuggers may look into the process.",
            "Remove server.core_dumps once the debugging is done.",
        )
    })
}

fn durability(config: &Config) -> Option<Finding> {
    (config.store.synchronous == Synchronous::Off).then(|| {
        Finding::fault(
            "settings.not_durable",
            "Commits do not wait for the disk: a power cut forgets logouts and password changes that were answered.",
            "Remove store.synchronous, which is for tests.",
        )
    })
}

fn access(config: &Config) -> Option<Finding> {
    (config.session.access > LONG_ACCESS).then(|| {
        Finding::warning(
            "settings.long_access",
            "Access tokens are good for more than an hour, and so is one of an ended session at services that do not follow revocations.",
            "Lower session.access_lifetime (15m is the default): clients refresh without anybody noticing.",
        )
    })
}

fn followers(config: &Config) -> Option<Finding> {
    let (followers, connections) = (
        config.resource_servers.max_followers,
        config.server.max_connections,
    );
    (followers >= connections).then(|| {
        Finding::warning(
            "settings.followers",
            format!("{followers} services may follow revocations and {connections} connections may be open in all: followers could leave no place for anybody else."),
            "Lower resource_servers.max_followers or raise server.max_connections.",
        )
    })
}

fn files(config: &Config, limit: Option<u64>) -> Option<Finding> {
    let connections = config.server.max_connections;
    let needed = open_files::needed(connections);
    limit.filter(|limit| *limit < needed).map(|limit| {
        Finding::warning(
            "settings.open_files",
            format!("A process may have {limit} files open here, and server.max_connections wants {needed}: connections would fail before the limit on them is reached."),
            "Raise the hard limit where the server is started (LimitNOFILE of systemd; what counts is that place and not this shell), or lower server.max_connections.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(change: impl Fn(&mut Config), limit: Option<u64>) -> Vec<&'static str> {
        let mut config = Config::default();
        change(&mut config);
        let found = check(&config, limit);
        found.into_iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn the_defaults_are_wise() {
        assert_eq!(names(|_| (), Some(20_000)), [""; 0]);
        assert_eq!(names(|_| (), None), [""; 0]);
    }

    #[test]
    fn each_setting_that_is_not_wise_is_named() {
        let all = names(
            |config| {
                config.password.cost.memory = 64;
                config.server.core_dumps = CoreDumps::Allowed;
                config.store.synchronous = Synchronous::Off;
                config.session.access = LONG_ACCESS * 2;
                config.resource_servers.max_followers = 10_000;
            },
            Some(1_024),
        );
        assert_eq!(
            all,
            [
                "settings.weak_passwords",
                "settings.core_dumps",
                "settings.not_durable",
                "settings.long_access",
                "settings.followers",
                "settings.open_files"
            ]
        );
        let few_passes = names(|config| config.password.cost.passes = 1, None);
        assert_eq!(few_passes, ["settings.weak_passwords"]);
    }
}
