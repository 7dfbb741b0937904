//! Making and checking secrets: keys and tokens are random and stored as SHA-256, passwords as argon2id.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::RngExt;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{CatalogError, Result};

/// Hexadecimal characters of an API key.
pub(crate) const API_KEY_CHARS: usize = 32;
/// Hexadecimal characters of an application key.
pub(crate) const APP_KEY_CHARS: usize = 40;
/// Hexadecimal characters of a session token.
pub(crate) const TOKEN_CHARS: usize = 64;
/// Longest secret that is looked at; longer ones are refused unhashed.
pub(crate) const MAX_SECRET_BYTES: usize = 256;
/// Shortest password a user may set.
pub(crate) const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password in bytes.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1024;
/// Password hashes computed at the same time: each takes 19 MiB and one core.
const PARALLEL_HASHES: usize = 2;

static HASHING: Semaphore = Semaphore::const_new(PARALLEL_HASHES);

/// SHA-256 of a secret. Looking a hash up in a map tells an attacker nothing of the secret, however long it takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub(crate) fn to_hex(self) -> String {
        hex(&self.0)
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The first half, for ids derived from a secret.
    pub(crate) fn half(self) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        half
    }
}

/// Random lower-case hexadecimal text.
pub(crate) fn random_hex(chars: usize) -> String {
    let mut bytes = vec![0_u8; chars.div_ceil(2)];
    rand::fill(&mut bytes);
    let mut text = hex(&bytes);
    text.truncate(chars);
    text
}

/// A password that can be read out and typed: four groups of three syllables, 75 bits.
pub(crate) fn readable_password() -> String {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut random = rand::rng();
    let mut password = String::with_capacity(27);
    for syllable in 0..12 {
        if syllable > 0 && syllable % 3 == 0 {
            password.push('-');
        }
        password.push(char::from(CONSONANTS[random.random_range(0..CONSONANTS.len())]));
        password.push(char::from(VOWELS[random.random_range(0..VOWELS.len())]));
    }
    password
}

/// The last four characters of a secret, for listings.
pub(crate) fn last4(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters[characters.len().saturating_sub(4)..].iter().collect()
}

/// Hashes a password for storage.
pub(crate) async fn hash_password(password: &str) -> Result<String> {
    let password = password.to_owned();
    let hashed = off_the_async_threads(move || {
        let hash: PasswordHash =
            Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?;
        Ok::<_, String>(hash.to_string())
    });
    hashed.await.map_err(|error| CatalogError::Invalid(format!("password cannot be hashed: {error}")))
}

/// Checks a password against a stored hash; against none it fails after the same work, so that the time of an answer
/// does not tell which users exist.
pub(crate) async fn password_matches(password: &str, stored: Option<String>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| {
        let hash: Result<PasswordHash, _> = Argon2::default().hash_password(random_hex(32).as_bytes());
        hash.map(|hash| hash.to_string()).unwrap_or_default()
    });
    if password.len() > MAX_PASSWORD_BYTES {
        return false;
    }
    let password = password.to_owned();
    let matches = off_the_async_threads(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&stored).map_err(|error| error.to_string())?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    });
    matches.await.unwrap_or(false)
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let _permit = HASHING.acquire().await.map_err(|error| error.to_string())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_shapes() {
        let key = random_hex(API_KEY_CHARS);
        assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(random_hex(40), random_hex(40));
        assert_eq!((last4("abcdef"), last4("ab")), ("cdef".to_owned(), "ab".to_owned()));
        let password = readable_password();
        assert_eq!((password.len(), password.split('-').count()), (27, 4));
        let hash = SecretHash::of("x");
        assert_eq!(SecretHash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(SecretHash::from_hex("zz"), None);
    }

    #[tokio::test]
    async fn passwords_are_checked() {
        let hash = hash_password("secret-1").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_matches("secret-1", Some(hash.clone())).await);
        assert!(!password_matches("secret-2", Some(hash)).await);
        assert!(!password_matches("secret-1", None).await);
        assert!(!password_matches("secret-1", Some("junk".to_owned())).await);
    }
}
