//! Numbers as tags. Bounds and quantiles stand in tags the way Python writes floats, so that series stay the same ones
//! when a check moves here from the original agent.

/// Exponents from here on are written with `e`.
const FIRST_LARGE_EXPONENT: i32 = 16;
/// Exponents below this are written with `e`.
const LAST_SMALL_EXPONENT: i32 = -4;

/// A float as Python's `str` writes it: shortest digits, `1e-05`, `10.0`, `inf`.
pub fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (LAST_SMALL_EXPONENT..FIRST_LARGE_EXPONENT).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// As [`python_float`], but zero is `0` (the canonical form of the second generation of the check).
pub fn canonical(value: f64) -> String {
    if value == 0.0 { "0".into() } else { python_float(value) }
}

/// A label's number.
pub fn parse(label: &str) -> Option<f64> {
    label.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (0.005, "0.005"),
            (10.0, "10.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-0.5, "-0.5"),
            (0.0, "0.0"),
            (1e100, "1e+100"),
        ];
        for (value, wanted) in cases {
            assert_eq!(python_float(value), wanted);
        }
        assert_eq!(canonical(0.0), "0");
        assert_eq!(canonical(-0.0), "0");
    }
}
