//! What is no compact JWS at all: nothing here gets as far as a key.

use relatch_verify::VerifyError::{HeaderMalformed, TokenMalformed, TokenTooLong};

use serde_json::json;

use crate::issuer::{encode, signing_input, with};
use crate::{Issuer, Row};

#[rustfmt::skip] // one case a line
pub(crate) fn cases(issuer: &Issuer) -> Vec<Row> {
    let token = issuer.good();
    let sign_input = |input: &str| issuer.key.token_of(input);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (head, payload) = input.split_once('.').unwrap();
    let (start, last) = token.split_at(token.len() - 1);
    let json =
        format!(r#"{{"payload":"{payload}","protected":"{head}","signature":"{signature}"}}"#);
    let long = issuer.sign(issuer.header(), format!("{}{}", issuer.claims(), " ".repeat(7000)));
    vec![
        ("longer than 8 KiB", long, TokenTooLong),
        ("8193 dots", ".".repeat(8193), TokenTooLong),
        ("empty", String::new(), TokenMalformed),
        ("two dots alone", "..".into(), HeaderMalformed),
        ("one part", head.into(), TokenMalformed),
        ("two parts", input.into(), TokenMalformed),
        ("four parts", format!("{token}.{signature}"), TokenMalformed),
        ("five parts, as a JWE", format!("{head}.{payload}.{payload}.{payload}.{signature}"), TokenMalformed),
        ("a dot before", format!(".{token}"), TokenMalformed),
        ("a dot after", format!("{token}."), TokenMalformed),
        ("an empty header", sign_input(&format!(".{payload}")), HeaderMalformed),
        ("the header left out", format!(".{payload}.{signature}"), HeaderMalformed),
        ("JSON serialization", json, TokenMalformed),
        ("a scheme before", format!("Bearer {token}"), TokenMalformed),
        ("a space before", format!(" {token}"), TokenMalformed),
        ("a newline after", format!("{token}\n"), TokenMalformed),
        ("a zero byte after", format!("{token}\0"), TokenMalformed),
        ("a space inside", format!("{head}. {payload}.{signature}"), TokenMalformed),
        ("a letter outside ASCII", format!("{head}.{payload}é.{signature}"), TokenMalformed),
        ("a padded signature", format!("{token}=="), TokenMalformed),
        ("a padded payload", sign_input(&format!("{head}.{}", padded(issuer))), TokenMalformed),
        ("a padded header", sign_input(&format!("{head}=.{payload}")), TokenMalformed),
        ("plain base64", sign_input(&plain(issuer)), TokenMalformed),
        ("slack bits in the signature", format!("{start}{}", next(last)), TokenMalformed),
        ("slack bits in the payload", sign_input(&slack(issuer)), TokenMalformed),
        ("a signature of no whole bytes", format!("{token}AAA"), TokenMalformed),
    ]
}

/// The good payload with one space, so that its encoding wants padding.
fn padded(issuer: &Issuer) -> String {
    let payload = (0..3).map(|n| encode(format!("{}{}", issuer.claims(), " ".repeat(n))));
    let ragged = payload.into_iter().find(|text| text.len() % 4 == 3);
    format!("{}=", ragged.unwrap())
}

/// The good payload in the alphabet of RFC 4648, section 4.
fn plain(issuer: &Issuer) -> String {
    let payload = with(issuer.claims(), "x", json!("???>>>???>>>"));
    let input = signing_input(issuer.header(), payload);
    assert!(input.contains(['-', '_']));
    input.replace('-', "+").replace('_', "/")
}

/// The good payload, its last character spelling the same bytes another way.
fn slack(issuer: &Issuer) -> String {
    let inputs = (0..3).map(|n| {
        signing_input(
            issuer.header(),
            format!("{}{}", issuer.claims(), " ".repeat(n)),
        )
    });
    let ragged = |input: &String| input.rsplit_once('.').unwrap().1.len() % 4 == 3;
    let input = inputs.into_iter().find(ragged).unwrap();
    let (start, last) = input.split_at(input.len() - 1);
    format!("{start}{}", next(last))
}

/// The character after this one in the alphabet: for a last character without slack bits, the same bytes.
fn next(character: &str) -> char {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = ALPHABET.find(character).unwrap();
    ALPHABET.chars().nth(at + 1).unwrap()
}
