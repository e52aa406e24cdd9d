//! The table of settings: one line drives the file, the environment, the defaults and the reference.

use std::{num::NonZeroU32, time::Duration};

use relatch_core::{
    key::{Algorithm, MasterKeys},
    permission::RoleName,
    session::ReuseScope,
};
use relatch_store::{Synchronous, postgres::Address};

use super::{
    Config, CoreDumps, ForwardedHeader, Network, Registration, TlsVersion, Wanted,
    value::{Fault, boolean, choice, duration_within, list, number, quotas, size_within, url},
    web_origin::web_origins,
};

/// One thing that an operator may set.
pub(super) struct Setting {
    /// `section.key`.
    pub(super) key: &'static str,
    /// What holds if nobody sets it, as a text that `set` reads; empty: worked out at start.
    pub(super) default: &'static str,
    /// What it does, and why the default is what it is.
    pub(super) why: &'static str,
    /// Reads a text into the configuration.
    pub(super) set: fn(&mut Config, &str) -> Result<(), Fault>,
}

macro_rules! settings {
    ($($key:literal = $default:literal, |$config:ident, $text:ident| $set:expr, $why:literal;)*) => {
        &[$(Setting {
            key: $key,
            default: $default,
            why: $why,
            set: |$config, $text| { $set; Ok(()) },
        }),*]
    };
}

