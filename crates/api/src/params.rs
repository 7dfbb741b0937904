//! Query parameters with errors that name the parameter, its value and what it should be.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::credentials::decode;
use crate::error::{ApiError, ApiResult};

/// Most parameters that are read; the rest of an absurdly long query is ignored.
const MAX_PARAMS: usize = 200;

/// The decoded query of a request, in order.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Params {
    /// Parses a raw query.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(MAX_PARAMS);
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name).into_owned(), decode(value).into_owned()))
                .collect(),
        )
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A text that must be there.
    pub fn required_text(&self, name: &str) -> ApiResult<&str> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// A whole number. Clients of dynamic languages send `1.5e9` or `1500000000.0` too: those are rounded down.
    pub fn integer(&self, name: &str) -> ApiResult<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let whole = text.parse::<i64>().ok();
        let number =
            whole.or_else(|| text.parse::<f64>().ok().filter(|value| value.abs() < 9e15).map(|v| v.floor() as i64));
        number.map(Some).ok_or_else(|| ApiError::bad(format!("parameter {name} is no whole number: {}", cut(text))))
    }

    /// A whole number that must be there.
    pub fn required_integer(&self, name: &str) -> ApiResult<i64> {
        self.integer(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number within bounds.
    pub fn bounded(&self, name: &str, default: usize, min: usize, max: usize) -> ApiResult<usize> {
        let Some(number) = self.integer(name)? else { return Ok(default) };
        let fits = usize::try_from(number).ok().filter(|value| (min..=max).contains(value));
        fits.ok_or_else(|| ApiError::bad(format!("parameter {name} must be from {min} to {max}: {number}")))
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> ApiResult<Option<bool>> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1" | "yes") => Ok(Some(true)),
            Some("false" | "0" | "no") => Ok(Some(false)),
            Some(other) => Err(ApiError::bad(format!("parameter {name} must be true or false: {}", cut(other)))),
        }
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::bad(format!("missing required parameter: {name}"))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_and_errors_name_them() {
        let params = Params::parse("from=12&to=1.5e3&bad=x&page%5Bsize%5D=2&yes=True&empty=&q=a+b%7B%2A%7D");
        assert_eq!(params.integer("from"), Ok(Some(12)));
        assert_eq!(params.integer("to"), Ok(Some(1500)));
        assert_eq!(params.integer("none"), Ok(None));
        assert_eq!(params.integer("bad"), Err(ApiError::bad("parameter bad is no whole number: x")));
        assert_eq!(params.bounded("page[size]", 1, 1, 10), Ok(2));
        assert!(params.bounded("from", 1, 1, 10).is_err());
        assert_eq!(params.flag("yes"), Ok(Some(true)));
        assert_eq!(params.text("empty"), None);
        assert_eq!(params.text("q"), Some("a b{*}"));
        assert_eq!(params.required_integer("none"), Err(ApiError::bad("missing required parameter: none")));
    }
}
