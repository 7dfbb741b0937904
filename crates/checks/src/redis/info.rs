//! The answer to `INFO`: lines of `key:value`, some values themselves `key=value` pairs.

/// Facts that a server tells of itself, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Info(Vec<(String, String)>);

impl Info {
    /// Reads the text of an answer.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(':'));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// A fact.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// A fact that is a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.parse().ok()
    }

    /// All facts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Facts whose key is a word followed by digits, with those digits: `db0`, `slave1`.
    pub fn numbered<'i>(&'i self, word: &'i str) -> impl Iterator<Item = (&'i str, &'i str)> {
        self.iter().filter_map(move |(key, value)| {
            let digits = key.strip_prefix(word)?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then_some((digits, value))
        })
    }
}

/// A part of `keys=3,expires=0`.
pub fn part<'v>(value: &'v str, key: &str) -> Option<&'v str> {
    value.split(',').find_map(|pair| {
        let (known, value) = pair.rsplit_once('=')?;
        (known == key).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found() {
        let text = "# Server\r\nredis_version:7.0.15\r\n\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=5\r\ndbx:1\r\n\
                    slave0:ip=10.0.0.1,port=6380,offset=14\r\n";
        let info = Info::parse(text);
        assert_eq!(info.get("redis_version"), Some("7.0.15"));
        assert_eq!(info.numbered("db").collect::<Vec<_>>(), [("0", "keys=3,expires=1,avg_ttl=5")]);
        assert_eq!(part(info.get("slave0").unwrap(), "offset"), Some("14"));
        assert_eq!(part("a=b=c", "a=b"), Some("c"));
        assert_eq!(part("keys=3", "expires"), None);
    }
}
