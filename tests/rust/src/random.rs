//! Random numbers that can be repeated.

/// A small generator (xorshift64*, Vigna 2016). The seed is not 0.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// A size in bytes: small ones mostly, some of 100 KiB and more.
    pub fn size(&mut self) -> usize {
        let log = 6 + self.next(12);
        16 + self.next(1 << log)
    }

    /// Bytes, to decode operations from.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next(256) as u8).collect()
    }
}
