//! Fills a data folder that the server made with sessions, past the server: row by row over HTTP would
//! take days. It writes the tables as the server's own migrations made them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use relatch_core::Timestamp;
use relatch_core::key::{Keyring, MasterKey, MasterKeys, store::KeyStore as _};
use relatch_core::session::{Lifetimes, Policy, ReuseScope};
use relatch_core::token::TokenKey;
use relatch_store::{Options, Sqlite, Synchronous};
use rusqlite::{CachedStatement, Connection, params};

use super::population::{PER_USER, Population};
use crate::failure::{Doing, Failure, Querying, Result};

/// A user's hash as long as a real one; nobody logs in with it.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";

/// Rows in one transaction.
const BATCH: usize = 100_000;

/// Faster than safe, for the file is thrown away if this stops half-way. A session may come before its user.
const SETTINGS: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -262144;
    PRAGMA foreign_keys = OFF;
";

/// In which order sessions come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By their ids, which is fast and packs the pages.
    ById,
    /// As on a server: with ids at random.
    Scattered,
}

/// Writes the population into the database of a stopped server.
///
/// # Errors
/// SQLite refuses.
pub(crate) fn fill(data: &Path, population: Population, order: Order) -> Result<()> {
    let path = data.join("relatch.db");
    let connection = Connection::open(path).querying("opening the database to fill it")?;
    connection
        .execute_batch(SETTINGS)
        .querying("settings for filling")?;
    let now = now(&connection)?;
    let numbers = match order {
        Order::ById => (0..population.sessions).collect(),
        Order::Scattered => population.shuffled(),
    };
    for numbers in numbers.chunks(BATCH) {
        connection.execute_batch("BEGIN").querying("BEGIN")?;
        batch(&connection, population, numbers, now).querying("filling")?;
        connection.execute_batch("COMMIT").querying("COMMIT")?;
    }
    connection
        .close()
        .map_err(|(_, error)| error)
        .querying("closing the filled database")
}

fn batch(
    connection: &Connection,
    population: Population,
    numbers: &[u32],
    now: i64,
) -> rusqlite::Result<()> {
    let mut users = connection.prepare_cached(
        "INSERT INTO user (id, username, email, password_hash, credential_version, disabled, created_at) \
         VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)",
    )?;
    let mut sessions = connection.prepare_cached(
        "INSERT INTO session (id, user_id, secret, generation, rotated_at, created_at, expires_at, \
         remember_me, device) VALUES (?1, ?2, ?3, 0, ?4, ?4, ?5, 0, 'Firefox on Linux')",
    )?;
    let ninety_days = 90 * 86_400_000;
    for &number in numbers {
        let user = Population::user(number);
        let user_id = user.to_be_bytes();
        let user_id = [[0; 8], user_id].concat();
        if u64::from(number).is_multiple_of(PER_USER) {
            add_user(&mut users, &user_id, user, now)?;
        }
        let (id, secret) = (population.id(number), Population::secret(number));
        sessions.execute(params![
            id.as_bytes(),
            user_id,
            secret,
            now,
            now + ninety_days
        ])?;
    }
    Ok(())
}

fn add_user(
    users: &mut CachedStatement<'_>,
    id: &[u8],
    user: u64,
    now: i64,
) -> rusqlite::Result<()> {
    let name = format!("user-{user:09}");
    let email = format!("{name}@example.com");
    users.execute(params![id, name, email, HASH, now])?;
    Ok(())
}

/// Milliseconds since the Unix epoch, by the database's clock.
fn now(connection: &Connection) -> Result<i64> {
    let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    connection
        .query_row(sql, [], |row| row.get(0))
        .querying("the time")
}

/// The key that tags refresh tokens, opened with the master key as the server opens it.
///
/// # Errors
/// The folder has no keys, or they do not open.
pub(crate) async fn token_key(data: &Path) -> Result<TokenKey> {
    let master = master_key(&data.join("master.key"))?;
    let options = Options {
        path: data.join("relatch.db"),
        synchronous: Synchronous::Full,
        write_queue: 1,
        readers: 1,
    };
    let told = |error: &dyn std::fmt::Display| Failure::Told(format!("the token key: {error}"));
    let store = Sqlite::open(&options, Arc::new(policy())).map_err(|error| told(&error))?;
    let table = store.load_keys().await.map_err(|error| told(&error))?;
    store.close();
    let masters = MasterKeys::new(master, Vec::new());
    let keyring = Keyring::open(&table, &masters, Timestamp::default());
    Ok(keyring
        .map_err(|error| told(&error))?
        .tokens
        .newest()
        .clone())
}

/// A file of 64 hexadecimal digits.
fn master_key(path: &Path) -> Result<MasterKey> {
    let text = fs::read_to_string(path).doing(path.display().to_string())?;
    let digit = |digit: char| {
        digit
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let digits: Option<Vec<u8>> = text.trim().chars().map(digit).collect();
    let bytes: Vec<u8> = digits
        .unwrap_or_default()
        .chunks_exact(2)
        .filter_map(|two| two.iter().copied().reduce(|high, low| (high << 4) | low))
        .collect();
    let bytes = <[u8; 32]>::try_from(bytes).map(MasterKey::from_bytes);
    bytes.map_err(|_| Failure::Told(format!("{} holds no master key", path.display())))
}

/// The store wants one to be opened; no session is looked at.
fn policy() -> Policy {
    let lifetimes = Lifetimes {
        idle: Duration::ZERO,
        absolute: Duration::ZERO,
    };
    Policy {
        access: Duration::ZERO,
        usual: lifetimes,
        remembered: lifetimes,
        retry_window: Duration::ZERO,
        on_reuse: ReuseScope::Session,
        max_per_user: 1,
        reauth_within: Duration::ZERO,
        idle_grace: Duration::ZERO,
        keep_ended: Duration::ZERO,
    }
}
