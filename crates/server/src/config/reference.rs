//! The reference page of the settings, made from their table.

use std::fmt::Write as _;

use super::settings::SETTINGS;

/// Markdown: every setting with its default and its reason.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Relatch needs no configuration to start. What you want to change goes into a TOML file (`relatch serve --config FILE`) \
         or into environment variables, which come after the file: `RELATCH_`, the section, `_` and the key, as in \
         `RELATCH_SESSION_RETRY_WINDOW=10s`. Unknown names are refused, and every problem is told at once. \
         `RELATCH_LOG` sets the log's filter, as in `RELATCH_LOG=debug`.\n\n\
         Made by `cargo xtask gen` from the settings table; do not edit.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        let (own_section, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if own_section != section {
            section = own_section;
            // Writing to a String has no way to fail, here and below.
            let _ = write!(page, "\n## [{section}]\n");
        }
        let default = if setting.default.is_empty() {
            "unset".to_owned()
        } else {
            format!("`{}`", setting.default)
        };
        let _ = write!(
            page,
            "\n### {key}\n\nDefault: {default}\n\n{}\n",
            setting.why
        );
    }
    page
}
