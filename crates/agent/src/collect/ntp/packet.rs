//! Packets of the simple network time protocol (RFC 4330): one request, one response.

use std::time::Duration;

/// Length of a packet without extensions.
pub(super) const PACKET_BYTES: usize = 48;

/// Seconds from 1900, where NTP counts from, to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// Leap indicator of a server whose own clock is not set.
const UNSYNCHRONISED: u8 = 3;
/// Highest stratum of a server that knows the time.
const MAX_STRATUM: u8 = 15;

/// Where the fields are that matter.
const ORIGINATE: usize = 24;
const RECEIVE: usize = 32;
const TRANSMIT: usize = 40;

/// Why a response is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PacketError {
    #[error("response of {0} bytes, too short")]
    Short(usize),
    #[error("not a response to this request")]
    Foreign,
    #[error("the server refuses: {0}")]
    Refused(String),
    #[error("the server does not know the time (stratum {stratum}, leap indicator {leap})")]
    Unsynchronised { stratum: u8, leap: u8 },
}

/// Seconds in 32.32 fixed point, modulo 2^32 seconds: differences are right across the turn of an era in 2036.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp(u64);

impl Timestamp {
    pub(super) fn from_unix_ms(ms: i64) -> Self {
        let seconds = (ms.div_euclid(1000) as u64).wrapping_add(UNIX_EPOCH);
        let fraction = (ms.rem_euclid(1000) as u64 * (1 << 32)) / 1000;
        Self((seconds << 32) | fraction)
    }

    /// Seconds from `earlier` to this moment.
    fn since(self, earlier: Self) -> f64 {
        self.0.wrapping_sub(earlier.0) as i64 as f64 / (1_u64 << 32) as f64
    }
}

/// What a server says of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Response {
    received: Timestamp,
    sent: Timestamp,
}

impl Response {
    /// Seconds by which the server is ahead, given when the request was sent and how long it took to get the response.
    /// Both ways are taken to be equally long.
    pub(super) fn offset(&self, requested: Timestamp, took: Duration) -> f64 {
        let there = self.received.since(requested);
        let back = self.sent.since(requested) - took.as_secs_f64();
        (there + back) / 2.0
    }
}

/// A request that carries `cookie` where its time would be.
pub(super) fn request(version: u8, cookie: u64) -> [u8; PACKET_BYTES] {
    let mut packet = [0; PACKET_BYTES];
    packet[0] = (version << 3) | CLIENT;
    packet[TRANSMIT..].copy_from_slice(&cookie.to_be_bytes());
    packet
}

/// Reads the response to the request with `cookie`.
pub(super) fn read_response(packet: &[u8], cookie: u64) -> Result<Response, PacketError> {
    let short = || PacketError::Short(packet.len());
    let fixed: &[u8; PACKET_BYTES] =
        packet.get(..PACKET_BYTES).and_then(|fixed| fixed.try_into().ok()).ok_or_else(short)?;
    let number = |at: usize| fixed[at..at + 8].iter().fold(0, |number, &byte| (number << 8) | u64::from(byte));
    if fixed[0] & 7 != SERVER || number(ORIGINATE) != cookie {
        return Err(PacketError::Foreign);
    }
    let (leap, stratum) = (fixed[0] >> 6, fixed[1]);
    if stratum == 0 {
        // "Kiss of death": four letters say why.
        let code = fixed[12..16].iter().filter(|byte| byte.is_ascii_graphic()).map(|&byte| char::from(byte)).collect();
        return Err(PacketError::Refused(code));
    }
    if leap == UNSYNCHRONISED || stratum > MAX_STRATUM || number(TRANSMIT) == 0 {
        return Err(PacketError::Unsynchronised { stratum, leap });
    }
    Ok(Response { received: Timestamp(number(RECEIVE)), sent: Timestamp(number(TRANSMIT)) })
}

/// What a server answers; for tests.
#[cfg(test)]
pub(super) fn response(request: &[u8], leap: u8, stratum: u8, code: &[u8; 4], now_ms: i64) -> [u8; PACKET_BYTES] {
    let mut packet = [0; PACKET_BYTES];
    packet[0] = (leap << 6) | (request[0] & 0b11_1000) | SERVER;
    packet[1] = stratum;
    packet[12..16].copy_from_slice(code);
    packet[ORIGINATE..RECEIVE].copy_from_slice(&request[TRANSMIT..]);
    let now = Timestamp::from_unix_ms(now_ms).0.to_be_bytes();
    packet[RECEIVE..TRANSMIT].copy_from_slice(&now);
    packet[TRANSMIT..].copy_from_slice(&now);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_takes_half_the_way_into_account() {
        let cookie = 0x0102_0304_0506_0708;
        let response = response(&request(3, cookie), 0, 2, b"GPS\0", 1_000_250);
        let read = read_response(&response, cookie).unwrap();
        let offset = read.offset(Timestamp::from_unix_ms(1_000_000), Duration::from_millis(100));
        assert!((offset - 0.2).abs() < 1e-6, "{offset}");
    }

    #[test]
    fn differences_are_right_across_the_turn_of_an_era() {
        // 2036-02-07T06:28:16Z is second 0 of the next era.
        let turn = 2_085_978_496_000;
        let difference = Timestamp::from_unix_ms(turn + 1500).since(Timestamp::from_unix_ms(turn - 500));
        assert!((difference - 2.0).abs() < 1e-6, "{difference}");
    }

    #[test]
    fn worthless_responses_are_told_apart() {
        let request = request(4, 7);
        assert_eq!(request[0], 0b10_0011);
        let answer = |leap, stratum, cookie| read_response(&response(&request, leap, stratum, b"RATE", 5), cookie);
        assert_eq!(answer(0, 1, 8), Err(PacketError::Foreign));
        assert_eq!(answer(0, 0, 7), Err(PacketError::Refused("RATE".into())));
        assert_eq!(answer(3, 2, 7), Err(PacketError::Unsynchronised { stratum: 2, leap: 3 }));
        assert_eq!(answer(0, 16, 7), Err(PacketError::Unsynchronised { stratum: 16, leap: 0 }));
        assert_eq!(read_response(&request[..47], 7), Err(PacketError::Short(47)));
        assert_eq!(read_response(&request, 7), Err(PacketError::Foreign), "a request is no response");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_an_error_or_a_finite_offset(mut bytes: Vec<u8>, cookie: u64, now_ms in 0_i64..4_102_444_800_000) {
            // Half of the cases get past the first tests.
            if bytes.len() >= PACKET_BYTES && cookie % 2 == 0 {
                bytes[0] = SERVER;
                bytes[ORIGINATE..RECEIVE].copy_from_slice(&cookie.to_be_bytes());
            }
            if let Ok(response) = read_response(&bytes, cookie) {
                assert!(response.offset(Timestamp::from_unix_ms(now_ms), Duration::from_millis(5)).is_finite());
            }
        }
    }
}
