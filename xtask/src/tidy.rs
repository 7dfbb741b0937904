//! Holds the shape of the code: which crate may know which, how long a file may be, that every module says what it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates in the order in which they may depend on each other: each may know those before it, none after it.
const ORDER: [&str; 13] = [
    "galgo-core",
    "galgo-intake",
    "galgo-query",
    "galgo-store",
    "galgo-metrics",
    "galgo-catalog",
    "galgo-agent",
    "galgo-checks",
    "galgo-python",
    "galgo-tail",
    "galgo-forward",
    "galgo-api",
    "galgo",
];

/// Longest file of Rust or TypeScript, in lines.
const MAX_LINES: usize = 600;

/// Files that may be longer, with the reason. Numbers only go down.
const LONGER: [(&str, usize, &str); 0] = [];

/// Checks everything and names every breach.
pub fn run() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let mut breaches = dependency_breaches(root)?;
    for folder in ["crates", "xtask", "fuzz/fuzz_targets", "web/src", "web/e2e", "web/dev"] {
        for file in source_files(&root.join(folder))? {
            file_breaches(root, &file, &mut breaches)?;
        }
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    ensure!(breaches.is_empty(), "{} breaches of the rules on the code", breaches.len());
    println!("tidy: all rules hold");
    Ok(())
}

fn dependency_breaches(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
    let position = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut breaches = Vec::new();
    for package in metadata.packages.iter().filter(|package| package.name.as_str() != "xtask") {
        let Some(own) = position(package.name.as_str()) else {
            breaches.push(format!("crate {} has no place in the order of crates (xtask/src/tidy.rs)", package.name));
            continue;
        };
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in normal {
            if position(&dependency.name).is_some_and(|other| other >= own) {
                breaches.push(format!("{} must not know {}", package.name, dependency.name));
            }
        }
    }
    Ok(breaches)
}

fn source_files(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(files) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "node_modules" && name != "target" {
                files.extend(source_files(&path)?);
            }
        } else if name.ends_with(".rs") || name.ends_with(".ts") || name.ends_with(".tsx") {
            files.insert(path);
        }
    }
    Ok(files)
}

fn file_breaches(root: &Path, file: &Path, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let name = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
    let lines = text.lines().count();
    let limit = LONGER.iter().find(|(longer, ..)| *longer == name).map_or(MAX_LINES, |(_, limit, _)| *limit);
    // Generated files are not read by people.
    if lines > limit && !name.ends_with(".gen.ts") {
        breaches.push(format!("{name} has {lines} lines, limit {limit}: which second idea moved in?"));
    }
    let is_module = name.ends_with(".rs") && !name.contains("/tests/") && !name.ends_with("tests.rs");
    let opens_with_why = text.starts_with("//!") || text.contains("\n//!") && text.starts_with("#!");
    if is_module && !opens_with_why {
        breaches.push(format!("{name} does not open with a //! comment that says what it is"));
    }
    Ok(())
}
