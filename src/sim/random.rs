//! Names and numbers that look random and are the same in every run with the same seed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A seeded source of identifiers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A source that always tells the same sequence for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64: tiny, and good enough for names).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    fn pick(&mut self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let at = usize::try_from(self.below(alphabet.len() as u64)).unwrap_or(0);
            if let Some(letter) = alphabet.get(at) {
                text.push(char::from(*letter));
            }
        }
        text
    }

    /// Nineteen digits without a leading zero, as in `ecs-svc/1234567890123456789`.
    pub fn digits(&mut self) -> String {
        let first = 1 + self.below(8);
        format!("{first}{}", self.pick(b"0123456789", 18))
    }

    /// Letters and digits in both cases, as in the id of a service deployment.
    pub fn letters(&mut self, length: usize) -> String {
        self.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length)
    }

    /// Upper-case letters and digits, as in an access key id.
    pub fn capitals(&mut self, length: usize) -> String {
        self.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        self.pick(b"0123456789abcdef", length)
    }

    /// Base64 of random bytes, as in a session token.
    pub fn base64(&mut self, bytes: usize) -> String {
        let raw: Vec<u8> = (0..bytes).map(|_| self.number().to_le_bytes()[0]).collect();
        STANDARD.encode(raw)
    }

    /// A UUID in its usual form.
    pub fn uuid(&mut self) -> String {
        let groups = [self.hex(8), self.hex(4), format!("4{}", self.hex(3)), format!("8{}", self.hex(3)), self.hex(12)];
        groups.join("-")
    }
}
