//! A log line as one JSON object, written straight into the line: a log line is a noticeable part of a refresh.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{
    clock::{Clock as _, SystemClock},
    http::time,
};

/// `{"timestamp":…,"level":…,` then the event's fields in their order.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (now, level) = (time(SystemClock.now()), event.metadata().level());
        write!(line, r#"{{"timestamp":"{now}","level":"{level}""#)?;
        let mut members = Members {
            line: line.by_ref(),
            outcome: Ok(()),
        };
        event.record(&mut members);
        members.outcome?;
        line.write_str("}\n")
    }
}

/// Writes each field as a member of the object.
struct Members<'a> {
    line: Writer<'a>,
    outcome: fmt::Result,
}

impl Members<'_> {
    /// One member: its name, then its value by `write`. Name and quotes go straight into the line, not by way of `write!`,
    /// which asks more of the processor than the value does.
    fn member(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        self.outcome = self.outcome.and_then(|()| {
            self.line.write_str(",\"")?;
            self.line.write_str(field.name())?;
            self.line.write_str("\":")?;
            write(&mut self.line)
        });
    }

    /// One member whose value is a text.
    fn text(&mut self, field: &Field, write: impl FnOnce(&mut Escaped<'_, '_>) -> fmt::Result) {
        self.member(field, |line| {
            line.write_char('"')?;
            write(&mut Escaped(line))?;
            line.write_char('"')
        });
    }
}

impl Visit for Members<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, |text| write!(text, "{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |text| text.write_str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| write!(line, "{value}"));
    }
}

/// Text inside a JSON string (RFC 8259 §7).
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (place, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0
                .write_str(text.get(plain..place).unwrap_or_default())?;
            write!(self.0, "\\u{byte:04x}")?;
            plain = place + 1;
        }
        self.0.write_str(text.get(plain..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("unharmed").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn line(log: impl FnOnce()) -> serde_json::Value {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Json)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(kept.0.lock().expect("unharmed").clone()).expect("UTF-8");
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        serde_json::from_str(&text).expect(&text)
    }

    #[test]
    fn every_kind_of_field_comes_out_as_it_went_in() {
        let (absent, present) = (None::<&str>, Some("there"));
        let value = line(|| {
            tracing::warn!(absent, present, count = 7_u64, below = -3_i64, yes = true, shown = %1.5, "said {}", 1);
        });
        assert_eq!(value["level"], "WARN");
        assert_eq!(value["message"], "said 1");
        assert_eq!(
            (&value["present"], value.get("absent")),
            (&"there".into(), None)
        );
        assert_eq!(
            (&value["count"], &value["below"]),
            (&7.into(), &(-3).into())
        );
        assert_eq!(
            (&value["yes"], &value["shown"]),
            (&true.into(), &"1.5".into())
        );
        assert!(
            value["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
    }

    #[test]
    fn nothing_that_is_logged_breaks_its_line() {
        let nasty = "\",\"level\":\"x\n\r\t\\ \u{0} \u{1f} \u{7f} é \u{2028} 😀";
        let value = line(|| tracing::info!(nasty, shown = %nasty, debug = ?nasty, "{nasty}"));
        assert_eq!(value["nasty"], nasty);
        assert_eq!(value["shown"], nasty);
        assert_eq!(value["message"], nasty);
        assert_eq!(value["level"], "INFO");
        assert_eq!(value["debug"], format!("{nasty:?}"));
    }
}
