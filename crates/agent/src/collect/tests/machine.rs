//! All default checks together: on this machine, and for a day of simulated time.

use super::*;

/// The default checks but `ntp`, which talks to the outside.
fn local_checks() -> impl Iterator<Item = &'static str> {
    DEFAULT_CHECKS.iter().copied().filter(|name| *name != "ntp")
}

#[tokio::test]
async fn every_check_works_on_this_machine() {
    let others = ["agent", "process", "system_core"];
    for name in local_checks().chain(others) {
        let options = json!({ "name": "x", "search_string": ["All"], "collect_connection_state": true });
        let mut fixture = Fixture::with(name, options, json!({}));
        let context = CheckContext { roots: Roots::machine(), ..fixture.context() };
        let (_, factory) = factories().into_iter().find(|(known, _)| *known == name).unwrap();
        fixture.check = Some(factory(&fixture.instance, &context).unwrap());
        let (report, _, outcome) = fixture.report().await;
        outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
        // A machine may be without block devices or memory pressure, but not without these.
        let silent = report.series.is_empty() && !matches!(name, "io" | "disk");
        assert!(!silent, "{name} says nothing");
    }
}

#[test]
fn the_default_checks_exist() {
    let factories = factories();
    for name in DEFAULT_CHECKS {
        assert!(factories.iter().any(|(known, _)| known == name), "{name}");
    }
    assert_eq!(default_interval("ntp"), Duration::from_secs(900));
    assert_eq!(default_interval("cpu"), Duration::from_secs(15));
}

/// A small machine at a second of its day. Each hour another container's interface appears and the last one goes.
fn at_second(fixture: Fixture, second: u64) -> Fixture {
    let (jiffies, hour) = (second * 100, second / 3600);
    let container =
        if hour > 0 { format!("veth{hour}: {second} 1 0 0 0 0 0 0 {second} 1 0 0 0 0 0 0\n") } else { String::new() };
    fixture
        .file("proc/stat", &format!("cpu  {jiffies} 0 0 {jiffies}\ncpu0 {jiffies} 0 0 {jiffies}\nctxt {second}\n"))
        .file("proc/diskstats", &format!("8 0 sda {second} 0 {second} 1 {second} 0 {second} 1 0 1 1\n"))
        .file("proc/net/dev", &format!("eth0: {second} 1 0 0 0 0 0 0 {second} 1 0 0 0 0 0 0\n{container}"))
        .file("proc/net/snmp", &format!("Tcp: CurrEstab InSegs\nTcp: 7 {second}\n"))
        .file("proc/vmstat", &format!("pswpin {second}\npswpout 0\npgpgin {second}\npgpgout 0\n"))
        .file("proc/uptime", &format!("{second}.00 1.00\n"))
}

#[tokio::test]
async fn a_day_of_default_checks_remembers_no_more_than_it_must() {
    const STEP: u64 = 300;
    let mut shared = at_second(Fixture::new("cpu"), 0)
        .file("proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\n")
        .file("proc/loadavg", "2.00 1.00 0.50 3/200 12345\n")
        .file("proc/sys/fs/file-nr", "1200\t200\t10000\n")
        .file("proc/mounts", "/dev/sda / ext4 rw 0 0\n");
    let mut running: Vec<(&str, Box<dyn Check>, Sampler)> = Vec::new();
    for name in local_checks() {
        let (_, factory) = factories().into_iter().find(|(known, _)| *known == name).unwrap();
        let instance = Instance::new(name, json!({}), json!({}), Source::default()).unwrap();
        running.push((name, factory(&instance, &shared.context()).unwrap(), Sampler::new(SamplerConfig::default())));
    }
    let mut remembered = Vec::new();
    // Two days, so that what is forgotten after 25 hours shows.
    for second in (0..2 * 86_400).step_by(STEP as usize) {
        shared = at_second(shared, second);
        for (name, check, sampler) in &mut running {
            let mut samples = Samples::default();
            check.run(&mut samples).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            sampler.commit(&mut samples, Moment::now(&*shared.clock));
        }
        shared.clock.advance(Duration::from_secs(STEP));
        remembered.push(running.iter().map(|(_, _, sampler)| sampler.counters()).sum::<usize>());
    }
    let peak = |hours: std::ops::Range<usize>| {
        let steps = |hour: usize| hour * 3600 / STEP as usize;
        *remembered[steps(hours.start)..steps(hours.end)].iter().max().unwrap()
    };
    // 8 counters for each interface that was there within 25 hours.
    assert!(peak(0..48) <= remembered[1] + 8 * 27, "{}", peak(0..48));
    assert_eq!(peak(28..32), peak(44..48), "it grows no more");
}

/// Prints what a round of the default checks costs on this machine; each must give something and must not grow.
#[tokio::test]
#[ignore = "a measurement: depends on the machine"]
async fn cost_of_the_default_checks() {
    const ROUNDS: u32 = 200;
    const MOST_GROWTH_KIB: usize = 8 * 1024;
    let fixture = Fixture::new("cpu");
    let context = CheckContext { roots: Roots::machine(), ..fixture.context() };
    let mut running = Vec::new();
    for name in local_checks() {
        let (_, factory) = factories().into_iter().find(|(known, _)| *known == name).unwrap();
        let instance = Instance::new(name, json!({}), json!({}), Source::default()).unwrap();
        running.push((name, factory(&instance, &context).unwrap(), Sampler::new(SamplerConfig::default())));
    }
    let clock = galgo_core::SystemClock::new();
    let resident =
        || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<usize>().unwrap();
    let ticks = || {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<u64> =
            text.rsplit_once(')').unwrap().1.split(' ').filter_map(|field| field.parse().ok()).collect();
        fields[10] + fields[11]
    };
    for (name, check, sampler) in &mut running {
        let (began, before, pages) = (clock.monotonic(), ticks(), resident());
        let mut submitted = 0;
        for _ in 0..ROUNDS {
            let mut samples = Samples::default();
            check.run(&mut samples).await.unwrap();
            submitted = samples.values.len();
            sampler.commit(&mut samples, Moment::now(&clock));
        }
        let took = (clock.monotonic() - began) / ROUNDS;
        let grown = resident().saturating_sub(pages) * rustix::param::page_size() / 1024;
        println!(
            "{name}: {took:?} a run ({} ticks of 10 ms in {ROUNDS}), {submitted} samples, {grown} KiB more",
            ticks() - before
        );
        assert!(submitted > 0, "{name} gave nothing");
        assert!(grown < MOST_GROWTH_KIB, "{name} grew by {grown} KiB");
    }
}
