//! Golden readings of InnoDB status texts.
