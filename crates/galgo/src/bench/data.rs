//! The data set: hosts with the same hundred series each, in the mixture that host agents send. The same seed gives the
//! same points on every machine and with every version of every library.

use galgo_core::MetricKind;

/// Seconds between two points of a series.
pub(super) const STEP_S: i64 = 10;

/// Services, environments and so on that hosts are spread over.
const SERVICES: u64 = 20;

/// A generator of random numbers (SplitMix64), small enough to have one for each series.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// A generator of its own for each (seed, stream).
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to just below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to `bound - 1`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// How the values of a series move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A percentage that wanders, two decimals.
    Walk,
    /// Bytes in whole pages that wander.
    Pages,
    /// A whole number that grows now and then.
    Grower,
    /// Events per step, whole.
    Count,
    /// Events per second: whole over ten.
    Rate,
    /// Almost never changes.
    Constant,
    /// Noise with a full mantissa.
    Noise,
}

/// The mixture, in series of a hundred.
const MIXTURE: [(Shape, &str, usize); 7] = [
    (Shape::Walk, "bench.cpu.walk", 12),
    (Shape::Pages, "bench.mem.pages", 10),
    (Shape::Grower, "bench.disk.grower", 13),
    (Shape::Count, "bench.requests.count", 6),
    (Shape::Rate, "bench.net.rate", 22),
    (Shape::Constant, "bench.limits.constant", 22),
    (Shape::Noise, "bench.load.noise", 15),
];

/// One of the series that every host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeriesPlan {
    pub(super) metric: String,
    pub(super) shape: Shape,
    /// Tags of its own; host tags are sent apart, as agents do.
    pub(super) tags: Vec<String>,
}

impl SeriesPlan {
    /// Kind on the wire.
    pub(super) fn kind(&self) -> MetricKind {
        match self.shape {
            Shape::Count => MetricKind::Count,
            Shape::Rate => MetricKind::Rate,
            _ => MetricKind::Gauge,
        }
    }
}

/// The series of a host: `count` of them in the mixture's proportions.
pub(super) fn series_plans(count: usize) -> Vec<SeriesPlan> {
    let of_hundred: Vec<(Shape, &str)> =
        MIXTURE.iter().flat_map(|&(shape, name, share)| vec![(shape, name); share]).collect();
    let mut seen = std::collections::HashMap::new();
    (0..count)
        .map(|index| {
            let (shape, name) = of_hundred[index * of_hundred.len() / count.max(1)];
            let number: &mut usize = seen.entry(name).or_default();
            let plan = SeriesPlan { metric: format!("{name}.{number:02}"), shape, tags: own_tags(shape, *number) };
            *number += 1;
            plan
        })
        .collect()
}

/// Disks and network interfaces come with device tags, as an agent sends them.
fn own_tags(shape: Shape, number: usize) -> Vec<String> {
    let device = match shape {
        Shape::Grower => format!("sd{}", char::from(b'a' + (number % 4) as u8)),
        Shape::Rate => format!("eth{}", number % 2),
        _ => return Vec::new(),
    };
    vec![format!("device:{device}"), format!("device_name:{device}")]
}

/// Name of a host.
pub(super) fn host_name(host: usize) -> String {
    format!("bench-host-{host:04}")
}

/// The eight tags of a host.
pub(super) fn host_tags(host: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed, 0xffff_0000 + host as u64);
    vec![
        format!("service:service-{:02}", random.below(SERVICES)),
        format!("env:{}", ["prod", "staging", "dev"][random.below(3) as usize]),
        format!("region:{}", ["eu-west-1", "eu-central-1", "us-east-1", "us-west-2"][random.below(4) as usize]),
        format!("availability-zone:az-{}", random.below(6)),
        format!("team:team-{:02}", random.below(12)),
        format!("version:1.{}.{}", random.below(4), random.below(10)),
        format!("instance-type:type-{}", random.below(5)),
        format!("os:{}", ["debian-13", "ubuntu-26.04"][random.below(2) as usize]),
    ]
}

/// The moving value of one series.
#[derive(Debug, Clone)]
pub(super) struct Values {
    shape: Shape,
    random: Random,
    now: f64,
}

impl Values {
    /// The values of series `series` of host `host`.
    pub(super) fn new(shape: Shape, seed: u64, host: usize, series: usize) -> Self {
        let mut random = Random::new(seed, (host as u64) << 20 | series as u64);
        let now = match shape {
            Shape::Walk => (random.unit() * 10_000.0).round() / 100.0,
            Shape::Pages => (random.below(1 << 20) * 4096) as f64,
            Shape::Grower => random.below(1_000_000) as f64,
            Shape::Constant => (1 + random.below(1024)) as f64 * 1024.0,
            Shape::Count | Shape::Rate | Shape::Noise => random.unit() * 10.0,
        };
        Self { shape, random, now }
    }

    /// The next value.
    pub(super) fn next(&mut self) -> f64 {
        let random = &mut self.random;
        match self.shape {
            Shape::Walk => {
                let moved = self.now + (random.unit() - 0.5) * 4.0;
                self.now = (moved.clamp(0.0, 100.0) * 100.0).round() / 100.0;
                self.now
            }
            Shape::Pages => {
                let pages = random.below(65) as f64 - 32.0;
                self.now = (self.now + pages * 4096.0).max(0.0);
                self.now
            }
            Shape::Grower => {
                if random.below(4) == 0 {
                    self.now += random.below(100) as f64;
                }
                self.now
            }
            Shape::Count => random.below(2 + self.now as u64 * 10) as f64,
            Shape::Rate => random.below(2 + self.now as u64 * 20) as f64 / 10.0,
            Shape::Constant => {
                if random.below(2000) == 0 {
                    self.now = (1 + random.below(1024)) as f64 * 1024.0;
                }
                self.now
            }
            // An exponential average, as load averages are.
            Shape::Noise => {
                self.now = self.now * 0.92 + random.unit() * 0.8;
                self.now
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_series_have_the_mixture() {
        let plans = series_plans(100);
        for (shape, _, share) in MIXTURE {
            assert_eq!(plans.iter().filter(|plan| plan.shape == shape).count(), share, "{shape:?}");
        }
        let names: std::collections::HashSet<_> = plans.iter().map(|plan| &plan.metric).collect();
        assert_eq!(names.len(), 100);
    }

    #[test]
    fn the_same_seed_gives_the_same_points() {
        let values = |seed| {
            let mut values = Values::new(Shape::Noise, seed, 7, 3);
            (0..4).map(|_| values.next()).collect::<Vec<f64>>()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
        assert_eq!(host_tags(3, 1), host_tags(3, 1));
        assert_eq!(host_tags(3, 1).len(), 8);
    }

    #[test]
    fn values_keep_their_shape() {
        let take = |shape| {
            let mut values = Values::new(shape, 1, 0, 0);
            (0..1000).map(|_| values.next()).collect::<Vec<f64>>()
        };
        assert!(take(Shape::Walk).iter().all(|value| (value * 100.0 - (value * 100.0).round()).abs() < 1e-9));
        assert!(take(Shape::Pages).iter().all(|value| value % 4096.0 == 0.0));
        assert!(take(Shape::Grower).is_sorted());
        assert!(take(Shape::Count).iter().all(|value| value.fract() == 0.0));
        assert!(take(Shape::Constant).windows(2).filter(|pair| pair[0] != pair[1]).count() < 10);
    }
}