/// All settings, in the order of the reference.
pub(super) const SETTINGS: &[Setting] = settings![
    "issuer.url" = "", |c, t| c.issuer.url = Some(url(t)?),
        "The claim `iss` of access tokens, the address at which clients reach the server. Unset, it is the address that the server is bound to, which suits one machine alone. Changing it makes resource servers refuse the access tokens that are out.";
    "issuer.audience" = "", |c, t| c.issuer.audience = Some(text(t)?),
        "The claim `aud` of access tokens, which every resource server must check. Unset, it is the issuer.";
    "issuer.client_id" = "relatch", |c, t| c.issuer.client_id = text(t)?,
        "The claim `client_id` of access tokens (RFC 9068 wants one).";
    "server.listen" = "127.0.0.1:8080", |c, t| c.server.listen = address(t)?,
        "Where to listen. Port 0 picks a free port. An address that is not loopback needs `tls.certificate_files` or `behind_tls_proxy`, for tokens must not cross a network in the clear.";
    "server.redirect_listen" = "", |c, t| c.server.redirect_listen = Some(address(t)?),
        "Where to listen for plain HTTP beside HTTPS, as in `0.0.0.0:80`. A GET or HEAD without credentials is sent on to `issuer.url`; everything else is refused with `https_required`. A session whose refresh token, or whose access token while that is good, arrives there is ended, for others may have read it on its way. Unset: nothing is listened to. It needs an `issuer.url` that begins with `https://`.";
    "server.data_dir" = "relatch-data", |c, t| c.server.data_dir = text(t)?.into(),
        "The folder of the database and the master key; made with mode 0700 if it is not there.";
    "server.behind_tls_proxy" = "false", |c, t| c.server.behind_tls_proxy = boolean(t)?,
        "States that a proxy in front ends TLS, so that an address other than loopback may be listened on. Set `issuer.url` with it, and `trusted_proxies`, for else the addresses on record are the proxy's.";
    "server.trusted_proxies" = "", |c, t| c.server.trusted_proxies = networks(t)?,
        "The proxies whose word for a client's address is taken: addresses and networks, as in `[\"127.0.0.1\", \"10.0.0.0/8\"]`. Of the addresses that `forwarded_header` lists, the last one that is none of these is the client's. Unset: nobody is believed, and the address on record is that of the connection.";
    "server.forwarded_header" = "X-Forwarded-For", |c, t| c.server.forwarded_header = choice(t, &[("X-Forwarded-For", ForwardedHeader::XForwardedFor), ("Forwarded", ForwardedHeader::Forwarded)])?,
        "In which header the trusted proxies say whom they speak for: `X-Forwarded-For` or `Forwarded` (RFC 7239). Only the one that your proxies write: the other one comes through them from anybody.";
    "server.proxy_protocol" = "false", |c, t| c.server.proxy_protocol = boolean(t)?,
        "For proxies that pass TCP on without looking into it: every connection then begins with a header of the PROXY protocol, version 2, which says whose it is, and comes from one of `trusted_proxies`. Whatever else connects is cut off, health checks that do not speak it included.";
    "server.docs_page" = "true", |c, t| c.server.docs_page = boolean(t)?,
        "Whether `/docs` is served: a page on which the API can be read and tried. It is the same for everybody and asks no other host for anything; `/openapi.json` stays either way.";
    "server.max_body" = "16KiB", |c, t| c.server.max_body = size_within(t, "1KiB", "1MiB")?,
        "Largest body of a request. The largest honest one, a registration with a long password, is under 3 KiB.";
    "server.max_headers" = "16KiB", |c, t| c.server.max_headers = size_within(t, "8KiB", "256KiB")?,
        "Largest head of a request: request line and headers.";
    "server.header_timeout" = "10s", |c, t| c.server.header_timeout = duration_within(t, "100ms", "10m")?,
        "How long the head of a request may take to arrive, counted from the answer before it: also how long a connection may idle.";
    "server.request_timeout" = "30s", |c, t| c.server.request_timeout = duration_within(t, "100ms", "10m")?,
        "How long the body of a request may take to arrive, then its answer, and how long a client may leave an answer unread.";
    "server.max_connections" = "10000", |c, t| c.server.max_connections = number(t, 1, 1_000_000)?,
        "How many connections may be open. One more gets one of 64 spare places for three seconds, where `GET /health/live` is answered and everything else 503 `overloaded`; past those it is closed.";
    "server.max_requests" = "10000", |c, t| c.server.max_requests = number(t, 1, 1_000_000)?,
        "How many requests may be at work, on all connections together. One more is answered 503 `overloaded` before anything of it is looked at; `GET /health/live` always runs.";
    "server.max_per_address" = "1000", |c, t| c.server.max_per_address = number(t, 1, 1_000_000)?,
        "How many connections one address may have open, and how many requests at work; of IPv6 one network of 64 bits counts as one address. Connections of `trusted_proxies` do not count, and their requests count for the client's address. Raise it where many clients come from one address, as behind the NAT of a large office.";
    "server.max_streams" = "100", |c, t| c.server.max_streams = u32::try_from(number(t, 1, 1_000)?).unwrap_or(1),
        "How many requests may run at once on one connection of HTTP/2. One more is refused, and may be sent again.";
    "server.shutdown_timeout" = "10s", |c, t| c.server.shutdown_timeout = duration_within(t, "0s", "10m")?,
        "How long running requests may take once the server is told to stop.";
    "server.core_dumps" = "false", |c, t| c.server.core_dumps = choice(t, &[("false", CoreDumps::Never), ("true", CoreDumps::Allowed)])?,
        "Lets the system write the memory of the process to disk when it crashes, and debuggers look into it. There are keys, tokens and passwords in it: for debugging alone.";
    "tls.certificate_files" = "", |c, t| c.tls.certificate_files = paths(t)?,
        "Files with a certificate in PEM and the ones between it and its root, the own one first. With them `server.listen` serves HTTPS. Several, as in `[\"a.pem\", \"b.pem\"]`, serve several names; the first is for whoever names no host or an unknown one. Files that change are read anew within seconds, or at once on SIGHUP; connections stay.";
    "tls.key_files" = "", |c, t| c.tls.key_files = paths(t)?,
        "The private keys of `certificate_files` in PEM, in the same order. Nobody but the server should be able to read them.";
    "tls.min_version" = "1.2", |c, t| c.tls.min_version = choice(t, &[("1.2", TlsVersion::V12), ("1.3", TlsVersion::V13)])?,
        "The oldest version of TLS that is spoken: 1.2 or 1.3.";
    "tls.handshake_timeout" = "10s", |c, t| c.tls.handshake_timeout = duration_within(t, "100ms", "10m")?,
        "How long a client may take over the handshake of TLS. It counts among `server.max_connections` from the first byte.";
    "tls.hsts" = "365d", |c, t| c.tls.hsts = duration_within(t, "0s", "3650d")?,
        "For how long browsers are told to come by HTTPS alone (`Strict-Transport-Security`, RFC 6797; without `includeSubDomains`). 0s says nothing.";
    "session.access_lifetime" = "15m", |c, t| c.session.access = duration_within(t, "1s", "24h")?,
        "How long an access token is good. A resource server that does not follow revocations goes on accepting the token of an ended session for that long.";
    "session.idle_lifetime" = "5d", |c, t| c.session.usual.idle = duration_within(t, "1s", "3650d")?,
        "The longest pause between two refreshes. A session is let in for a sixteenth more, an hour at most, so that a power cut that forgets its last refreshes ends nobody's session early.";
    "session.absolute_lifetime" = "90d", |c, t| c.session.usual.absolute = duration_within(t, "1s", "3650d")?,
        "From login to the end, however often the session is refreshed.";
    "session.remember_idle_lifetime" = "30d", |c, t| c.session.remembered.idle = duration_within(t, "1s", "3650d")?,
        "The longest pause of a session with `remember_me`.";
    "session.remember_absolute_lifetime" = "365d", |c, t| c.session.remembered.absolute = duration_within(t, "1s", "3650d")?,
        "From login to the end of a session with `remember_me`.";
    "session.retry_window" = "30s", |c, t| c.session.retry_window = duration_within(t, "0s", "300s")?,
        "How long after a rotation the refresh token before it still counts as a retry and gets the same successor again. It is what lost answers and many tabs live by, and the time in which a thief who follows at once stays unseen. 0 turns retries off.";
    "session.max_per_user" = "50", |c, t| c.session.max_per_user = number(t, 1, 1_000)?,
        "How many sessions a user may have. One more ends the longest unused.";
    "session.on_reuse" = "session", |c, t| c.session.on_reuse = choice(t, &[("session", ReuseScope::Session), ("user", ReuseScope::User)])?,
        "What ends when a refresh token turns out to be in two hands: its `session`, or every session of the `user`.";
    "session.reauth_within" = "10m", |c, t| c.session.reauth_within = duration_within(t, "1s", "24h")?,
        "How old a login may be for ending other sessions; past it the user proves the password again (RFC 9470).";
    "session.keep_ended" = "30d", |c, t| c.session.keep_ended = duration_within(t, "0s", "3650d")?,
        "How long the row of an ended session stays, so that a device that comes back late is told why.";
    "keys.algorithm" = "EdDSA", |c, t| c.keys.algorithm = choice(t, &[("EdDSA", Algorithm::EdDsa), ("ES256", Algorithm::Es256), ("RS256", Algorithm::Rs256)])?,
        "What access tokens are signed with: `EdDSA` (Ed25519) is the fastest to make; `ES256` and `RS256` are for verifiers that know nothing newer. A change is a turn of keys like any other, so that nobody notices.";
    "keys.signing_lifetime" = "90d", |c, t| c.keys.signing_lifetime = duration_within(t, "1s", "3650d")?,
        "The age at which a signing key is replaced.";
    "keys.token_lifetime" = "90d", |c, t| c.keys.token_lifetime = duration_within(t, "1s", "3650d")?,
        "The age at which the key that tags refresh tokens is replaced. Tokens of the old one stay good as long as their session.";
    "keys.announce" = "1h", |c, t| c.keys.announce = duration_within(t, "1s", "365d")?,
        "How long a key is published before it is used, at least: longer than anybody keeps the JWKS, so that no verifier ever meets a key that it does not know. At least twice `jwks_max_age`.";
    "keys.jwks_max_age" = "5m", |c, t| c.keys.jwks_max_age = duration_within(t, "0s", "24h")?,
        "How long verifiers and caches may keep the JWKS (`Cache-Control: max-age`). Also about how long the key of a compromised server stays good with verifiers that do not follow revocations.";
    "keys.master_key_file" = "", |c, t| c.keys.master_key_file = Some(text(t)?.into()),
        "The file of the master key, where it is kept elsewhere: 64 hexadecimal digits (`openssl rand -hex 32`), as a secret of systemd, Docker or Kubernetes brings them. It is only read, and never made. Unset, it is `master.key` in the data folder, made at the first start with mode 0600.";
    "keys.master_key" = "", |c, t| c.keys.master_key = Some(master_key(t)?),
        "The master key itself, in place of a file: for the environment alone (`RELATCH_KEYS_MASTER_KEY`), and never shown. A file is better where there can be one, for the environment of a process is easily printed.";
    "dpop.nonce" = "off", |c, t| c.dpop.nonce_required = choice(t, &[("off", false), ("required", true)])?,
        "Whether a proof that a client holds its key (DPoP, RFC 9449) must have a nonce of this server: `off` or `required`. Required, a proof cannot be made in advance by somebody who had the key in his hands for a moment, and the first request of a client costs one more round trip.";
    "dpop.max_age" = "60s", |c, t| c.dpop.max_age = duration_within(t, "1s", "10m")?,
        "How far the time in a proof may be from the server's, either way: for so long a proof that was stolen on its way could be used once. A client whose clock is further off sets it by the header `Date` of the answer.";
    "dpop.remembered_proofs" = "1000000", |c, t| c.dpop.remembered_proofs = number(t, 1, 100_000_000)?,
        "How many proofs are remembered until they have ended, so that none is good twice; 20 MB for a million, once they came. Those of requests with an access token are counted apart, and while they are too many, such requests are answered 503 `overloaded`. At login, registration, refresh and logout a proof is then taken without being remembered: whoever repeats one gets nothing that is of use without the key.";
    "password.memory" = "19MiB", |c, t| c.password.cost.memory = kib(size_within(t, "8KiB", "4GiB")?),
        "Argon2id's memory for one hash. 19 MiB with 2 passes is the least that OWASP recommends.";
    "password.passes" = "2", |c, t| c.password.cost.passes = u32::try_from(number(t, 1, 100)?).unwrap_or(1),
        "Argon2id's passes over the memory.";
    "password.allow_weak" = "false", |c, t| c.password.allow_weak = boolean(t)?,
        "Lets a cost below 19 MiB and 2 passes through. For tests.";
    "password.threads" = "0", |c, t| c.password.threads = number(t, 0, 1_024)?,
        "How many passwords are hashed at once; 0 is as many as there are cores. Each holds `memory` while it works.";
    "password.queue" = "64", |c, t| c.password.queue = number(t, 1, 100_000)?,
        "How many logins may wait to be hashed. One more is answered 503 with `Retry-After`, so that a flood of logins can neither exhaust memory nor make everybody wait. Half of them at most are strangers', so that a burst of guesses leaves room for known devices and sessions, and a quarter are of one address (IPv6: of 64 bits of it).";
    "password.reset_code_lifetime" = "1h", |c, t| c.password.reset_code_lifetime = duration_within(t, "1m", "30d")?,
        "How long a one-time code is good that an administrator issues for a new password: of a forgotten one, and of a new account.";
    "password.breached_filter" = "", |c, t| c.password.breached_filter = Some(text(t)?.into()),
        "A file of breached passwords, which nobody may choose: `relatch passwords build-filter` makes it of a list. It is read where it lies, a few bytes a password, and takes no memory. Unset: the 10,000 most used passwords are refused, which need no file.";
    "attempts.enabled" = "true", |c, t| c.attempts.enabled = boolean(t)?,
        "Whether attempts at passwords and codes are counted, before any of them is looked at. One that must wait is answered 429 with `Retry-After`. The counters are in memory: each node has its own, and a start empties them. `10/1m` below is ten at once, and then one more every minute; of several, as in `[\"10/1m\", \"50/15m\"]`, all hold, so that pauses grow.";
    "attempts.account" = "10/1m, 50/15m", |c, t| c.attempts.policy.account = quotas(t)?,
        "Attempts of strangers at one account, wherever they come from. A good login is given back. Devices on which the user logged in before are not strangers, so that nobody locks him out.";
    "attempts.address" = "20/15s, 100/5m", |c, t| c.attempts.policy.address = quotas(t)?,
        "Attempts of strangers from one address, or of IPv6 from one network of 64 bits, at whatever accounts; and, counted apart, registrations. The address is the one that `server.trusted_proxies` and `server.forwarded_header` make out.";
    "attempts.address_account" = "5/20s, 15/30m", |c, t| c.attempts.policy.address_account = quotas(t)?,
        "Attempts of strangers from one address at one account. Below `account`, so that one address alone cannot use up what strangers elsewhere may try there.";
    "attempts.device" = "10/1m", |c, t| c.attempts.policy.device = quotas(t)?,
        "Attempts of one device on which the user logged in before, with the password that is still his, and within one session (password change, reauthentication).";
    "attempts.logins" = "60/1s", |c, t| c.attempts.policy.logins = quotas(t)?,
        "Logins to one account, good ones included and whoever makes them: so that nobody keeps the hashing threads busy with an account of his own.";
    "attempts.whole" = "500/200ms", |c, t| c.attempts.policy.whole = quotas(t)?,
        "Attempts of all strangers together that were no good logins: what a thousand addresses can guess at ten thousand accounts. Once it is used up, known devices and sessions go on, and everybody else must wait: set it well above the failed logins of a busy day. It also bounds the memory of the other counters.";
    "proof_of_work.when" = "never", |c, t| c.proof_of_work.when = choice(t, &[("never", Wanted::Never), ("strained", Wanted::Strained), ("always", Wanted::Always)])?,
        "When a login or registration of a stranger has to come with a proof of work (ALTCHA): `never`, while more than half of `attempts.whole` is used (`strained`), or `always`. Without one it is answered 401 `proof_of_work_required` with a challenge. Switch it on once every client of yours can solve one.";
    "proof_of_work.cost" = "500", |c, t| c.proof_of_work.work.cost = NonZeroU32::new(u32::try_from(number(t, 1, 100_000)?).unwrap_or(1)).unwrap_or(NonZeroU32::MIN),
        "Iterations of PBKDF2 for each number that a client tries. It is also what looking at one proof costs the server: 500 are a tenth of a millisecond.";
    "proof_of_work.zeros" = "3", |c, t| c.proof_of_work.work.zeros = u8::try_from(number(t, 1, 8)?).unwrap_or(1),
        "Hexadecimal zeros that a client has to find; each one more is sixteen times the work. With the defaults a client tries 4,096 numbers on average, which takes a browser half a second.";
    "proof_of_work.lifetime" = "5m", |c, t| c.proof_of_work.work.lifetime = duration_within(t, "1s", "1h")?,
        "How long a challenge is good.";
    "registration.mode" = "open", |c, t| c.registration.mode = choice(t, &[("open", Registration::Open), ("closed", Registration::Closed)])?,
        "Who may register over HTTP: anybody (`open`) or nobody (`closed`).";
    "registration.default_role" = "", |c, t| c.registration.default_role = Some(role(t)?),
        "The role that new users begin with, once there is such a role (`relatch role put`). Unset: none.";
    "browser.origins" = "", |c, t| c.browser.origins = web_origins(t)?,
        "The origins of pages that may use the API from a browser, as in `[\"https://app.example.com\"]`: scheme, host and port, compared letter by letter, `http` for this machine alone. They may read answers (CORS, with credentials) and have refresh tokens in a cookie (`delivery: \"cookie\"`). Empty: neither is possible. List pages of your own alone: whatever runs in them acts as the user who looks at them.";
    "resource_servers.open_on_loopback" = "false", |c, t| c.resource_servers.open_on_loopback = boolean(t)?,
        "Lets programs on this machine follow revocations and ask about tokens without a credential. Not behind a proxy on the same machine, for then everybody comes from here.";
    "resource_servers.max_followers" = "5000", |c, t| c.resource_servers.max_followers = number(t, 0, 1_000_000)?,
        "How many may follow revocations at once, each with a connection of its own: keep it well below `server.max_connections`. One more is answered 503. More than that follow through a cache, by the snapshot.";
    "resource_servers.buffer" = "8192", |c, t| c.resource_servers.buffer = number(t, 1, 1_000_000)?,
        "How many of the newest revocations are kept in memory, about 150 bytes each, for all followers together. One that is slower than that is cut off; one that missed more than that takes the snapshot.";
    "store.write_queue" = "4096", |c, t| c.store.write_queue = number(t, 1, 1_000_000)?,
        "How many writes may wait for the database. One more is answered 503 with `Retry-After`.";
    "store.readers" = "4", |c, t| c.store.readers = number(t, 1, 64)?,
        "How many connections read from a SQLite database.";
    "store.synchronous" = "full", |c, t| c.store.synchronous = choice(t, &[("full", Synchronous::Full), ("off", Synchronous::Off)])?,
        "Whether commits to a SQLite database reach the disk before they are answered. `off` loses data in a power cut. For tests. PostgreSQL is told by its own `synchronous_commit`.";
    "postgres.url" = "", |c, t| c.postgres.address = Some(database(t)?),
        "The PostgreSQL database, as in `postgres://relatch@db.example.com/relatch`; several hosts with commas between them are tried for the one that takes writes. Set, it takes the place of the SQLite database in the data folder, and the master key must be given. Outside this machine the connection is encrypted and the server's certificate checked in full. With a password in it, it is for the environment (`RELATCH_POSTGRES_URL`) or a file of its own alone.";
    "postgres.url_file" = "", |c, t| c.postgres.url_file = Some(text(t)?.into()),
        "A file with that address in it, as a secret of systemd, Docker or Kubernetes brings it.";
    "postgres.password_file" = "", |c, t| c.postgres.password_file = Some(text(t)?.into()),
        "A file with the password of the address in it.";
    "postgres.ca_file" = "", |c, t| c.postgres.ca_file = Some(text(t)?.into()),
        "The certificates in PEM of whoever may vouch for the server's. Unset: those that the system trusts.";
    "postgres.pooler" = "false", |c, t| c.postgres.pooler = boolean(t)?,
        "States that the address leads to a pooler that lends its connections for a transaction, such as PgBouncer. Nothing is listened to through one: what other nodes revoke is asked for five times a second, unless `postgres.direct_url` is set.";
    "postgres.direct_url" = "", |c, t| c.postgres.direct = Some(database(t)?),
        "The same database without the pooler, for one connection a node that listens to what other nodes revoke.";
    "postgres.connections" = "16", |c, t| c.postgres.connections = number(t, 1, 1_000)?,
        "How many connections a node uses for everything but rotations of refresh tokens; one more is used to listen.";
    "postgres.rotating_connections" = "2", |c, t| c.postgres.rotating = number(t, 1, 64)?,
        "How many connections a node uses for rotations of refresh tokens, which each commits in groups: two are enough for ten thousand a second.";
    "postgres.connect_timeout" = "5s", |c, t| c.postgres.connect_timeout = duration_within(t, "100ms", "1m")?,
        "How long it may take to connect.";
    "postgres.statement_timeout" = "5s", |c, t| c.postgres.statement_timeout = duration_within(t, "100ms", "5m")?,
        "How long PostgreSQL works at one statement of a transaction. What takes twice as long as this and `postgres.lock_timeout` together, such as a commit that waits for a replica, is answered 503.";
    "postgres.lock_timeout" = "2s", |c, t| c.postgres.lock_timeout = duration_within(t, "10ms", "5m")?,
        "How long a transaction waits for another's lock before the request is answered 503.";
];

