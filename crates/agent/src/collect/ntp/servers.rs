//! Which time servers are asked: those of the configuration, those that this machine sets its clock by, those of the
//! cloud that it runs in, or the public pool.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::check::CheckError;
use crate::collect::kernel::{Roots, read_line};
use crate::collect::options::Options;

/// Datadog's names in the public pool.
const POOL: [&str; 4] =
    ["0.datadog.pool.ntp.org", "1.datadog.pool.ntp.org", "2.datadog.pool.ntp.org", "3.datadog.pool.ntp.org"];

/// Configurations of time services, below `/etc`.
const LOCAL_FILES: [&str; 7] = [
    "ntp.conf",
    "xntp.conf",
    "chrony.conf",
    "chrony/chrony.conf",
    "ntpd.conf",
    "openntpd/ntpd.conf",
    "systemd/timesyncd.conf",
];

/// More of them: every `.conf` of this folder.
const LOCAL_FOLDER: &str = "systemd/timesyncd.conf.d";

/// Clouds by what their virtual machines say of themselves: file below `/sys/class/dmi/id`, beginning of its text,
/// time servers.
const CLOUDS: [(&str, &str, &[&str]); 6] = [
    ("sys_vendor", "Amazon EC2", &["169.254.169.123"]),
    ("sys_vendor", "Google", &["metadata.google.internal"]),
    // The asset tag of every Azure machine; "Microsoft Corporation" alone may be any Hyper-V.
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", &["time.windows.com"]),
    ("sys_vendor", "Alibaba Cloud", &["ntp.cloud.aliyuncs.com"]),
    ("chassis_asset_tag", "OracleCloud.com", &["169.254.169.254"]),
    ("sys_vendor", "Tencent Cloud", &["ntpupdate.tencentyun.com"]),
];

/// The servers for an instance; never none.
pub(super) fn choose(options: &Options<'_>, roots: &Roots) -> Result<Vec<String>, CheckError> {
    if options.flag("use_local_defined_servers", false)? {
        let local = local(roots);
        if local.is_empty() {
            let files = LOCAL_FILES.map(|file| roots.etc.join(file).display().to_string()).join(", ");
            return Err(CheckError::new(format!("use_local_defined_servers: no time server is named in {files}")));
        }
        return Ok(local);
    }
    let mut servers: Vec<String> = options.text("host")?.into_iter().collect();
    for server in options.texts("hosts")? {
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        servers = of_cloud(roots).unwrap_or(&POOL).iter().map(|&server| server.to_owned()).collect();
    }
    Ok(servers)
}

fn of_cloud(roots: &Roots) -> Option<&'static [&'static str]> {
    let says = |file: &str| read_line(&roots.sys.join("class/dmi/id").join(file)).unwrap_or_default();
    CLOUDS.iter().find(|(file, text, _)| says(file).starts_with(text)).map(|(_, _, servers)| *servers)
}

/// Servers of every configuration together: which one of them is in use does not matter for the question.
fn local(roots: &Roots) -> Vec<String> {
    let mut files: Vec<PathBuf> = LOCAL_FILES.iter().map(|file| roots.etc.join(file)).collect();
    if let Ok(entries) = std::fs::read_dir(roots.etc.join(LOCAL_FOLDER)) {
        let paths = entries.flatten().map(|entry| entry.path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|extension| extension == "conf")));
    }
    let texts = files.iter().filter_map(|file| read_line(file));
    let servers: BTreeSet<String> = texts.flat_map(|text| text.lines().flat_map(of_line).collect::<Vec<_>>()).collect();
    servers.into_iter().collect()
}

/// `server NAME …`, `pool NAME …`, `peer NAME …` or `NTP=NAME NAME…`.
fn of_line(line: &str) -> Vec<String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let owned = |words: std::str::SplitWhitespace<'_>, most| words.take(most).map(str::to_owned).collect();
    let mut words = line.split_whitespace();
    if matches!(words.next(), Some("server" | "pool" | "peer")) {
        return owned(words, 1);
    }
    match line.split_once('=') {
        Some((key, names)) if matches!(key.trim(), "NTP" | "FallbackNTP") => {
            owned(names.split_whitespace(), usize::MAX)
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Instance, Source};
    use crate::collect::MachineVolumes;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn servers(roots: &Roots, options: Value) -> Result<Vec<String>, CheckError> {
        let instance = Instance::new("ntp", options, json!({}), Source::default()).unwrap();
        choose(&Options::of(&instance), roots)
    }

    #[test]
    fn the_configuration_comes_before_the_cloud_and_the_cloud_before_the_pool() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::below(folder.path(), Arc::new(MachineVolumes));
        assert_eq!(servers(&roots, json!({})).unwrap(), POOL);
        std::fs::create_dir_all(roots.sys.join("class/dmi/id")).unwrap();
        std::fs::write(roots.sys.join("class/dmi/id/sys_vendor"), "Amazon EC2\n").unwrap();
        assert_eq!(servers(&roots, json!({})).unwrap(), ["169.254.169.123"]);
        assert_eq!(servers(&roots, json!({ "host": "a", "hosts": ["b", "a", "c"] })).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn servers_of_this_machine_are_read_from_every_dialect() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::below(folder.path(), Arc::new(MachineVolumes));
        let local = json!({ "use_local_defined_servers": true });
        let refused = servers(&roots, local.clone()).unwrap_err().message;
        assert!(refused.starts_with("use_local_defined_servers: no time server is named in "), "{refused}");
        std::fs::create_dir_all(roots.etc.join("systemd/timesyncd.conf.d")).unwrap();
        let files = [
            ("ntp.conf", "# server no\nserver one iburst # best\nrestrict default\npool two\n"),
            ("systemd/timesyncd.conf", "[Time]\nNTP=three one\n#FallbackNTP=no\n"),
            ("systemd/timesyncd.conf.d/more.conf", "[Time]\nFallbackNTP = four\n"),
            ("systemd/timesyncd.conf.d/other.txt", "NTP=no\n"),
        ];
        for (file, text) in files {
            std::fs::write(roots.etc.join(file), text).unwrap();
        }
        assert_eq!(servers(&roots, local).unwrap(), ["four", "one", "three", "two"]);
    }
}
