//! Numbers, characters, strings, slices and arrays.

use crate::keep::{Keep, Pair};
use crate::{opaque, touch};

#[inline(never)]
#[rustfmt::skip]
fn integers(i8: i8, i16: i16, i32: i32, i64: i64, i128: i128, isize: isize,
            u8: u8, u16: u16, u32: u32, u64: u64, u128: u128, usize: usize) {
    touch(&(i8, i16, i32, i64, i128, isize));
    touch(&(u8, u16, u32, u64, u128, usize)); // point: integers
    touch(&(i8, i16, i32, i64, i128, isize));
}

#[inline(never)]
fn scalars(f32: f32, f64: f64, infinite: f64, yes: bool, no: bool, letter: char, turtle: char) {
    touch(&(f32, f64, infinite));
    touch(&(yes, no, letter, turtle)); // point: scalars
    touch(&(f32, f64, infinite, yes, no, letter, turtle));
}

#[inline(never)]
fn texts(empty: &str, ascii: &str, utf8: &str, owned: &String, long: &str, bytes: &[u8]) {
    touch(&(empty, ascii, utf8));
    touch(&(owned, long, bytes)); // point: texts
    touch(&(empty, ascii, utf8, owned, long, bytes));
}

#[inline(never)]
fn slices(ints: &[i32], none: &[i32], pairs: &mut [Pair], fixed: &[i16; 3], vector: &Vec<i32>) {
    touch(&(ints, none));
    touch(&(pairs.as_ptr(), fixed, vector)); // point: slices
    touch(&(ints, none, pairs.as_ptr(), fixed, vector));
}

#[inline(never)]
fn arrays(ints: [i32; 3], grid: [[i16; 2]; 2], tuple: (i32, &str, (u8, bool)), unit: ()) {
    let sum = ints[0] + ints[2];
    touch(&(ints, grid));
    touch(&(tuple, unit, sum)); // point: arrays
    touch(&(ints, grid, sum));
}

pub fn ask(keep: &Keep) {
    let long = "x".repeat(300);
    let mut pairs = [keep.pair, Pair { a: 7, b: 8 }];
    #[rustfmt::skip]
    integers(opaque(i8::MIN), opaque(i16::MIN), opaque(i32::MIN), opaque(i64::MIN), opaque(i128::MIN),
             opaque(isize::MIN), opaque(u8::MAX), opaque(u16::MAX), opaque(u32::MAX), opaque(u64::MAX),
             opaque(u128::MAX), opaque(usize::MAX));
    #[rustfmt::skip]
    scalars(opaque(3.25), opaque(f64::MAX), opaque(f64::NEG_INFINITY), opaque(true), opaque(false), opaque('a'),
            opaque('🐢'));
    texts(opaque(""), opaque("ascii"), &keep.text, &keep.text, &long, opaque(b"ab\x00c"));
    slices(&keep.numbers, &[], &mut pairs, &[1, -2, 3], &keep.numbers);
    arrays(opaque([1, 2, 3]), opaque([[1, 2], [3, 4]]), opaque((5, "six", (7, true))), ());
}
