//! Where a variable may live, and where a question may be asked: closures, generics, inlined functions.

use crate::keep::Keep;
use crate::{opaque, touch};
use std::cell::Cell;
use std::sync::atomic::{AtomicI32, Ordering};

pub const LIMIT: u32 = 99;
pub static COUNTER: AtomicI32 = AtomicI32::new(-5);
pub static NUMBERS: [u16; 3] = [10, 20, 30];
pub static LABEL: &str = "label";

thread_local! {
    static OF_THREAD: Cell<i32> = const { Cell::new(78) };
}

#[inline(never)]
fn biggest<T: PartialOrd + Copy>(first: T, second: T) -> T {
    touch(&(first, second)); // point: biggest
    if first < second {
        second
    } else {
        first
    }
}

/// Inlined at each of its five calls.
#[inline(always)]
fn twice(x: i32) -> i32 {
    let doubled = x * 2;
    touch(&doubled); // point: inlined
    doubled + COUNTER.load(Ordering::Relaxed)
}

#[inline(never)]
fn inlined_in_five_places(n: i32) -> i32 {
    let mut sum = twice(n) + twice(n + 1);
    for i in 0..2 {
        sum += twice(i);
    }
    sum + twice(sum) + twice(-n)
}

#[inline(never)]
fn called<F: FnMut(i32) -> i32>(mut function: F) -> i32 {
    function(5)
}

#[inline(never)]
fn closures(keep: &Keep, base: i32) -> i32 {
    let (mut changed, text) = (1, "captured");
    let by_reference = called(|by| {
        changed += by;
        touch(&(&changed, text, by, keep)); // point: closure
        changed = 1;
        by
    });
    let by_value = called(move |by| {
        touch(&(base, by)); // point: moving closure
        base + by
    });
    by_reference + by_value
}

#[inline(never)]
fn locals(n: i32) -> i32 {
    let text = String::from("local");
    let array = [n, -n, 0];
    if n > 0 {
        let n = n + 1000;
        touch(&n); // point: shadowed
    }
    let label = if n > 0 { LABEL } else { "" };
    touch(&(&text, &array, label, n)); // point: locals
    array[0] + NUMBERS[1] as i32
}

pub mod deeper {
    use crate::touch;

    #[inline(never)]
    pub fn locals(n: i32) -> i32 {
        touch(&n);
        n
    }
}

pub fn ask(keep: &Keep) {
    touch(&(biggest(opaque(1), opaque(2)), biggest(opaque(2.5), 1.5), biggest(opaque("a"), "b")));
    touch(&(inlined_in_five_places(opaque(10)), closures(keep, opaque(3))));
    touch(&(locals(opaque(3)), deeper::locals(opaque(4))));
    touch(&OF_THREAD.with(|cell| cell.get() + LIMIT as i32));
}
