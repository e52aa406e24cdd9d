//! Usernames: the profile UsernameCaseMapped of RFC 8265 §3.3, narrowed to ASCII letters, digits and `. _ - +`.

use std::fmt;

const LONGEST: usize = 64;

/// A login name in small letters; two that differ in case alone are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Username(String);

/// Why a text cannot be a username.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsernameFault {
    /// Nothing.
    TooShort,
    /// More than 64 characters.
    TooLong,
    /// Something other than letters, digits and `. _ - +`, or not begun with a letter or digit.
    InvalidCharacters,
}

impl Username {
    /// Maps to small letters and checks.
    ///
    /// # Errors
    /// [`UsernameFault`].
    pub fn parse(text: &str) -> Result<Self, UsernameFault> {
        let begin = text.chars().next().ok_or(UsernameFault::TooShort)?;
        if text.len() > LONGEST && text.chars().count() > LONGEST {
            return Err(UsernameFault::TooLong);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        if !begin.is_ascii_alphanumeric() || !text.chars().all(allowed) {
            return Err(UsernameFault::InvalidCharacters);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The name in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference() {
        assert_eq!(
            Username::parse("Ada.Lovelace-1_+"),
            Username::parse("aDA.lOVELACE-1_+")
        );
        assert_eq!(
            Username::parse("ADA").map(|name| name.to_string()),
            Ok("ada".to_owned())
        );
    }

    #[test]
    fn what_could_be_mistaken_or_misread_is_refused() {
        let wrong = [
            "a b",
            " a",
            "a ",
            "a@b",
            "a\0",
            "<b>",
            "а",
            "ａ",
            ".a",
            "-a",
            "a/b",
            "a\u{202e}",
            "K\u{212a}",
            "a'",
        ];
        for text in wrong {
            assert_eq!(
                Username::parse(text),
                Err(UsernameFault::InvalidCharacters),
                "{text:?}"
            );
        }
        assert_eq!(Username::parse(""), Err(UsernameFault::TooShort));
        assert_eq!(
            Username::parse(&"a".repeat(65)),
            Err(UsernameFault::TooLong)
        );
        assert!(Username::parse(&"a".repeat(64)).is_ok());
    }
}
