//! Datadog's unit table.

use serde::Serialize;

/// A unit as Datadog's API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Unit {
    /// Datadog's number of the unit.
    pub id: u32,
    /// Family, such as `bytes` or `time`.
    pub family: &'static str,
    /// Singular name, such as `byte`.
    pub name: &'static str,
    /// Plural name.
    pub plural: &'static str,
    /// Short form for axes, such as `B`.
    pub short_name: &'static str,
    /// How many of the family's base unit one of these is.
    pub scale_factor: f64,
}
