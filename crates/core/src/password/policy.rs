//! What may be a password (OWASP ASVS 5 §6.2): normalised by NFC and by nothing else, 8 to 256 characters, never cut, no
//! rules of composition; the most used ones, the username and the e-mail address are refused.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::ZeroizeOnDrop;

use crate::{
    Entropy, chance,
    key::to_hex,
    user::{Email, Username},
};

const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// The 10,000 most used passwords of eight characters and more, in small letters, sorted; shorter ones are refused for
/// their length.
const COMMON: &str = include_str!("common.txt");

/// A password in the clear, normalised.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Password(String);

/// Why a text cannot be a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordFault {
    /// Fewer than 8 characters.
    TooShort,
    /// More than 256 characters.
    TooLong,
    /// Contains control characters.
    InvalidCharacters,
    /// Among the most used.
    TooCommon,
    /// The username.
    MatchesUsername,
    /// The e-mail address, or the part before its `@`.
    MatchesEmail,
}

impl Password {
    /// A password that somebody wants to have. A name or an address that is not known is not compared with.
    ///
    /// # Errors
    /// [`PasswordFault`].
    pub fn choose(
        text: &str,
        username: Option<&Username>,
        email: Option<&Email>,
    ) -> Result<Self, PasswordFault> {
        let password = Self::attempt(text)?;
        if password.0.chars().count() < SHORTEST {
            return Err(PasswordFault::TooShort);
        }
        let lower = zeroize::Zeroizing::new(password.0.to_lowercase());
        if username.is_some_and(|username| lower.as_str() == username.as_str()) {
            return Err(PasswordFault::MatchesUsername);
        }
        if email.is_some_and(|email| resembles(&lower, email)) {
            return Err(PasswordFault::MatchesEmail);
        }
        if is_common(&lower) {
            return Err(PasswordFault::TooCommon);
        }
        Ok(password)
    }

    /// A password that somebody claims to have.
    ///
    /// # Errors
    /// [`PasswordFault::TooLong`] and [`PasswordFault::InvalidCharacters`]: nobody can have such a password.
    pub fn attempt(text: &str) -> Result<Self, PasswordFault> {
        // NFC makes one character of four at most, so that nothing longer has to be normalised to be refused.
        if text.chars().count() > LONGEST * 4 {
            return Err(PasswordFault::TooLong);
        }
        // Room for the longest that this can become: a text that grows leaves copies of itself behind.
        let mut normal = String::with_capacity(text.len() * 3);
        normal.extend(text.nfc());
        let password = Self(normal);
        if password.0.chars().count() > LONGEST {
            return Err(PasswordFault::TooLong);
        }
        if password.0.chars().any(char::is_control) {
            return Err(PasswordFault::InvalidCharacters);
        }
        Ok(password)
    }

    /// One that nobody knows: of an account whose user has not chosen his yet.
    pub fn of_nobody(entropy: &dyn Entropy) -> Self {
        Self(to_hex(&chance::draw::<32>(entropy)))
    }

    /// Whether it is the address, or the part before its `@`.
    pub fn resembles(&self, email: &Email) -> bool {
        let lower = zeroize::Zeroizing::new(self.0.to_lowercase());
        resembles(&lower, email)
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The whole address, or the part before its `@`.
fn resembles(lower: &str, email: &Email) -> bool {
    let address = email.as_str().to_lowercase();
    lower == address
        || address
            .rsplit_once('@')
            .is_some_and(|parts| lower == parts.0)
}

fn is_common(lower: &str) -> bool {
    static LINES: std::sync::LazyLock<Vec<&str>> =
        std::sync::LazyLock::new(|| COMMON.lines().collect());
    LINES.binary_search(&lower).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<Vec<u8>, PasswordFault> {
        let username = Username::parse("ada.lovelace").expect("a username");
        let email = Email::parse("countess.ada@example.com").expect("an address");
        Password::choose(text, Some(&username), Some(&email))
            .map(|password| password.expose().to_vec())
    }

    #[test]
    fn length_counts_characters_after_normalising() {
        assert_eq!(choose("7 chars"), Err(PasswordFault::TooShort));
        assert_eq!(choose("8 chars!").as_deref(), Ok(b"8 chars!".as_slice()));
        assert_eq!(
            choose("e\u{301}e\u{301}e\u{301}e\u{301}"),
            Err(PasswordFault::TooShort)
        );
        assert_eq!(choose(&"🦀".repeat(256)).map(|bytes| bytes.len()), Ok(1024));
        assert_eq!(choose(&"🦀".repeat(257)), Err(PasswordFault::TooLong));
        assert_eq!(
            choose(&"e\u{301}".repeat(256)).map(|bytes| bytes.len()),
            Ok(512)
        );
        assert_eq!(choose(&"x".repeat(1_000_000)), Err(PasswordFault::TooLong));
    }

    #[test]
    fn two_spellings_of_one_character_are_one_password() {
        assert_eq!(choose("caf\u{e9} au lait"), choose("cafe\u{301} au lait"));
    }

    #[test]
    fn nothing_else_is_folded_or_trimmed() {
        assert_eq!(
            choose("  Spaces, Ａ and CASE  ").as_deref(),
            Ok("  Spaces, Ａ and CASE  ".as_bytes())
        );
    }

    #[test]
    fn what_everybody_guesses_first_is_refused() {
        for common in ["password", "PassWord", "12345678", "qwertyuiop", "iloveyou"] {
            assert_eq!(choose(common), Err(PasswordFault::TooCommon), "{common}");
        }
        assert_eq!(choose("Ada.Lovelace"), Err(PasswordFault::MatchesUsername));
        assert_eq!(choose("countess.ada"), Err(PasswordFault::MatchesEmail));
        assert_eq!(
            choose("Countess.Ada@example.com"),
            Err(PasswordFault::MatchesEmail)
        );
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(
            choose("nul \0 inside"),
            Err(PasswordFault::InvalidCharacters)
        );
        assert_eq!(
            choose("new\nline and more"),
            Err(PasswordFault::InvalidCharacters)
        );
    }

    #[test]
    fn an_attempt_may_be_short_for_an_older_rule_may_have_let_it_in() {
        assert!(Password::attempt("old").is_ok());
    }

    #[test]
    fn the_list_is_sorted_as_the_search_needs_it() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert_eq!(lines.len(), 10_000);
        assert!(lines.is_sorted());
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() >= SHORTEST && *line == line.to_lowercase())
        );
    }
}
