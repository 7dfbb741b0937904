//! For tests of this crate and of those above.
