//! Operations on a pool, and how they are read from bytes.

/// Bytes that one operation is read from.
pub const RECORD: usize = 4;

/// One step. Positions are taken modulo what there is, so that any sequence is a valid one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Allocate this many bytes.
    Allocate(u32),
    /// Do so on the other thread.
    AllocateElsewhere(u32),
    /// Free the live block at this position, by its address.
    Free(u16),
    /// Free it by its address and size.
    FreeSized(u16),
    /// Free it on the other thread.
    FreeElsewhere(u16),
    /// Give it back past the thread's cache.
    GiveShared(u16),
    /// Free an address inside the block at this position, this far from its start.
    FreeInside(u16, u16),
    /// Free the block that was freed last once more.
    FreeTwice,
    /// Give the block at this position back twice, in one batch with addresses that never were blocks.
    GiveMixed(u16),
    /// Free an address that is no block.
    FreeStray(u16),
    /// Take a batch of the class, and give all live blocks of the class back in one.
    Batch(u8),
    /// Take up to this many blocks of the class and keep them.
    Take(u8, u8),
    /// Do so past the thread's cache.
    TakeShared(u8, u8),
    /// Let this many milliseconds pass.
    Tick(u16),
    /// Let so much time pass that everything free has to be given back.
    Rest,
    /// Give everything back that is free.
    Trim,
    /// Allocate and free on a thread that ends.
    ShortThread(u16),
    /// End the other thread; the next operation on it starts a new one.
    EndElsewhere,
    /// Verify the contents of all live blocks.
    Verify,
    /// Set the limit to this many MiB.
    Limit(u8),
    /// Close the pool.
    Close,
}

impl Operation {
    /// Reads operations, [`RECORD`] bytes each; a rest that is too short is left out. Any bytes are valid, and a change
    /// of one byte changes one operation: the records are for fuzzers.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Operation> + '_ {
        bytes.chunks_exact(RECORD).map(|record| {
            let (a, b) = (record[1], u16::from_le_bytes([record[2], record[3]]));
            // Up to 16 MiB, half of them below 4 KiB.
            let size = u32::from(b) >> 4 << (a % 13);
            match record[0] % 32 {
                0..=6 => Operation::Allocate(size),
                7 | 8 => Operation::AllocateElsewhere(size),
                9..=12 => Operation::Free(b),
                13 => Operation::FreeSized(b),
                14 | 15 => Operation::FreeElsewhere(b),
                16 => Operation::GiveShared(b),
                17 => Operation::FreeInside(b, u16::from(a) << 4),
                18 => Operation::FreeTwice,
                19 => Operation::GiveMixed(b),
                20 => Operation::FreeStray(b),
                21 => Operation::Batch(a),
                22 => Operation::Take(a, b as u8),
                23 => Operation::TakeShared(a, b as u8),
                24 | 25 => Operation::Tick(b % 80),
                26 => Operation::Rest,
                27 => Operation::Trim,
                28 => Operation::ShortThread(b),
                29 => Operation::EndElsewhere,
                30 => Operation::Verify,
                // Rarely: nothing can be allocated afterwards.
                _ if a % 16 == 0 => Operation::Close,
                _ if a % 16 == 1 => Operation::Limit(b as u8 % 64),
                _ => Operation::Tick(1),
            }
        })
    }
}
