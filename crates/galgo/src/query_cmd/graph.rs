//! A line graph of braille dots: two by four dots a character.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::answer::{Answer, Series};
use super::table::coloured;
use super::{Style, times};

/// Height of the plot in lines of text.
const HEIGHT: usize = 12;
/// Lines between two labels of the vertical axis.
const LABEL_EVERY: usize = 3;
/// Wanted characters between two labels of the horizontal axis.
const TICK_WIDTH: usize = 16;

/// Dots of the plot, and which series drew last in each character.
struct Canvas {
    columns: usize,
    dots: Vec<u8>,
    owner: Vec<usize>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self { columns, dots: vec![0; columns * HEIGHT], owner: vec![0; columns * HEIGHT] }
    }

    /// Sets the dot at `x` (from the left) and `y` (from the top); what lies outside is left out.
    fn set(&mut self, x: i64, y: i64, series: usize) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.columns * 2 || y >= HEIGHT * 4 {
            return;
        }
        // Numbering of braille dots: the lowest row came last and sits in the high bits.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let cell = y / 4 * self.columns + x / 2;
        self.dots[cell] |= BITS[y % 4][x % 2];
        self.owner[cell] = series;
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), series: usize) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().clamp(1.0, 10_000.0);
        for step in 0..=steps as usize {
            let part = step as f64 / steps;
            let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            self.set(x.round() as i64, y.round() as i64, series);
        }
    }

    fn row(&self, row: usize, style: &Style) -> String {
        let cells = row * self.columns..(row + 1) * self.columns;
        let glyph = |cell: usize| match self.dots[cell] {
            0 => " ".to_owned(),
            dots => {
                let braille = char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ');
                coloured(&braille.to_string(), self.owner[cell], style)
            }
        };
        cells.map(glyph).collect::<String>()
    }
}

