//! Texts into values: durations, sizes, numbers, choices. Each error says what was expected.

use std::time::Duration;

use relatch_core::attempt::Quota;

/// What a text could not be read as, in words for an operator.
pub(super) type Fault = String;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `500ms`, `30s`, `15m`, `12h`, `5d`.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    let (number, unit) = split(text);
    let unit = UNITS
        .iter()
        .find(|candidate| candidate.0 == unit)
        .map(|found| found.1);
    let millis = number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit));
    millis.map(Duration::from_millis).ok_or_else(|| {
        format!("{text:?} is no duration: write a whole number and a unit, like \"500ms\", \"30s\", \"15m\", \"12h\" or \"5d\"")
    })
}

/// A duration within bounds.
pub(super) fn duration_within(text: &str, least: &str, most: &str) -> Result<Duration, Fault> {
    let value = duration(text)?;
    if duration(least)? <= value && value <= duration(most)? {
        Ok(value)
    } else {
        Err(format!("{text:?} is out of range: from {least} to {most}"))
    }
}

/// `16KiB`, `1MiB`, `800B`, in bytes.
pub(super) fn size(text: &str) -> Result<usize, Fault> {
    let (number, unit) = split(text);
    let factor = [
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let factor = factor
        .iter()
        .find(|candidate| candidate.0 == unit)
        .map(|found| found.1);
    let bytes = number
        .zip(factor)
        .and_then(|(number, factor): (u64, u64)| number.checked_mul(factor));
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| {
        format!("{text:?} is no size: write a whole number and a unit, like \"800B\", \"16KiB\" or \"19MiB\"")
    })
}

/// A size within bounds.
pub(super) fn size_within(text: &str, least: &str, most: &str) -> Result<usize, Fault> {
    let value = size(text)?;
    if size(least)? <= value && value <= size(most)? {
        Ok(value)
    } else {
        Err(format!("{text:?} is out of range: from {least} to {most}"))
    }
}

/// A whole number within bounds.
pub(super) fn number(text: &str, least: usize, most: usize) -> Result<usize, Fault> {
    let value: usize = text
        .parse()
        .map_err(|_| format!("{text:?} is no whole number"))?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{value} is out of range: from {least} to {most}"))
    }
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, Fault> {
    choice(text, &[("true", true), ("false", false)])
}

/// One of several words.
pub(super) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, Fault> {
    choices
        .iter()
        .find(|choice| choice.0 == text)
        .map(|choice| choice.1)
        .ok_or_else(|| {
            let names: Vec<_> = choices
                .iter()
                .map(|choice| format!("{:?}", choice.0))
                .collect();
            format!("{text:?} is none of {}", names.join(", "))
        })
}

/// Texts with commas between them.
pub(super) fn list(text: &str) -> Result<Vec<&str>, Fault> {
    let texts: Vec<_> = text.split(',').map(str::trim).collect();
    if texts.iter().any(|text| text.is_empty()) || text.chars().any(char::is_control) {
        return Err(format!(
            "{text:?} must be one text or several, none of them empty"
        ));
    }
    Ok(texts)
}

/// `10/1m`: so many at once, and then one after each pause; or several of them.
pub(super) fn quotas(text: &str) -> Result<Vec<Quota>, Fault> {
    list(text)?.into_iter().map(quota).collect()
}

fn quota(text: &str) -> Result<Quota, Fault> {
    let fault = || {
        format!(
            "{text:?} is no quota: write how many at once and the pause for one more, like \"10/1m\""
        )
    };
    let (burst, every) = text.split_once('/').ok_or_else(fault)?;
    let burst = number(burst, 1, 1_000_000)?;
    let every = duration_within(every, "1ms", "24h")?;
    let burst = u32::try_from(burst).map_err(|_| fault())?;
    Quota::new(burst, every).ok_or_else(fault)
}

/// An absolute `http` or `https` URL without query, fragment, user or slash at its end.
pub(super) fn url(text: &str) -> Result<String, Fault> {
    let fault = |what: &str| Err(format!("{text:?} {what}"));
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        return fault("is no absolute http or https URL");
    };
    if rest.ends_with('/') {
        return fault("must not end in a slash: verifiers compare the issuer letter by letter");
    }
    if rest.contains(['?', '#', '@', ' ', '"', '<', '>', '\\'])
        || rest.chars().any(char::is_control)
    {
        return fault("must be an URL without query, fragment, user or strange characters");
    }
    Ok(text.to_owned())
}

fn split(text: &str) -> (Option<u64>, &str) {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number.parse().ok(), unit.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5d"), Ok(Duration::from_hours(120)));
        for wrong in [
            "30",
            "",
            "s",
            "-1s",
            "1.5h",
            "30 seconds",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration_within("301s", "0s", "300s").is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("16KiB"), Ok(16_384));
        assert_eq!(size("19 MiB"), Ok(19 << 20));
        assert!(size("16kb").is_err() && size("16").is_err());
    }

    #[test]
    fn an_issuer_has_one_spelling() {
        assert!(url("https://auth.example.com").is_ok() && url("http://127.0.0.1:8080").is_ok());
        for wrong in [
            "",
            "auth.example.com",
            "https://",
            "https:///x",
            "https://a/",
            "https://a?b",
            "ftp://a",
            "https://u@a",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_has_no_gaps() {
        assert_eq!(list("a, b,c"), Ok(vec!["a", "b", "c"]));
        for wrong in ["", ",", "a,", " ,b", "a\n"] {
            assert!(list(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn quotas_are_a_number_and_a_pause() {
        let quota = |burst, secs| Quota::new(burst, Duration::from_secs(secs)).expect("a quota");
        assert_eq!(
            quotas("10/1m, 50/15m"),
            Ok(vec![quota(10, 60), quota(50, 900)])
        );
        for wrong in [
            "",
            "10",
            "10/",
            "/1m",
            "0/1m",
            "10/0s",
            "10/1",
            "10 per 1m",
            "10/25h",
            "5/1m,",
        ] {
            assert!(quotas(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn choices_are_named_when_none_fits() {
        let error = choice("maybe", &[("open", 1), ("closed", 2)]).unwrap_err();
        assert_eq!(error, "\"maybe\" is none of \"open\", \"closed\"");
    }
}
