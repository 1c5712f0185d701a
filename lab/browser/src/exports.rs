//! What JavaScript calls. The page and the module share one buffer: JavaScript asks for room, writes a question there, has it
//! answered in place, and reads the answer. So nothing here touches memory by address, and no glue code has to be generated.
//!
//! The three names are exported by `no_mangle`, which Rust counts as unsafe because two functions of one name would collide
//! in a program. This module is linked alone.
use std::{
    panic,
    sync::{Mutex, Once, PoisonError},
};

static BUFFER: Mutex<Vec<u8>> = Mutex::new(vec![]);
static HOOK: Once = Once::new();

/// Makes room for a question of `bytes` bytes, and says where.
#[expect(unsafe_code, reason = "exported under its own name; see above")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn room(bytes: usize) -> *mut u8 {
    HOOK.call_once(|| panic::set_hook(Box::new(|panic| put(panic.to_string()))));
    let mut buffer = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
    buffer.clear();
    buffer.resize(bytes, 0);
    buffer.as_mut_ptr()
}

/// Answers the question in the buffer. A panic traps, and leaves its message as the answer.
#[expect(unsafe_code, reason = "exported under its own name; see above")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn answer() {
    let question = std::mem::take(&mut *BUFFER.lock().unwrap_or_else(PoisonError::into_inner));
    put(crate::answer(&String::from_utf8_lossy(&question)));
}

/// Where the answer is (upper 32 bits) and how many bytes long (lower 32 bits).
#[expect(unsafe_code, reason = "exported under its own name; see above")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn answered() -> u64 {
    let buffer = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
    (buffer.as_ptr() as u64) << 32 | buffer.len() as u64
}

fn put(text: String) {
    *BUFFER.lock().unwrap_or_else(PoisonError::into_inner) = text.into_bytes();
}
