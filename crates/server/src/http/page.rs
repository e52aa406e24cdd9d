//! Pages of long lists: how much of it, and where to go on. A cursor is sealed: it is good for the list that it came from and no
//! other, nobody but this server makes one, and nobody reads in it where an entry stands.

use axum::{http::StatusCode, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::key::Sealed;
use serde::Serialize;
use serde_json::{Map, json};

use super::{answer, fields::Fields};
use crate::app::App;

/// Entries of the largest page, and of one if nothing is said.
pub(super) const MOST: u32 = 200;
pub(super) const USUAL: u32 = 50;

/// A page that is asked for.
pub(super) struct Page {
    /// At most so many.
    pub(super) limit: u32,
    /// Behind this place.
    pub(super) after: Option<String>,
}

/// Reads `limit` and `cursor`; `list` names the list with all that narrows it.
pub(super) fn asked(app: &App, fields: &mut Fields, list: &str) -> Page {
    let limit = fields.number("limit", 1..=MOST, USUAL);
    let cursor = fields.optional_string("cursor");
    let after = cursor.as_deref().map(|cursor| open(app, list, cursor));
    if after == Some(None) {
        let detail = "Send `next` of the page before, with the same other parameters.";
        fields.fault("cursor", "invalid_format", detail);
    }
    Page {
        limit,
        after: after.flatten(),
    }
}

impl Page {
    /// One more than fits, which tells whether there is more.
    pub(super) fn wanted(&self) -> u32 {
        self.limit + 1
    }

    /// Cuts what was found to the page, and gives the cursor of the next one, where `place` says where an entry stands.
    pub(super) fn cut<T>(
        &self,
        app: &App,
        list: &str,
        found: &mut Vec<T>,
        place: impl Fn(&T) -> String,
    ) -> Option<String> {
        if found.len() <= self.limit as usize {
            return None;
        }
        found.truncate(self.limit as usize);
        seal(app, list, &found.last().map(place)?)
    }
}

/// A page of the list of that name, and the cursor of the next one.
pub(super) fn answer(name: &str, entries: &[impl Serialize], next: Option<String>) -> Response {
    let mut body = Map::new();
    body.insert(name.to_owned(), json!(entries));
    body.extend(next.map(|next| ("next".to_owned(), next.into())));
    answer::json(StatusCode::OK, &body)
}

/// The cursor of a place; nothing if the cipher fails, and then the list seems to end there.
fn seal(app: &App, list: &str, place: &str) -> Option<String> {
    let master = app.master.load();
    let sealed = master.newest().seal(&identity(list), place.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(sealed.ok()?.bytes))
}

/// Where a cursor points to, if it is one of this server's for that list and from after the master key was last replaced.
fn open(app: &App, list: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let masters = app.master.load();
    let place = masters.iter().find_map(|master| {
        let (master_id, bytes) = (master.id(), bytes.clone());
        let sealed = Sealed {
            master: master_id,
            bytes,
        };
        master.open(&identity(list), &sealed).ok()
    })?;
    std::str::from_utf8(&place).ok().map(str::to_owned)
}

fn identity(list: &str) -> String {
    format!("relatch/cursor/{list}")
}
