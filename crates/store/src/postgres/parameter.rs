//! The type of each parameter is said with it. So a statement needs no name and no round trip before it, and goes through a
//! pooler that lends connections for a transaction.

use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// What stands for `$1`, `$2` and so on in a statement.
pub(super) type Parameters<'a> = [&'a dyn Parameter];

/// A value of a Rust type that stands for one of PostgreSQL's.
pub(super) trait Parameter: Sync {
    /// The value, and that type.
    fn typed(&self) -> (&(dyn ToSql + Sync), Type);
}

/// The type that a Rust type stands for.
trait Stands: ToSql + Sync {
    const FOR: Type;
}

impl<T: Stands> Parameter for T {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        (self, T::FOR)
    }
}

macro_rules! parameter {
    ($($rust:ty => $postgres:ident),* $(,)?) => {
        $(impl Stands for $rust {
            const FOR: Type = Type::$postgres;
        })*
    };
}

parameter! {
    bool => BOOL,
    i16 => INT2,
    i32 => INT4,
    i64 => INT8,
    &str => TEXT,
    String => TEXT,
    Uuid => UUID,
    &[u8] => BYTEA,
    Vec<u8> => BYTEA,
    Vec<bool> => BOOL_ARRAY,
    Vec<i64> => INT8_ARRAY,
    Vec<String> => TEXT_ARRAY,
    Vec<&str> => TEXT_ARRAY,
    Vec<Option<String>> => TEXT_ARRAY,
    Vec<Option<&str>> => TEXT_ARRAY,
    Vec<Option<i64>> => INT8_ARRAY,
    Vec<Uuid> => UUID_ARRAY,
    Vec<Option<Uuid>> => UUID_ARRAY,
}

impl<T: Stands> Stands for Option<T> {
    const FOR: Type = T::FOR;
}

/// Parameters in their order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::postgres::parameter::Parameter),*]
    };
}

pub(super) use params;
