//! Pages of long lists: how much of it, and where to go on. A cursor is good for the list that it came from and no other, and
//! nobody but this server makes one.

use aws_lc_rs::hmac;
use axum::{http::StatusCode, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::key::MasterKey;
use serde::Serialize;
use serde_json::{Map, json};

use crate::{
    app::App,
    http::{answer, fields::Fields},
};

const MOST: u32 = 200;
const USUAL: u32 = 50;

/// Bytes of a cursor that prove where it is from.
const TAG: usize = 16;

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
    let after = cursor.as_deref().map(|cursor| place(app, list, cursor));
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
        let place = found.last().map(place)?;
        let master = app.master.load();
        let tag = hmac::sign(&key(master.newest()), &message(list, &place));
        let tag = tag.as_ref().get(..TAG).unwrap_or_default();
        Some(URL_SAFE_NO_PAD.encode([tag, place.as_bytes()].concat()))
    }
}

/// A page of the list of that name, and the cursor of the next one.
pub(super) fn answer(name: &str, entries: &[impl Serialize], next: Option<String>) -> Response {
    let mut body = Map::new();
    body.insert(name.to_owned(), json!(entries));
    body.extend(next.map(|next| ("next".to_owned(), next.into())));
    answer::json(StatusCode::OK, &body)
}

/// Where a cursor points to, if it is one of this server's for that list.
fn place(app: &App, list: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (tag, place) = bytes.split_at_checked(TAG)?;
    let place = std::str::from_utf8(place).ok()?;
    let message = message(list, place);
    let masters = app.master.load();
    let mut tags = masters
        .iter()
        .map(|master| hmac::sign(&key(master), &message));
    tags.any(|right| {
        let right = right.as_ref().get(..TAG).unwrap_or_default();
        aws_lc_rs::constant_time::verify_slices_are_equal(right, tag).is_ok()
    })
    .then(|| place.to_owned())
}

fn key(master: &MasterKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, master.key_for("cursor").as_slice())
}

/// With the length of the first, so that no other pair runs together to the same bytes.
fn message(list: &str, place: &str) -> Vec<u8> {
    let length = (list.len() as u64).to_be_bytes();
    [&length, list.as_bytes(), place.as_bytes()].concat()
}
