//! The newest points of one series, uncompressed, in the order in which they came.

use galgo_core::Sketch;

/// Points as three words each: time, low and high half of the value. 12 bytes a point, one allocation.
#[derive(Debug, Default, Clone)]
pub struct PointBuffer {
    words: Vec<u32>,
}

const WORDS: usize = 3;

impl PointBuffer {
    /// Adds a point.
    pub fn push(&mut self, time: u32, value: f64) {
        if self.words.len() == self.words.capacity() {
            // Growing by half keeps the slack of a hundred thousand buffers small.
            let more = (self.words.len() / (2 * WORDS)).clamp(8, 4096) * WORDS;
            self.words.reserve_exact(more);
        }
        let bits = value.to_bits();
        self.words.extend_from_slice(&[time, bits as u32, (bits >> 32) as u32]);
    }

    /// Number of points, repeated times included.
    pub fn len(&self) -> usize {
        self.words.len() / WORDS
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Appends the points with `from <= time < to`, in order of arrival.
    pub fn copy_range(&self, from: i64, to: i64, times: &mut Vec<u32>, values: &mut Vec<f64>) {
        let (points, _) = self.words.as_chunks::<WORDS>();
        for &[time, low, high] in points {
            if i64::from(time) >= from && i64::from(time) < to {
                times.push(time);
                values.push(f64::from_bits(u64::from(low) | u64::from(high) << 32));
            }
        }
    }
}

/// Sketches of one series in the order in which they came.
#[derive(Debug, Default, Clone)]
pub struct SketchBuffer {
    /// Times in seconds.
    pub times: Vec<u32>,
    /// One sketch for each time.
    pub sketches: Vec<Sketch>,
}

/// Sorts points by time and keeps the last-arrived of each time.
pub fn sort_last_wins<T: Clone>(times: &mut Vec<u32>, values: &mut Vec<T>) {
    debug_assert_eq!(times.len(), values.len());
    if times.windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by_key(|&position| (times[position as usize], position));
    let (old_times, old_values) = (std::mem::take(times), std::mem::take(values));
    for &position in &order {
        let (time, value) = (old_times[position as usize], old_values[position as usize].clone());
        if times.last() == Some(&time) {
            let at = values.len() - 1;
            values[at] = value;
        } else {
            times.push(time);
            values.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_of_a_second_wins() {
        let (mut times, mut values) = (vec![5, 3, 5, 4, 3], vec![1, 2, 3, 4, 5]);
        sort_last_wins(&mut times, &mut values);
        assert_eq!((times, values), (vec![3, 4, 5], vec![5, 4, 3]));
    }

    #[test]
    fn points_come_back_bit_exact_within_the_range() {
        let mut buffer = PointBuffer::default();
        for (time, value) in [(10, 0.1), (20, f64::INFINITY), (15, -0.0)] {
            buffer.push(time, value);
        }
        let (mut times, mut values) = (Vec::new(), Vec::new());
        buffer.copy_range(11, 21, &mut times, &mut values);
        assert_eq!(times, [20, 15]);
        assert_eq!(values[1].to_bits(), (-0.0_f64).to_bits());
        assert_eq!(buffer.len(), 3);
    }
}
