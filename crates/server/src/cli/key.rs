//! `relatch key`.

mod rewrap;

use clap::{Subcommand, ValueEnum};
use relatch_core::{
    Entropy, Store,
    event::seal::Sealer,
    key::{Algorithm, KeyRecord, KeyState, KeyTable, Keyring, Purpose, turn},
};
use serde_json::{Value, json};

use super::{
    Failure, chain,
    output::{Output, table},
    place::{Opened, Place},
};
use crate::{
    entropy::SystemEntropy,
    http::time,
    keyring::{self, MasterSource},
};

/// How often a change is tried anew because a server has just changed the keys too.
const TRIES: usize = 5;

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum Key {
    /// List the keys and where each of them stands.
    ///
    /// `announced`: published and not used yet, the next one. `active`: makes new tokens. `retired`: makes none, and what
    /// it made is good until it ends. `compromised`: nothing that it made is accepted.
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Replace the active keys by the announced ones, without logging anybody out.
    ///
    /// A running server does it as soon as the announced key has been known for long enough (`keys.announce`), mostly at
    /// once; `key list` shows it. Keys are replaced by age without this command, too (`keys.signing_lifetime`).
    Rotate {
        /// Which of them.
        #[arg(value_enum, default_value_t = Which::All)]
        which: Which,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Withdraw a key that got into wrong hands: at once, nothing that it made is accepted any more.
    ///
    /// A signing key: clients get new access tokens with their next refresh, nobody is logged out. Verifiers that do not
    /// follow revocations learn of it when they fetch the JWKS anew (`keys.jwks_max_age`). A token key: every device whose
    /// refresh token was made with it has to log in again.
    Compromise {
        /// Its id, from `key list`.
        id: String,
        /// Confirms that devices are logged out where a token key is withdrawn.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Make a new master key and seal everything anew with it. Running servers on this folder go on.
    ///
    /// The old one is kept beside it, in `master.key.old-ID`, for the backups that need it: move it to where they are.
    /// A master key that comes from elsewhere (`keys.master_key_file`, RELATCH_KEYS_MASTER_KEY) is not made here: write a
    /// new one before the old one, and this seals everything anew with the first.
    Rewrap {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Which {
    /// Signing key and token key.
    All,
    /// The key that signs access tokens.
    Signing,
    /// The key that tags refresh tokens.
    Token,
}

/// Runs one of them.
pub(super) fn run(command: &Key) -> Result<(), Failure> {
    match command {
        Key::List { place, output } => {
            let opened = place.open()?;
            show(&opened.wait(opened.store.load_keys())?, *output);
            Ok(())
        }
        Key::Rotate {
            which,
            place,
            output,
        } => rotate(*which, &place.open()?, *output),
        Key::Compromise {
            id,
            yes,
            place,
            output,
        } => compromise(id, *yes, &place.open()?, *output),
        Key::Rewrap { place, output } => rewrap::run(&place.open()?, *output),
    }
}

fn rotate(which: Which, opened: &Opened, output: Output) -> Result<(), Failure> {
    let purposes: &[_] = match which {
        Which::All => &[Purpose::Signing, Purpose::RefreshTag],
        Which::Signing => &[Purpose::Signing],
        Which::Token => &[Purpose::RefreshTag],
    };
    let table = change(opened, |records| {
        for purpose in purposes {
            turn::request(records, *purpose, opened.now());
        }
        Ok(())
    })?;
    show(&table, output);
    let policy = keyring::policy(&opened.config);
    let ready = purposes
        .iter()
        .filter_map(|purpose| turn::ready_at(&table.records, *purpose, &policy));
    let ready = ready.max().unwrap_or_default();
    if ready > opened.now() {
        eprintln!(
            "The announced key is known to everybody at {}; a running server turns then.",
            time(ready)
        );
    } else {
        eprintln!(
            "A running server turns within a second, or once it has served for keys.jwks_max_age."
        );
    }
    Ok(())
}

fn compromise(id: &str, yes: bool, opened: &Opened, output: Output) -> Result<(), Failure> {
    let table = opened.wait(opened.store.load_keys())?;
    let purpose = table
        .records
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.purpose)
        .ok_or_else(|| {
            Failure::NotFound(format!(
                "there is no key {id}: `relatch key list` shows them"
            ))
        })?;
    if purpose == Purpose::RefreshTag && !yes {
        return Err(Failure::Failed(
            "every device whose refresh token was made with this key has to log in again. If that is what you want, say so with --yes; \
             `relatch key rotate token` replaces the key without it"
                .to_owned(),
        ));
    }
    // A rewrap beside this would drop the master key that the new standby is sealed with.
    let _alone = keyring::lock_masters(&opened.config).map_err(chain)?;
    let masters = MasterSource::of(&opened.config).read().map_err(chain)?;
    // A head that only the withdrawn key vouches for would not be believed any more.
    let mut sealer = Sealer::default();
    let before = Keyring::open(&table, &masters, opened.now()).map_err(chain)?;
    seal(opened, &mut sealer, &before)?;
    let table = change(opened, |records| {
        let now = opened.now();
        // As the server made the others: this command may have been given another configuration, or none.
        let algorithm = turn::algorithm(records).unwrap_or(opened.config.keys.algorithm);
        turn::compromise(records, purpose, id, now);
        let lacking = turn::lacking(records);
        let records_and_lacking = (std::mem::take(records), lacking);
        let seal = (&masters, &SystemEntropy as &dyn Entropy);
        let made = keyring::supplied(records_and_lacking, algorithm, seal, now);
        *records = made.map_err(chain)?;
        Ok(())
    })?;
    // Nobody seals with the withdrawn key from here on. A server that runs may have done so since.
    opened.wait(sealer.believe(opened.store.as_ref(), &before))?;
    let after = Keyring::open(&table, &masters, opened.now()).map_err(chain)?;
    seal(opened, &mut sealer, &after)?;
    show(&table, output);
    Ok(())
}

fn seal(opened: &Opened, sealer: &mut Sealer, keys: &Keyring) -> Result<(), Failure> {
    let store: &dyn Store = opened.store.as_ref();
    let sealing = sealer.catch_up(store, keys, opened.now());
    if opened.wait(sealing)?.is_some() {
        eprintln!("The record of events was tampered with: `relatch audit verify` says where.");
    }
    Ok(())
}

/// Changes the keys, unless somebody else does so all the time.
fn change(
    opened: &Opened,
    edit: impl Fn(&mut Vec<KeyRecord>) -> Result<(), Failure>,
) -> Result<KeyTable, Failure> {
    for _ in 0..TRIES {
        let KeyTable {
            version,
            mut records,
        } = opened.wait(opened.store.load_keys())?;
        edit(&mut records)?;
        let by = opened.administrator();
        if opened.wait(opened.store.save_keys(version, records, by))? {
            return Ok(opened.wait(opened.store.load_keys())?);
        }
    }
    Err(Failure::Failed(
        "somebody else changes the keys all the time; try again".to_owned(),
    ))
}

fn show(table: &KeyTable, output: Output) {
    let keys: Vec<_> = table.records.iter().map(shape).collect();
    output.print(&json!({ "keys": keys }), || {
        let head = ["PURPOSE", "ID", "ALGORITHM", "STATE", "SINCE", "UNTIL"];
        let rows: Vec<_> = table.records.iter().map(row).collect();
        self::table(head, &rows)
    });
}

fn shape(record: &KeyRecord) -> Value {
    json!({
        "purpose": record.purpose.name(),
        "id": record.id,
        "algorithm": record.algorithm.map(Algorithm::name),
        "state": record.state.name(),
        "since": time(record.state.since()),
        "until": until(record.state),
        "replacement_wanted": matches!(record.state, KeyState::Active { replace_from: Some(_), .. }),
    })
}

fn row(record: &KeyRecord) -> [String; 6] {
    let wanted = matches!(
        record.state,
        KeyState::Active {
            replace_from: Some(_),
            ..
        }
    );
    let until = if wanted {
        Some("to be replaced".to_owned())
    } else {
        until(record.state)
    };
    [
        record.purpose.name().to_owned(),
        record.id.clone(),
        record.algorithm.map_or("", Algorithm::name).to_owned(),
        record.state.name().to_owned(),
        time(record.state.since()),
        until.unwrap_or_default(),
    ]
}

fn until(state: KeyState) -> Option<String> {
    match state {
        KeyState::Retired { until, .. } => Some(time(until)),
        KeyState::Announced { .. } | KeyState::Active { .. } | KeyState::Compromised { .. } => None,
    }
}
