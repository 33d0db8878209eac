//! What the tests, the fuzzer and `soak` share: a model of a pool with the operations that drive it, a system that fails
//! when it is told to, and the shapes of load that allocators are known to break under.

pub mod calls;
pub mod elsewhere;
pub mod load;
pub mod memory;
pub mod model;
pub mod operation;
pub mod queue;
pub mod random;
pub mod seeds;
pub mod shapes;
pub mod system;
