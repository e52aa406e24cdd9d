//! Sees within a second what a role means now.

use std::sync::Arc;

use relatch_core::StoreError;

use super::Watch;
use crate::app::App;

/// The roles of the store.
pub(crate) struct Roles;

impl Watch for Roles {
    const WHAT: &'static str = "roles";

    async fn look(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        let table = app.domain.store.load_roles().await?;
        if table.version != app.domain.roles.load().version {
            app.domain.roles.store(Arc::new(table));
        }
        Ok(())
    }
}
