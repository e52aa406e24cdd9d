//! Names the state of a thing, so that nobody overwrites one that he has not seen.

use aws_lc_rs::digest;

use crate::key::to_hex;

/// Another one as soon as anything that it was made of is another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag(String);

impl Tag {
    /// Of a thing that consists of these parts.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            // With their lengths, so that no two lists of parts run together to the same text.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let hash = context.finish();
        Self(to_hex(hash.as_ref().get(..8).unwrap_or_default()))
    }

    /// What somebody says that he has seen.
    pub fn claimed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_where_it_ends() {
        let tag = |parts: &[&str]| Tag::of(parts.iter().copied());
        assert_eq!(tag(&["a", "b"]), tag(&["a", "b"]));
        for other in [&["ab"][..], &["a"], &["b", "a"], &["a", "b", ""], &[]] {
            assert_ne!(tag(&["a", "b"]), tag(other), "{other:?}");
        }
        assert_eq!(Tag::claimed(tag(&["a"]).as_str()), tag(&["a"]));
    }
}
