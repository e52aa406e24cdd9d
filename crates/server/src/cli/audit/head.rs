//! `relatch audit head`.

use super::shape;
use crate::cli::{Failure, place::Common, words};

pub(super) fn run(common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let head = opened.wait(opened.store.unsealed(0))?.head;
    let head = head.ok_or_else(|| {
        Failure::NotFound(
            "the record has no head yet: a running server seals it within a second".to_owned(),
        )
    })?;
    let mut value = shape::head(&head);
    if let Some(members) = value.as_object_mut() {
        members.insert("number".to_owned(), head.point.number.into());
        members.insert("at".to_owned(), crate::http::time(head.at).into());
    }
    common.output.print(&value, || head.jws());
    eprintln!(
        "It covers the rows up to {}, as they were at {}.",
        head.point.number,
        words::moment(head.at)
    );
    Ok(())
}
