//! One of everything that Rust has and C has not, so that what is answered can be held against GDB and
//! against what the program itself knows. Each value stays the same for as long as it runs, which is
//! until its standard input closes.
//!
//! A line that ends in "point: NAME" is one to ask at: the locals before it have their values there.

mod keep;
mod kinds;
mod points;
mod scalars;

use std::io::Read;
use std::thread;
use std::time::Duration;

/// Needs what it is given: what is passed to it is there until then, in optimised code too.
#[inline(never)]
pub fn touch<T>(first: &T) {
    unsafe { std::arch::asm!("/* {} */", in(reg) first) } // for all that the compiler knows, it reads all memory
}

/// The same value, of which the compiler knows nothing any more.
pub fn opaque<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    thread::spawn(|| {
        let keep = keep::Keep::new();
        loop {
            scalars::ask(&keep);
            kinds::ask(&keep);
            points::ask(&keep);
            thread::sleep(Duration::from_millis(1));
        }
    });
    println!("ready");
    let mut ignored = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut ignored);
}
