//! Processor time of a server on this machine, from the kernel's table of processes.

use std::path::{Path, PathBuf};

use super::config::Endpoint;
use super::run::Variables;

/// Names under which servers run.
const NAMES: [&str; 2] = ["mysqld", "mariadbd"];

/// Seconds of processor time that a process used since its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    pub(super) user: f64,
    pub(super) kernel: f64,
}

/// Finds the process of the server behind an endpoint and reads its times. `None` when it is not here, or when the
/// agent may not see it.
pub(super) fn times(proc: &Path, endpoint: &Endpoint, variables: &Variables) -> Option<Times> {
    let process = by_pid_file(proc, variables).or_else(|| by_name(proc, endpoint, variables))?;
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    parse(&stat, rustix::param::clock_ticks_per_second() as f64)
}

fn name_of(process: &Path) -> Option<String> {
    Some(std::fs::read_to_string(process.join("comm")).ok()?.trim().to_owned())
}

/// The process that the server's own file names, if that is a server: the number may be one of another container.
fn by_pid_file(proc: &Path, variables: &Variables) -> Option<PathBuf> {
    let file = Path::new(variables.text("pid_file").filter(|path| !path.is_empty())?);
    let file = if file.is_relative() { Path::new(variables.text("datadir")?).join(file) } else { file.to_owned() };
    let pid: u32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let process = proc.join(pid.to_string());
    let name = name_of(&process)?;
    NAMES.iter().any(|known| name.starts_with(known)).then_some(process)
}

/// The process with a server's name; of several the one whose command line names this server's port, socket, file or
/// folder, else the oldest.
fn by_name(proc: &Path, endpoint: &Endpoint, variables: &Variables) -> Option<PathBuf> {
    let entries = std::fs::read_dir(proc).ok()?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut servers: Vec<u32> = pids
        .filter(|pid| name_of(&proc.join(pid.to_string())).is_some_and(|name| NAMES.contains(&name.as_str())))
        .collect();
    servers.sort_unstable();
    let option = |name: &str, value: Option<&str>| Some(format!("--{name}={}", value?.trim_end_matches('/')));
    let signs: Vec<String> = [
        option("datadir", variables.text("datadir")),
        option("pid-file", variables.text("pid_file")),
        option("socket", variables.text("socket").or(endpoint.socket.as_deref())),
        option("port", Some(&endpoint.tcp_port().to_string())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let matches = |pid: &&u32| {
        let line = std::fs::read(proc.join(pid.to_string()).join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.split('\0').any(|argument| signs.iter().any(|sign| argument.trim_end_matches('/') == sign))
    };
    let pid = if servers.len() > 1 { servers.iter().find(matches).or(servers.first()) } else { servers.first() };
    pid.map(|pid| proc.join(pid.to_string()))
}

/// Fields 14 and 15 of the line, counted behind the name, which may have spaces and brackets of its own.
fn parse(stat: &str, ticks_per_second: f64) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(|field| field.parse::<f64>().ok());
    let (user, kernel) = (fields.next()??, fields.next()??);
    Some(Times { user: user / ticks_per_second, kernel: kernel / ticks_per_second })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom_query::Table;

    const STAT: &str = "(mariadbd) S 1 12 12 0 -1 4194560 9 0 1 0 250 75 0 0 20 0 9 0 10 1000 900 1 1";

    fn process(proc: &Path, pid: u32, name: &str, arguments: &str) {
        let folder = proc.join(pid.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
        std::fs::write(folder.join("cmdline"), arguments.replace(' ', "\0")).unwrap();
        std::fs::write(folder.join("stat"), format!("{pid} {STAT}").replace("250", &pid.to_string())).unwrap();
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let rows = pairs.iter().map(|(name, value)| vec![Some((*name).to_owned()), Some((*value).to_owned())]);
        let mut variables = Variables::default();
        variables.extend(Table { rows: rows.collect(), ..Table::default() });
        variables
    }

    #[test]
    fn the_line_of_a_process_is_read_behind_its_name() {
        let odd = format!("7 (a) b (c {}", &STAT[9..]);
        assert_eq!(parse(&odd, 100.0), Some(Times { user: 2.5, kernel: 0.75 }));
        assert_eq!(parse("7 (x) S 1", 100.0), None);
    }

    #[test]
    fn the_right_server_is_found() {
        let root = tempfile::tempdir().unwrap();
        let proc = root.path().join("proc");
        process(&proc, 100, "mysqld_safe", "mysqld_safe");
        process(&proc, 200, "mariadbd", "mariadbd --port=3306");
        process(&proc, 300, "mysqld", "mysqld --port=3399 --datadir=/data/");
        let endpoint = Endpoint { host: "127.0.0.1".into(), port: Some(3399), ..Endpoint::default() };
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let found = |pairs: &[(&str, &str)]| times(&proc, &endpoint, &variables(pairs)).map(|t| t.user * ticks);
        assert_eq!(found(&[]), Some(300.0));
        let file = root.path().join("db.pid");
        std::fs::write(&file, "200\n").unwrap();
        let path = file.to_str().unwrap();
        assert_eq!(found(&[("pid_file", path)]), Some(200.0));
        assert_eq!(found(&[("pid_file", "db.pid"), ("datadir", root.path().to_str().unwrap())]), Some(200.0));
        // A number from another container does not lead to a stranger.
        std::fs::write(&file, "100\n").unwrap();
        std::fs::write(proc.join("100/comm"), "bash\n").unwrap();
        assert_eq!(found(&[("pid_file", path)]), Some(300.0));
    }
}
