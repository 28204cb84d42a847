//! Numbers as users and the kernel write them.

/// Reads a number of nothing but digits: `str::parse` alone takes a sign as well.
pub fn parse(word: &str) -> Option<u64> {
    let digits_only = word.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| word.parse().ok()).flatten()
}
