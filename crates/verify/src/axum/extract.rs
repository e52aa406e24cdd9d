//! What handlers take: who calls, and that they may.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{Caller, Refusal};
use crate::Claims;

/// A permission as a type, so that a handler can name it among its arguments; [`permission!`](crate::permission) makes one.
pub trait Permission {
    /// The permission, `resource:action`.
    const NAME: &'static str;
}

/// Makes types of permissions. A name that is no `resource:action` does not compile.
///
/// ```
/// relatch_verify::permission! {
///     /// Reading notes.
///     pub ReadNotes = "notes:read";
///     pub DeleteNotes = "notes:delete";
/// }
/// ```
///
/// ```compile_fail
/// relatch_verify::permission! { pub Everything = "notes:*"; }
/// ```
#[macro_export]
macro_rules! permission {
    ($($(#[$about:meta])* $visibility:vis $name:ident = $permission:literal;)+) => {$(
        $(#[$about])*
        #[doc = concat!("The permission `", $permission, "`.")]
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {}

        impl $crate::axum::Permission for $name {
            const NAME: &'static str = $permission;
        }

        const _: () = assert!(
            $crate::axum::is_permission($permission),
            "a permission is `resource:action`, in visible ASCII without `*`, quotes and backslashes"
        );
    )+};
}

/// Whether a text can be demanded as a permission, and written into a challenge.
#[doc(hidden)]
pub const fn is_permission(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut rest = bytes;
    let mut first_colon = None;
    while let [byte, tail @ ..] = rest {
        if !byte.is_ascii_graphic() || matches!(byte, b'*' | b'"' | b'\\') {
            return false;
        }
        if *byte == b':' && first_colon.is_none() {
            first_colon = Some(bytes.len() - rest.len());
        }
        rest = tail;
    }
    match first_colon {
        Some(at) => at > 0 && at + 1 < bytes.len(),
        None => false,
    }
}

/// A caller whose token permits `P`; everybody else is answered 403, or 401 without a token.
///
/// It reads like the [`Claims`] themselves. See the [module](super) for an example.
pub struct Permitted<P> {
    claims: Arc<Claims>,
    permission: PhantomData<fn() -> P>,
}

impl<P> Deref for Permitted<P> {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.claims
    }
}

impl<P: Permission> fmt::Debug for Permitted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permitted({}, {:?})", P::NAME, self.claims.sub)
    }
}

impl<P: Permission, S: Sync> FromRequestParts<S> for Permitted<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let claims = caller(parts)?.ok_or(Refusal::Missing)?;
        if !claims.permits(P::NAME) {
            return Err(Refusal::Forbidden(P::NAME));
        }
        Ok(Self {
            claims,
            permission: PhantomData,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Claims {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let claims = caller(parts)?.ok_or(Refusal::Missing)?;
        Ok(Arc::unwrap_or_clone(claims))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Claims {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        Ok(caller(parts)?.map(Arc::unwrap_or_clone))
    }
}

/// Whom the layer left.
fn caller(parts: &Parts) -> Result<Option<Arc<Claims>>, Refusal> {
    let Caller(claims) = parts.extensions.get().ok_or(Refusal::LayerMissing)?;
    Ok(claims.clone())
}