impl Setting {
    /// Whether this value is a secret: it is never shown, and is refused in a file that others may read, copy and check in.
    pub(super) fn is_secret(&self, value: &str) -> bool {
        match self.key {
            "keys.master_key" => true,
            // What cannot be read may hold a password, too.
            "postgres.url" | "postgres.direct_url" => {
                Address::parse(value).map_or(true, |address| address.has_password())
            }
            _ => false,
        }
    }
}

/// Far longer than any disk or replica lags, and nothing beside an idle lifetime of days.
const LONGEST_GRACE: Duration = Duration::from_hours(1);

/// Sets every default.
pub(super) fn apply_defaults(config: &mut Config) {
    for setting in SETTINGS
        .iter()
        .filter(|setting| !setting.default.is_empty())
    {
        // A test reads every default, so that a wrong one does not get here.
        let _ = (setting.set)(config, setting.default);
    }
    derive(config);
}

/// Works out what follows from other settings.
pub(super) fn derive(config: &mut Config) {
    let session = &mut config.session;
    let shortest = session.usual.idle.min(session.remembered.idle);
    session.idle_grace = (shortest / 16).min(LONGEST_GRACE);
}

/// What holds between settings, each fault with the key to change.
pub(super) fn check(config: &Config) -> Vec<(&'static str, Fault)> {
    let mut faults = Vec::new();
    let cost = config.password.cost;
    if !config.password.allow_weak && (cost.memory < 19 * 1024 || cost.passes < 2) {
        let fault = "below OWASP's least, 19MiB and 2 passes; password.allow_weak = true lets it through, for tests";
        faults.push(("password.memory", fault.to_owned()));
    }
    let keys = &config.keys;
    if keys.master_key.is_some() && keys.master_key_file.is_some() {
        let fault = "set beside keys.master_key_file: unset one of them";
        faults.push(("keys.master_key", fault.to_owned()));
    }
    if keys.announce < keys.jwks_max_age * 2 {
        let fault = "less than twice keys.jwks_max_age: verifiers could meet a key that they do not know yet";
        faults.push(("keys.announce", fault.to_owned()));
    }
    let session = &config.session;
    for (key, lifetimes) in [
        ("session.idle_lifetime", session.usual),
        ("session.remember_idle_lifetime", session.remembered),
    ] {
        if lifetimes.idle > lifetimes.absolute {
            faults.push((
                key,
                "longer than the absolute lifetime, so that it would never matter".to_owned(),
            ));
        }
        if session.access > lifetimes.idle {
            faults.push((
                key,
                "shorter than session.access_lifetime: access tokens would outlive their session"
                    .to_owned(),
            ));
        }
    }
    if config.resource_servers.open_on_loopback && config.server.behind_tls_proxy {
        let fault = "true behind a proxy: whoever comes through one on this machine would need no credential";
        faults.push(("resource_servers.open_on_loopback", fault.to_owned()));
    }
    faults.extend(exposure(config));
    faults.extend(shared_store(config));
    faults
}

