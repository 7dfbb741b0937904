//! Values with their units, short enough for a table or an axis.

use serde_json::Value;

/// How values of a unit are written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Unit {
    family: String,
    /// What is appended when the family has no scale of its own.
    name: String,
    /// How many of the family's base unit one is.
    scale: f64,
    /// Appended last: `/s`.
    per: String,
}

/// Steps of a scale, from small to large: factor and name.
type Scale = &'static [(f64, &'static str)];

const BYTES: Scale = &[
    (1.0, "B"),
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
    (1_099_511_627_776.0, "TiB"),
    (1_125_899_906_842_624.0, "PiB"),
];
const SECONDS: Scale =
    &[(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "d")];
const PLAIN: Scale = &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")];

impl Unit {
    /// Reads `[{family, name, plural, short_name, scale_factor}, per]`; anything else is no unit.
    pub(super) fn read(unit: Option<&Value>) -> Self {
        let Some(first) = unit.and_then(|pair| pair.get(0)).filter(|first| first.is_object()) else {
            return Self { scale: 1.0, ..Self::default() };
        };
        let text = |unit: &Value, key: &str| unit.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let short = text(first, "short_name");
        let name = if short.is_empty() { text(first, "plural") } else { short };
        let per = unit.and_then(|pair| pair.get(1)).filter(|per| per.is_object());
        let per =
            per.map(|per| if text(per, "short_name").is_empty() { text(per, "name") } else { text(per, "short_name") });
        Self {
            family: text(first, "family"),
            name,
            scale: first.get("scale_factor").and_then(Value::as_f64).unwrap_or(1.0),
            per: per.map(|per| format!("/{per}")).unwrap_or_default(),
        }
    }

    /// A value with its unit, about four digits.
    pub(super) fn write(&self, value: f64) -> String {
        let (base, scale, name) = match self.family.as_str() {
            "bytes" => (value * self.scale, BYTES, ""),
            "time" => (value * self.scale, SECONDS, ""),
            "percentage" => (value * self.scale, &PLAIN[..1], "%"),
            _ => (value, PLAIN, self.name.as_str()),
        };
        let (factor, step) = step_of(base, scale);
        let separator = if step.is_empty() && (name.is_empty() || name == "%") { "" } else { " " };
        let between = if step.is_empty() || name.is_empty() { "" } else { " " };
        format!("{}{separator}{step}{between}{name}{}", number(base / factor), self.per)
    }
}

fn step_of(base: f64, scale: Scale) -> (f64, &'static str) {
    let size = base.abs();
    if size == 0.0 {
        // The step that needs no conversion.
        return scale.iter().copied().find(|&(factor, _)| factor == 1.0).unwrap_or(scale[0]);
    }
    // A value that would be rounded up to the next step already belongs to it.
    scale.iter().copied().rev().find(|&(factor, _)| size >= factor * 0.9995).unwrap_or(scale[0])
}

/// A number with four significant digits at most, without trailing zeros.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = match size {
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.23456, "1.235"),
            (12.3456, "12.35"),
            (123.456, "123.5"),
            (1234.56, "1235"),
            (0.012345, "0.0123"),
            (0.00001, "1.00e-5"),
            (-0.00000001, "-1.00e-8"),
            (1234567.0, "1.23e6"),
            (-5.5, "-5.5"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn units_scale_by_their_family() {
        let unit = |family: &str, name: &str, short: Option<&str>, scale: f64| json!([{ "family": family, "name": name, "plural": format!("{name}s"), "short_name": short, "scale_factor": scale }, null]);
        for (unit, value, expected) in [
            (json!(null), 1234.5, "1.234 k"),
            (json!(null), 0.5, "0.5"),
            (unit("bytes", "mebibyte", Some("MiB"), 1_048_576.0), 2048.0, "2 GiB"),
            (unit("bytes", "byte", Some("B"), 1.0), 0.0, "0 B"),
            (unit("time", "millisecond", Some("ms"), 0.001), 1500.0, "1.5 s"),
            (unit("time", "second", Some("s"), 1.0), 0.0, "0 s"),
            (unit("percentage", "percent", Some("%"), 1.0), 12.5, "12.5%"),
            (unit("percentage", "fraction", None, 100.0), 0.25, "25%"),
            (unit("network", "request", Some("req"), 1.0), 1500.0, "1.5 k req"),
            (unit("cpu", "core", None, 1.0), 2.0, "2 cores"),
        ] {
            assert_eq!(Unit::read(Some(&unit)).write(value), expected, "{unit}");
        }
        let rate = json!([{ "family": "bytes", "short_name": "B", "scale_factor": 1.0 }, { "name": "second", "short_name": "s" }]);
        assert_eq!(Unit::read(Some(&rate)).write(1024.0), "1 KiB/s");
    }
}
