//! The calls to the file system that durability rests on.
