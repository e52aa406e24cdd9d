//! Times, spans and what others wrote, in words for people. Scripts get `--json`, which has none of this.

use std::time::Duration;

use relatch_core::Timestamp;

const UNITS: [(u64, &str); 4] = [
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
    (1, "second"),
];

/// A span by its two largest units, rounded: `5 days 1 hour`, `30 seconds`.
pub(super) fn span(span: Duration) -> String {
    let finest = match span.as_secs() {
        86_400.. => 3_600_000,
        3_600.. => 60_000,
        1.. => 1_000,
        0 => 1,
    };
    let rounded = (span.as_millis() + finest / 2) / finest * finest;
    let mut rest = u64::try_from(rounded / 1_000).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (seconds, name) in UNITS {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            parts.push(many(count, name));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() {
        return "less than a second".to_owned();
    }
    parts.join(" ")
}

/// `1 session`, `2 sessions`.
pub(super) fn many(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A time to the second.
pub(super) fn moment(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_seconds()).map_or_else(
        |_| format!("{} ms after 1970", time.as_millis()),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// How far a time is away: `3 minutes ago`, `in 5 days`.
pub(super) fn distance(time: Timestamp, now: Timestamp) -> String {
    if time > now {
        format!("in {}", span(time.since(now)))
    } else {
        format!("{} ago", span(now.since(time)))
    }
}

/// A time and how far it is away.
pub(super) fn when(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", moment(time), distance(time, now))
}

/// What somebody else wrote, so that it cannot act on a terminal or turn the text around it.
pub(super) fn foreign(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .flat_map(|c| {
            let shown: Box<dyn Iterator<Item = char>> = if acts(c) {
                Box::new(c.escape_unicode())
            } else {
                Box::new(std::iter::once(c))
            };
            shown
        })
        .collect()
}

/// An argument in an error: never one that may be a token, put in the wrong place.
pub(super) fn argument(text: &str) -> String {
    let secret = text.chars().count() > 64 || text.contains("relatch_rt_");
    if secret {
        return "what was given".to_owned();
    }
    format!("\"{}\"", foreign(text))
}

/// A paragraph in lines of at most a hundred characters, each behind `indent`.
pub(super) fn paragraph(text: &str, indent: &str) -> String {
    const WIDTH: usize = 100;
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        let long = indent.len() + line.chars().count() + 1 + word.chars().count() > WIDTH;
        if long && !line.is_empty() {
            lines.push(format!("{indent}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(format!("{indent}{line}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (seconds, text) in [
            (0, "less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (90, "1 minute 30 seconds"),
            (86_400, "1 day"),
            (86_401, "1 day"),
            (5 * 86_400 - 1, "5 days"),
            (2 * 3_600 - 29, "2 hours"),
            (5 * 86_400 + 3_600 + 59, "5 days 1 hour"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_others_wrote_does_not_act_on_the_terminal() {
        let evil = "a\u{1b}[2Jb\u{9b}c\u{202e}d\n\u{7f}e";
        let shown = foreign(evil);
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\u{a}\\u{7f}e");
        assert_eq!(foreign("Ada’s 📱"), "Ada’s 📱");
    }

    #[test]
    fn a_paragraph_keeps_its_words_and_its_width() {
        let text = "word ".repeat(60);
        let shown = paragraph(text.trim_end(), "    ");
        assert!(shown.lines().all(|line| line.len() <= 100));
        assert_eq!(shown.split_whitespace().count(), 60);
    }
}
