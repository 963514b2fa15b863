//! A large stack for what walks trees that may be deep: the parser, what drops its trees, the planner.
//!
//! The stack belongs to the call, not to the thread: it works on any thread, whatever stack that has.

use std::pin::pin;

/// Runs this on a large stack.
pub fn large<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(SIZE / 2, SIZE, run)
}

/// Runs a future on a large stack, whenever it is polled.
pub async fn large_async<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    std::future::poll_fn(|context| large(|| future.as_mut().poll(context))).await
}

/// Only what is used of it takes memory.
const SIZE: usize = if cfg!(target_pointer_width = "64") { 256 << 20 } else { 64 << 20 };
