//! Texts that are almost right: nothing panics, no refresh token is taken but those that were issued, and what is read once is
//! read the same again.

use ::fuzz::Target;
use relatch_core::{
    permission::{Permission, RoleName},
    session::{Generation, SessionId, SessionSecret},
    token::{TokenKey, TokenKeys, refresh::NotGenuine},
    user::{Email, Username, reset::ResetCode},
};
use uuid::Uuid;

#[test]
fn fuzz_refresh_token() {
    let secret = SessionSecret::from_bytes([3; 32]);
    let issue = |id, generation| {
        let session = SessionId(Uuid::from_u128(7));
        let key = TokenKey::new(id, &[id; 32]);
        key.issue(session, &secret, Generation(generation))
    };
    let issued = [issue(1, 0), issue(2, 5), issue(2, u32::MAX)];
    let withdrawn = issue(3, 5);
    let keys = TokenKeys::new(TokenKey::new(2, &[2; 32]), vec![TokenKey::new(1, &[1; 32])])
        .withdrawing(vec![3]);
    let mut seeds: Vec<_> = issued
        .iter()
        .map(|token| token.expose().as_bytes())
        .collect();
    seeds.push(withdrawn.expose().as_bytes());
    let target = Target {
        name: "refresh token",
        seeds: &seeds,
        words: &[
            "relatch_rt_",
            "relatch_",
            "AAAA",
            "____",
            "==",
            "-",
            "%2D",
            "\u{ff21}",
        ],
    };
    ::fuzz::run(&target, |input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return;
        };
        match keys.authenticate(text) {
            Ok(genuine) => {
                assert!(issued.iter().any(|token| token.expose() == text), "{text}");
                assert!(genuine.proves(&secret));
            }
            Err(NotGenuine::Garbage | NotGenuine::UnknownKey(_) | NotGenuine::WithdrawnKey(_)) => {}
        }
    });
}

#[test]
fn fuzz_names() {
    let target = Target {
        name: "names",
        seeds: &[
            b"ada",
            b"Ada.Lovelace+tag_1-2",
            b"ada@example.com",
            "ädä@bücher.example".as_bytes(),
            b"notes:read",
            b"relatch:*",
            b"ABCDE-FGHJK-MNPQR-STVWX",
        ],
        words: &[
            "@", "..", ":*", "xn--", "\u{0}", "\u{200b}", "\u{ff21}", "\u{212a}", "İ", "ß",
        ],
    };
    ::fuzz::run(&target, |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(name) = Username::parse(&text) {
            assert_eq!(Username::parse(name.as_str()), Ok(name.clone()));
            assert!(!name.as_str().contains('@'));
        }
        if let Ok(email) = Email::parse(&text) {
            assert_eq!(Email::parse(email.as_str()), Ok(email));
        }
        if let Ok(permission) = Permission::parse(&text) {
            assert_eq!(permission.as_str(), text);
            assert!(permission.grants(&permission));
        }
        if let Ok(role) = RoleName::parse(&text) {
            assert_eq!(role.as_str(), text);
        }
        // As long as it may be: it is looked at in bounded time.
        let _ = ResetCode::parse(&text);
    });
}
