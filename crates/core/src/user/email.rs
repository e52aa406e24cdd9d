//! E-mail addresses as they were given: checked for form (RFC 5321), neither unique nor a login name until verified.

use std::{fmt, str::FromStr as _};

use email_address::{EmailAddress, Options};

const LONGEST: usize = 254;

/// An address of the right form.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Email(String);

/// Why a text cannot be an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmailFault {
    /// More than 254 bytes.
    TooLong,
    /// Not `local@domain` with a dot in the domain.
    InvalidFormat,
}

impl Email {
    /// Checks the form; keeps the spelling.
    ///
    /// # Errors
    /// [`EmailFault`].
    pub fn parse(text: &str) -> Result<Self, EmailFault> {
        if text.len() > LONGEST {
            return Err(EmailFault::TooLong);
        }
        let options = Options::default()
            .without_display_text()
            .without_domain_literal()
            .with_required_tld();
        let strange = text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "\"<>()".contains(c));
        if strange
            || EmailAddress::parse_with_options(text, options).is_err()
            || EmailAddress::from_str(text).is_err()
        {
            return Err(EmailFault::InvalidFormat);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_kept_as_spelt() {
        for text in [
            "ada@example.com",
            "Ada.Lovelace+notes@Example.CO.uk",
            "o'hara@example.org",
            "用户@例子.广告",
        ] {
            assert_eq!(
                Email::parse(text).map(|email| email.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@@example.com",
            "Ada <ada@example.com>",
            "\"a\nb\"@example.com",
            "ada@[127.0.0.1]",
            "ada@example.com\r\nBcc: x@example.com",
            "ada\0@example.com",
            "<script>@example.com",
        ];
        for text in wrong {
            assert_eq!(
                Email::parse(text),
                Err(EmailFault::InvalidFormat),
                "{text:?}"
            );
        }
        let long = format!("a@{}.com", "b.".repeat(130));
        assert_eq!(Email::parse(&long), Err(EmailFault::TooLong));
    }
}
