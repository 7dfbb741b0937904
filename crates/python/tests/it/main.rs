//! Python checks through the loader, with a real interpreter: `python3` on PATH, or what `GALGO_PYTHON` names. Tests
//! with Datadog's own base class need an interpreter that has it, named by `GALGO_CHECKS_BASE_PYTHON`, and are skipped
//! without.
#![allow(clippy::unwrap_used)] // a helper of tests may panic like a test

mod isolation;
mod lifecycle;
mod loading;
mod native;
mod real_base;
mod rig;
mod runner;
mod submission;
