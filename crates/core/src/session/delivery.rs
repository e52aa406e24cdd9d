//! Where a session's refresh tokens travel.

/// Chosen at login and never changed: whoever can read one place must not be able to have the token sent to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Delivery {
    /// In the bodies of answers and requests, or a request's `Authorization`.
    #[default]
    Body,
    /// In a cookie that scripts cannot read, and nowhere else.
    Cookie,
}