/// What nodes that share a database need.
fn shared_store(config: &Config) -> Vec<(&'static str, Fault)> {
    let (postgres, keys) = (&config.postgres, &config.keys);
    let mut faults = Vec::new();
    if postgres.address.is_some() && postgres.url_file.is_some() {
        let fault = "set beside postgres.url_file: unset one of them";
        faults.push(("postgres.url", fault.to_owned()));
    }
    if postgres.is_on() && keys.master_key.is_none() && keys.master_key_file.is_none() {
        let fault = "must be set for a PostgreSQL database: all nodes share one master key, so that none makes its own. `openssl rand -hex 32` makes one";
        faults.push(("keys.master_key_file", fault.to_owned()));
    }
    faults
}

/// What would send secrets over a network in the clear, or leave HTTPS half set up.
fn exposure(config: &Config) -> Vec<(&'static str, Fault)> {
    let (server, tls) = (&config.server, &config.tls);
    let mut faults = Vec::new();
    if !server.listen.ip().is_loopback() && !server.behind_tls_proxy && !tls.is_on() {
        let fault = "not a loopback address: tokens would cross the network in the clear. Set tls.certificate_files, or put a proxy that ends TLS in front and say so with server.behind_tls_proxy = true";
        faults.push(("server.listen", fault.to_owned()));
    }
    let https = |url: &String| url.starts_with("https://");
    if server.redirect_listen.is_some() && !config.issuer.url.as_ref().is_some_and(https) {
        let fault =
            "needs an issuer.url that begins with https://: that is where requests are sent on to";
        faults.push(("server.redirect_listen", fault.to_owned()));
    }
    if server.proxy_protocol && server.trusted_proxies.is_empty() {
        let fault = "needs server.trusted_proxies: nobody else may say whose a connection is";
        faults.push(("server.proxy_protocol", fault.to_owned()));
    }
    let (certificates, keys) = (tls.certificate_files.len(), tls.key_files.len());
    if certificates != keys {
        let fault = format!(
            "{keys} here and {certificates} in tls.certificate_files: each certificate wants its key"
        );
        faults.push(("tls.key_files", fault));
    }
    faults
}

