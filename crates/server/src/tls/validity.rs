//! From when to when a certificate is valid (RFC 5280 §4.1.2.5), whose it is and who signed it. Reads no further, and judges nothing.

use relatch_core::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Its begin and its end; nothing if it is no certificate.
pub(super) fn of(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (validity, _) = expect(SEQUENCE, from_issuer(certificate)?.1)?;
    let (tag, begin, rest) = element(validity)?;
    let begin = time(tag, begin)?;
    let (tag, end, _) = element(rest)?;
    Some((begin, time(tag, end)?))
}

/// The names of its issuer and of its subject, not taken apart.
pub(super) fn parties(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (issuer, rest) = from_issuer(certificate)?;
    let (_, after_validity) = expect(SEQUENCE, rest)?;
    let (subject, _) = expect(SEQUENCE, after_validity)?;
    Some((issuer, subject))
}

/// The issuer's name, and what comes after it.
fn from_issuer(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, _) = expect(SEQUENCE, certificate)?;
    let (mut rest, _) = expect(SEQUENCE, certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    for _ in ["serial number", "algorithm"] {
        rest = element(rest)?.2;
    }
    expect(SEQUENCE, rest)
}

fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and what comes after one element of DER.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if length.len() > 4 {
            return None;
        }
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn time(tag: u8, digits: &[u8]) -> Option<Timestamp> {
    let digits = std::str::from_utf8(digits).ok()?;
    let digits = match tag {
        // Two digits of the year stand for 1950 to 2049.
        UTC_TIME if digits.get(..2)? < "50" => format!("20{digits}"),
        UTC_TIME => format!("19{digits}"),
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", digits).ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(time.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::time as shown;

    #[test]
    fn both_forms_of_a_time_are_read() {
        let read = |tag, text: &str| time(tag, text.as_bytes()).map(shown);
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(
            read(UTC_TIME, "261124211155Z"),
            expected("2026-11-24T21:11:55.000Z")
        );
        assert_eq!(
            read(UTC_TIME, "500101000000Z"),
            expected("1950-01-01T00:00:00.000Z")
        );
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000Z"),
            expected("2050-01-01T00:00:00.000Z")
        );
        for wrong in ["", "2", "é", "261124211155", "261324211155Z"] {
            assert_eq!(read(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_no_certificate() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("makes one");
        let der = made.cert.der();
        assert!(of(der).is_some_and(|(begin, end)| begin < end));
        for length in 0..der.len() {
            assert_eq!(of(der.get(..length).unwrap_or_default()), None, "{length}");
        }
        assert_eq!(of(&[SEQUENCE, 0x85, 0, 0, 0, 0, 1, 0]), None);
    }
}
