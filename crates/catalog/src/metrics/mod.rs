//! What is known of metrics beside their points: metadata (unit, description, …) and v2 tag configurations.

pub mod metadata;
pub mod tag_configuration;
