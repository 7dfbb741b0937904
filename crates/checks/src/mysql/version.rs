//! Which product answers, and in which version.

/// Version and flavor of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Version {
    /// The server's own text, such as `10.11.6-MariaDB-0+deb12u1`.
    pub(super) raw: String,
    /// Major, minor and patch.
    pub(super) parts: (u32, u32, u32),
    /// What is behind the patch, `unspecified` for nothing.
    pub(super) build: String,
    /// `MySQL`, `MariaDB` or `Percona`.
    pub(super) flavor: &'static str,
}

impl Version {
    /// From `@@version` and `@@version_comment`.
    pub(super) fn parse(raw: &str, comment: &str) -> Self {
        // Old replication tricks put a prefix before the version of MariaDB 10.
        let text = raw.strip_prefix("5.5.5-").unwrap_or(raw);
        let (numbers, build) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        });
        let mut next = || parts.next().unwrap_or(0);
        let parts = (next(), next(), next());
        let says = |word: &str| raw.to_ascii_lowercase().contains(word) || comment.to_ascii_lowercase().contains(word);
        let flavor = match () {
            () if says("mariadb") => "MariaDB",
            () if says("percona") => "Percona",
            () => "MySQL",
        };
        let build = if build.is_empty() { "unspecified" } else { build }.to_owned();
        Self { raw: raw.to_owned(), parts, build, flavor }
    }

    /// Whether it is MariaDB, which names many things in its own way.
    pub(super) fn is_mariadb(&self) -> bool {
        self.flavor == "MariaDB"
    }

    /// Whether this is MySQL (or Percona) of at least a version.
    pub(super) fn mysql_from(&self, from: (u32, u32, u32)) -> bool {
        !self.is_mariadb() && self.parts >= from
    }

    /// Whether this is MariaDB of at least a version.
    pub(super) fn mariadb_from(&self, from: (u32, u32, u32)) -> bool {
        self.is_mariadb() && self.parts >= from
    }

    /// What the status shows of a server.
    pub(super) fn metadata(&self) -> Vec<(String, String)> {
        let (major, minor, patch) = self.parts;
        let mut facts = vec![
            ("version.raw".to_owned(), format!("{major}.{minor}.{patch}+{}", self.build)),
            ("version.scheme".to_owned(), "semver".to_owned()),
            ("version.major".to_owned(), major.to_string()),
            ("version.minor".to_owned(), minor.to_string()),
            ("version.patch".to_owned(), patch.to_string()),
        ];
        facts.push(("version.build".to_owned(), self.build.clone()));
        facts.push(("flavor".to_owned(), self.flavor.to_owned()));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_products_are_read() {
        let cases = [
            ("8.0.36", "MySQL Community Server - GPL"),
            ("5.7.44-log", "MySQL Community Server (GPL)"),
            ("9.1.0-0ubuntu0.24.04.1", "(Ubuntu)"),
            ("8.0.35-27", "Percona Server (GPL), Release 27, Revision 2f8eeab"),
            ("10.11.6-MariaDB-0+deb12u1", "Debian 12"),
            ("5.5.5-10.3.39-MariaDB", ""),
            ("11.4.2", "mariadb.org binary distribution"),
            ("odd", ""),
        ];
        let shown = cases.map(|(raw, comment)| {
            let version = Version::parse(raw, comment);
            format!("{:?} {} {}", version.parts, version.flavor, version.build)
        });
        expect_test::expect![[r#"
            (8, 0, 36) MySQL unspecified
            (5, 7, 44) MySQL log
            (9, 1, 0) MySQL 0ubuntu0.24.04.1
            (8, 0, 35) Percona 27
            (10, 11, 6) MariaDB MariaDB-0+deb12u1
            (10, 3, 39) MariaDB MariaDB
            (11, 4, 2) MariaDB unspecified
            (0, 0, 0) MySQL unspecified"#]]
        .assert_eq(&shown.join("\n"));
    }
}
