//! What commands print: sentences and tables for people, one JSON value with `--json` for scripts.

use std::io::Write as _;

use serde_json::Value;

/// How to print.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct Output {
    /// Print one JSON value in place of text.
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Whether a script reads it.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Prints `value` for scripts, or what `text` makes for people.
    pub(super) fn print(self, value: &Value, text: impl FnOnce() -> String) {
        let text = if self.json {
            format!("{value:#}")
        } else {
            text()
        };
        let written = writeln!(std::io::stdout(), "{}", text.trim_end());
        // Whoever reads may have enough, as `head` has.
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("relatch: the output cannot be written: {error}");
        }
    }
}

/// Rows under a head, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths);
        let padded: Vec<_> = padded
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head)];
    lines.extend(rows.iter().map(|row| {
        line(std::array::from_fn(|n| {
            row.get(n).map_or("", String::as_str)
        }))
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        let rows = [["ada", "1"], ["grace", "2"]].map(|row| row.map(str::to_owned));
        let table = super::table(["NAME", "N"], &rows);
        assert_eq!(table, "NAME   N\nada    1\ngrace  2");
    }
}
