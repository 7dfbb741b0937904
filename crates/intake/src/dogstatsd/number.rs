//! Numbers as the agent reads them: what Go's `ParseFloat` accepts.

/// Parses a value: decimal, exponent, hexadecimal, infinity or NaN. A number too large for a double is infinite.
pub(super) fn parse(text: &str) -> Option<f64> {
    if let Some(value) = short_integer(text) {
        return Some(value);
    }
    text.parse().ok().or_else(|| hexadecimal(text))
}

/// The most frequent value by far.
fn short_integer(text: &str) -> Option<f64> {
    // Nine digits fit an u32.
    let short = matches!(text.len(), 1..=9) && text.bytes().all(|byte| byte.is_ascii_digit());
    short.then(|| f64::from(text.bytes().fold(0_u32, |value, byte| value * 10 + u32::from(byte - b'0'))))
}

/// `0x1.8p3`: hexadecimal mantissa, binary exponent (which is mandatory).
fn hexadecimal(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let digits = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"))?;
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    // In two steps, so that neither a long fraction nor a large exponent overflows before they cancel out.
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(sign * value * 2_f64.powi(-shift) * 2_f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_are_read() {
        for (text, value) in [
            ("1", 1.0),
            ("123456789", 123_456_789.0),
            ("1234567890", 1_234_567_890.0),
            ("-1", -1.0),
            ("+1", 1.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E-3", 0.001),
            ("0x1p4", 16.0),
            ("0x1.8p1", 3.0),
            ("-0X.8P0", -0.5),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        assert!(parse("NaN").is_some_and(f64::is_nan));
        for text in ["", "b", "1x", "0x1", "0xp1", "--1", "1 ", " 1", "1,5", "0x1p"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