/// The vertical range: from a round number below all values to one above.
#[derive(Debug, PartialEq)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let min = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let max = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if finite.is_empty() {
            return None;
        }
        // A flat line gets some air around it.
        let air = if min == max { (min.abs() * 0.1).max(0.5) } else { 0.0 };
        // Values near zero are shown from zero on, as everywhere in the page.
        let min = if min >= 0.0 && min < max * 0.5 { 0.0 } else { min - air };
        let max = max + air;
        // Labels divide the height evenly, so the range is that many round steps.
        let steps = (HEIGHT / LABEL_EVERY) as f64;
        let mut step = round_step((max - min) / steps);
        let mut low = (min / step).floor() * step;
        while low + steps * step < max * (1.0 - 1e-9) {
            step = round_step(step * 1.01);
            low = (min / step).floor() * step;
        }
        Some(Self { low, high: low + steps * step })
    }

    fn value_at(&self, share: f64) -> f64 {
        self.low + (self.high - self.low) * share
    }
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least `size`.
fn round_step(size: f64) -> f64 {
    let power = 10f64.powf(size.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= size * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// Writes the graph of all series over `range` (seconds).
pub(super) fn write(
    out: &mut impl Write,
    answer: &Answer,
    range: (i64, i64),
    zone: &TimeZone,
    style: &Style,
) -> io::Result<()> {
    let (Some(vertical), Some(first)) = (Range::of(answer.values()), answer.series.first()) else { return Ok(()) };
    let label = |row: usize| first.unit.write(vertical.value_at(1.0 - row as f64 / HEIGHT as f64));
    let labels: Vec<String> =
        (0..=HEIGHT).map(|row| if row % LABEL_EVERY == 0 { label(row) } else { String::new() }).collect();
    let label_width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let columns = style.width.saturating_sub(label_width + 3).max(20);
    let mut canvas = Canvas::new(columns);
    for (index, series) in answer.series.iter().enumerate().rev() {
        draw(&mut canvas, series, index, &vertical, range);
    }
    for (row, label) in labels.iter().enumerate().take(HEIGHT) {
        let axis = if label.is_empty() { '│' } else { '┤' };
        writeln!(out, "{label:>label_width$} {axis}{}", canvas.row(row, style).trim_end())?;
    }
    let (axis, ticks) = time_axis(range, columns, zone);
    writeln!(out, "{:>label_width$} ┼{axis}", labels[HEIGHT])?;
    writeln!(out, "{:>label_width$}  {}", "", ticks.trim_end())
}

fn draw(canvas: &mut Canvas, series: &Series, index: usize, vertical: &Range, (from, to): (i64, i64)) {
    let (width, height) = ((canvas.columns * 2 - 1) as f64, (HEIGHT * 4 - 1) as f64);
    let place = |&(time, value): &(f64, f64)| {
        let x = (time - from as f64) / (to - from) as f64 * width;
        (x, (vertical.high - value) / (vertical.high - vertical.low) * height)
    };
    // Points that are further apart than two buckets have a gap between them.
    let gap = if series.interval > 0.0 { series.interval * 2.5 } else { f64::INFINITY };
    let mut before: Option<&(f64, f64)> = None;
    for point in series.points.iter().filter(|(_, value)| value.is_finite()) {
        let start = before.filter(|before| point.0 - before.0 <= gap).unwrap_or(point);
        canvas.line(place(start), place(point), index);
        before = Some(point);
    }
}

/// The line of the horizontal axis and the line of its labels.
fn time_axis((from, to): (i64, i64), columns: usize, zone: &TimeZone) -> (String, String) {
    let mut axis = vec!['─'; columns];
    let mut labels = vec![' '; columns];
    let span = to - from;
    let count = (columns / TICK_WIDTH).max(1);
    for tick in 0..=count {
        let at = tick * (columns - 1) / count;
        axis[at] = '┬';
        let label = times::render_tick(from + span * tick as i64 / count as i64, span, zone);
        // Centred under its tick, within the line.
        let length = label.chars().count();
        let start = at.saturating_sub(length / 2).min(columns.saturating_sub(length));
        labels.iter_mut().skip(start).zip(label.chars()).for_each(|(cell, character)| *cell = character);
    }
    (axis.into_iter().collect(), labels.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn series(points: Vec<(f64, f64)>) -> Series {
        let unit = super::super::quantity::Unit::read(None);
        Series { expression: "q".into(), group: "*".into(), unit, interval: 60.0, points }
    }

    fn written(answer: &Answer) -> String {
        let mut out = Vec::new();
        let style = Style { colours: false, width: 60 };
        write(&mut out, answer, (1_769_860_800, 1_769_864_400), &TimeZone::UTC, &style).expect("memory takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_wave_with_a_gap() {
        let point = |minute: i64| {
            let value = 50.0 + 40.0 * (minute as f64 / 8.0).sin();
            ((1_769_860_800 + minute * 60) as f64, value)
        };
        let points = (0..60).filter(|minute| !(30..40).contains(minute)).map(point).collect();
        expect![[r#"
            100 ┤
                │       ⢀⡠⠔⠒⠒⠒⠢⢤                                     ⣀
                │     ⢀⠎⠁       ⠉⠢⢄                                ⡠⠚
             75 ┤   ⢠⠒⠁            ⠱⡀                            ⡠⠊
                │  ⡔⠁               ⠈⢆⡀                        ⢀⠜⠁
                │⢠⠋                   ⠱⢄                      ⡠⠃
             50 ┤⠁                     ⠈⠦⡀                  ⢠⠜
                │                        ⠑⢄                ⡔⠃
                │                         ⠈⠁             ⡠⠊
             25 ┤                                      ⡠⠎
                │                                   ⠠⠒⠉
                │
              0 ┼┬────────────────┬─────────────────┬─────────────────┬
                 12:00          12:20             12:40           13:00
        "#]]
        .assert_eq(&written(&Answer { series: vec![series(points)] }));
    }

    #[test]
    fn a_flat_line_and_nothing() {
        let points = (0..60).map(|minute| ((1_769_860_800 + minute * 60) as f64, 7.0)).collect();
        expect![[r#"
              8 ┤
                │
                │
            7.5 ┤
                │
                │
              7 ┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
                │
                │
            6.5 ┤
                │
                │
              6 ┼┬────────────────┬─────────────────┬─────────────────┬
                 12:00          12:20             12:40           13:00
        "#]]
        .assert_eq(&written(&Answer { series: vec![series(points)] }));
        assert_eq!(written(&Answer::default()), "");
        assert_eq!(written(&Answer { series: vec![series(vec![])] }), "");
    }

    #[test]
    fn ranges_are_round() {
        for (values, low, high) in [
            (vec![0.3, 97.0], 0.0, 100.0),
            (vec![95.0, 97.0], 95.0, 97.0),
            (vec![-3.0, 9.0], -5.0, 15.0),
            (vec![0.0], -0.5, 0.5),
        ] {
            assert_eq!(Range::of(values.iter().copied()), Some(Range { low, high }), "{values:?}");
        }
        assert_eq!(Range::of([f64::INFINITY].into_iter()), None);
    }
}
