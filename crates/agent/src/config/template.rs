//! Template variables in the files of checks: `%%env_NAME%%`, `%%host%%`, `%%hostname%%` (reference: python-checks.md
//! §2). Those that only make sense for a container are refused.

use super::secrets::Secrets;
use super::yaml::Node;

/// What variables stand for on this host.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// Finds the name under which the host reports.
    pub hostname: &'a dyn Fn() -> String,
    /// Where the environment is.
    pub secrets: &'a Secrets,
}

/// Address of a service on this host.
const LOCAL_ADDRESS: &str = "127.0.0.1";

impl Variables<'_> {
    /// Replaces the variables of every text below; `unresolved` hears of each text that has one without a value: key,
    /// line and reason.
    pub fn fill(&self, node: &mut Node, mut unresolved: impl FnMut(&str, usize, &str)) {
        node.rewrite("", &mut |path, node, text| {
            if !text.contains("%%") {
                return None;
            }
            match self.expand(text) {
                // A text that is one variable takes the type of its value, so that a port is a number.
                Ok((expanded, true)) => Some(Node::plain(&expanded, node.line)),
                Ok((expanded, false)) => Some(Node { line: node.line, ..Node::text(expanded) }),
                Err(reason) => {
                    unresolved(path, node.line, &reason);
                    None
                }
            }
        });
    }

    /// The text with its variables replaced, and whether it was nothing but one variable.
    fn expand(&self, text: &str) -> Result<(String, bool), String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        let mut pieces = 0;
        while let Some(start) = rest.find("%%") {
            let after = &rest[start + 2..];
            let name = after.find("%%").map(|end| &after[..end]).filter(|name| is_name(name));
            let Some(name) = name else {
                // Two percent signs that enclose no name, such as in a format of dates.
                expanded.push_str(&rest[..start + 2]);
                (rest, pieces) = (after, pieces + 2);
                continue;
            };
            pieces += 1 + usize::from(start > 0);
            expanded.push_str(&rest[..start]);
            expanded.push_str(&self.value(name)?);
            rest = &after[name.len() + 2..];
        }
        expanded.push_str(rest);
        Ok((expanded, pieces == 1 && rest.is_empty()))
    }

    fn value(&self, name: &str) -> Result<String, String> {
        if let Some(variable) = name.strip_prefix("env_") {
            let value = self.secrets.variable(variable).map(str::to_owned);
            return value.ok_or_else(|| format!("%%{name}%%: the environment variable {variable} is not set"));
        }
        match name {
            "host" => Ok(LOCAL_ADDRESS.into()),
            "hostname" => Ok((self.hostname)()),
            _ => Err(format!(
                "%%{name}%% is only known for containers, here are %%env_NAME%%, %%host%% and %%hostname%%"
            )),
        }
    }
}

/// Whether it is the name of a variable, known or not.
fn is_name(text: &str) -> bool {
    const STARTS: [&str; 9] = ["env_", "host", "hostname", "port", "pid", "extra_", "kube_", "host_", "port_"];
    let has_letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    has_letters
        && STARTS.iter().any(|start| if start.ends_with('_') { text.starts_with(start) } else { text == *start })
}