fn text(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("must be a text without control characters, and not empty".to_owned());
    }
    Ok(text.to_owned())
}

/// What is wrong is told without the password.
fn database(text: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|fault| fault.to_string())
}

/// The fault must not tell what was there.
fn master_key(text: &str) -> Result<MasterKeys, Fault> {
    MasterKeys::parse(text).ok_or_else(|| {
        "must be 64 hexadecimal digits, as `openssl rand -hex 32` makes them; several, the newest first, with spaces between them".to_owned()
    })
}

fn role(text: &str) -> Result<RoleName, Fault> {
    RoleName::parse(text).map_err(|fault| fault.to_string())
}

fn address(text: &str) -> Result<std::net::SocketAddr, Fault> {
    text.parse().map_err(|_| format!("{text:?} is no address: write an IP address and a port, like \"127.0.0.1:8080\" or \"[::1]:8080\""))
}

fn paths(text: &str) -> Result<Vec<std::path::PathBuf>, Fault> {
    Ok(list(text)?.into_iter().map(Into::into).collect())
}

fn networks(text: &str) -> Result<Vec<Network>, Fault> {
    list(text)?.into_iter().map(Network::parse).collect()
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_one_that_its_own_setting_reads() {
        let mut config = Config::default();
        for setting in SETTINGS
            .iter()
            .filter(|setting| !setting.default.is_empty())
        {
            assert_eq!(
                (setting.set)(&mut config, setting.default),
                Ok(()),
                "{}",
                setting.key
            );
        }
        assert_eq!(check(&config), []);
        assert_eq!(config.session.retry_window.as_secs(), 30);
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        let mut config = Config::default();
        config.password.cost.memory = 64;
        config.session.usual.idle = config.session.usual.absolute * 2;
        config.session.remembered.idle = config.session.access / 2;
        config.server.listen = ([0, 0, 0, 0], 8080).into();
        config.resource_servers.open_on_loopback = true;
        config.server.redirect_listen = Some(([0, 0, 0, 0], 80).into());
        config.issuer.url = Some("http://auth.example.com".to_owned());
        config.server.proxy_protocol = true;
        config.tls.key_files = vec!["key.pem".into()];
        let keys: Vec<_> = check(&config).into_iter().map(|fault| fault.0).collect();
        assert_eq!(
            keys,
            [
                "password.memory",
                "session.idle_lifetime",
                "session.remember_idle_lifetime",
                "server.listen",
                "server.redirect_listen",
                "server.proxy_protocol",
                "tls.key_files"
            ]
        );
        config.issuer.url = Some("https://auth.example.com".to_owned());
        config.tls.certificate_files = vec!["chain.pem".into()];
        config.server.trusted_proxies = networks("::1").expect("a list");
        assert_eq!(exposure(&config), []);
        config.server.behind_tls_proxy = true;
        let keys: Vec<_> = check(&config).into_iter().map(|fault| fault.0).collect();
        assert_eq!(keys.last(), Some(&"resource_servers.open_on_loopback"));
    }
}
