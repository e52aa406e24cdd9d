//! What to call a device: what the client says, or else what its `User-Agent` shows.

use super::{arrival::cut, fields::Fields};

/// Browsers, the most particular first, for each names the ones below it as well.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

const LONGEST: usize = 64;

/// The field `device_name`, or a name made of the `User-Agent`.
pub(super) fn name(fields: &mut Fields, agent: Option<&str>) -> String {
    let Some(given) = fields.optional_string("device_name") else {
        return derived(agent);
    };
    if given.chars().count() > LONGEST {
        fields.fault("device_name", "too_long", "At most 64 characters.");
    } else if given.trim().is_empty() {
        fields.fault(
            "device_name",
            "too_short",
            "Leave the field out, or write a name.",
        );
    } else if given.chars().any(char::is_control) {
        fields.fault(
            "device_name",
            "invalid_characters",
            "Control characters are not allowed.",
        );
    }
    given
}

fn derived(agent: Option<&str>) -> String {
    let agent = agent.unwrap_or_default();
    let find = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|name| agent.contains(name.0))
            .map(|name| name.1)
    };
    if !agent.starts_with("Mozilla/") {
        let product = agent.split(['/', ' ', '(']).next().unwrap_or_default();
        let product: String = cut(product, 32)
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        return if product.is_empty() {
            "Unknown device".to_owned()
        } else {
            product
        };
    }
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_agents_have_the_usual_names() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.14.1", "curl"),
            ("NotesApp/2.1 (iOS 18)", "NotesApp"),
            ("", "Unknown device"),
        ];
        for (agent, name) in cases {
            assert_eq!(derived(Some(agent)), name);
        }
    }
}
