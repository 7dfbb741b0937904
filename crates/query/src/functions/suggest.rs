//! The name that someone may have meant.

/// The name nearest to a misspelt one, if one is near: at most a third of it may differ.
pub(super) fn nearest<'a>(misspelt: &str, names: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let limit = (misspelt.chars().count() / 3).clamp(1, 3);
    let lower = misspelt.to_ascii_lowercase();
    names
        .map(|name| (distance(&lower, name), name.as_str()))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two names.
fn distance(left: &str, right: &str) -> usize {
    // Names of users have no length limit of their own; what is much longer than any function is near none.
    if left.len() > 64 {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(row[place + 1] + 1);
        }
    }
    row[right.len()]
}
