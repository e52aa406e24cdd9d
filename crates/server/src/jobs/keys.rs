//! Keeps the keys as they should be: sees within a second what was changed elsewhere, and turns them when it is time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use relatch_core::{
    StoreError, Timestamp,
    event::Administrator,
    key::{KeyRecord, KeyState, Moment, Purpose, turn},
};

use super::Watch;
use crate::{app::App, keyring};

/// The keys of the store: which one is announced, and since when this node serves it.
#[derive(Default)]
pub(crate) struct Keys(Option<(String, Instant)>);

impl Watch for Keys {
    const WHAT: &'static str = "keys";

    async fn look(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        let table = app.domain.store.load_keys().await?;
        let now = app.clock.now();
        if table.version != app.domain.keys.load().version {
            app.take_keys(&table, now)?;
        }
        let moment = Moment {
            now,
            served: self.served(&table.records),
        };
        let turned = turn::turn(&table.records, &keyring::policy(&app.config), moment);
        if turned.1.is_empty() && turned.0 == table.records {
            return Ok(());
        }
        let records = supplied(app, turned, now).await?;
        if app
            .domain
            .store
            .save_keys(table.version, records.clone(), Administrator::server(now))
            .await?
        {
            tell(&table.records, &records);
        }
        // Ours, or those of a node that was faster.
        app.take_keys(&app.domain.store.load_keys().await?, now)
    }
}

impl Keys {
    /// How long this node has served the announced signing key.
    fn served(&mut self, records: &[KeyRecord]) -> Duration {
        let announced = records.iter().find(|key| {
            key.purpose == Purpose::Signing && matches!(key.state, KeyState::Announced { .. })
        });
        let Some(announced) = announced else {
            return Duration::ZERO;
        };
        match &self.0 {
            Some((id, since)) if *id == announced.id => since.elapsed(),
            _ => {
                self.0 = Some((announced.id.clone(), Instant::now()));
                Duration::ZERO
            }
        }
    }
}

/// On a thread of its own: an RSA key takes a while to find.
pub(crate) async fn supplied(
    app: &Arc<App>,
    turned: (Vec<KeyRecord>, Vec<Purpose>),
    now: Timestamp,
) -> Result<Vec<KeyRecord>, StoreError> {
    let app = Arc::clone(app);
    let made = tokio::task::spawn_blocking(move || {
        let seal = (&**app.master.load(), app.domain.entropy.as_ref());
        keyring::supplied(turned, app.config.keys.algorithm, seal, now)
    });
    match made.await {
        Ok(Ok(records)) => Ok(records),
        failed => {
            tracing::error!(?failed, "no new key could be made");
            Err(StoreError::Unavailable)
        }
    }
}

/// One line for every key that stands elsewhere than before.
fn tell(before: &[KeyRecord], after: &[KeyRecord]) {
    let state_in = |records: &[KeyRecord], key: &KeyRecord| {
        let same = |other: &&KeyRecord| other.purpose == key.purpose && other.id == key.id;
        records.iter().find(same).map(|key| key.state)
    };
    for key in after {
        if state_in(before, key) != Some(key.state) {
            tracing::info!(
                purpose = key.purpose.name(),
                id = key.id,
                state = key.state.name(),
                "key"
            );
        }
    }
    for key in before.iter().filter(|key| state_in(after, key).is_none()) {
        tracing::info!(
            purpose = key.purpose.name(),
            id = key.id,
            state = "removed",
            "key"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serving_counts_from_the_first_sight_of_a_key() {
        let key = |id: &str| KeyRecord {
            purpose: Purpose::Signing,
            id: id.to_owned(),
            algorithm: None,
            state: KeyState::Announced {
                at: Timestamp::from_seconds(0),
            },
            sealed: relatch_core::key::Sealed {
                master: [0; 8],
                bytes: Vec::new(),
            },
        };
        let mut watch = Keys::default();
        assert_eq!(watch.served(&[key("a")]), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(watch.served(&[key("a")]) >= Duration::from_millis(2));
        assert_eq!(watch.served(&[key("b")]), Duration::ZERO, "another key");
        assert_eq!(watch.served(&[]), Duration::ZERO);
    }
}
