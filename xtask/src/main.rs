//! Rules on the code itself that no compiler checks: `cargo run -p xtask -- tidy`.

mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(),
        other => Err(anyhow::anyhow!("usage: cargo run -p xtask -- tidy (not {other:?})")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that a Debug print would bring.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
