//! Structs, enums, boxes, and what stands behind a trait.

use crate::keep::{Bits, Colour, Item, Keep, Meters, Pair, Shape, Unit, Wrapper};
use crate::{opaque, touch};
use std::rc::Rc;

#[inline(never)]
fn structs(pair: Pair, by_reference: &Pair, item: &Item, unit: Unit, meters: Meters, bits: Bits) {
    touch(&(pair, by_reference, item));
    touch(&(unit, meters, bits)); // point: structs
    touch(&(pair, by_reference, item));
}

#[inline(never)]
#[rustfmt::skip]
fn enums(colour: Colour, empty: &Shape, circle: &Shape, rectangle: &Shape, some: Option<i32>, none: Option<i32>,
         reference: Option<&Pair>, no_reference: Option<&Pair>, failed: &Result<u8, String>) {
    touch(&(colour, empty, circle, rectangle));
    touch(&(some, none, reference, no_reference, failed)); // point: enums
    touch(&(colour, empty, circle, rectangle, some, none));
}

#[inline(never)]
#[rustfmt::skip]
fn pointers(boxed: &Box<Pair>, shared: &Rc<Pair>, raw: *const Pair, mutable: &mut i32, function: fn(i32) -> i32,
            speaker: &dyn Speak, numbers: &Vec<i32>, words: &Vec<String>) {
    touch(&(boxed, shared, raw));
    touch(&(mutable as *const i32, function, speaker as *const dyn Speak)); // point: pointers
    touch(&(boxed, shared, raw, numbers, words));
}

pub trait Speak {
    fn speak(&self, times: u32) -> u32;
}

impl Speak for Pair {
    #[inline(never)]
    fn speak(&self, times: u32) -> u32 {
        touch(&(self, times)); // point: speak
        self.a as u32 * times
    }
}

impl Pair {
    #[inline(never)]
    pub fn sum(&self, plus: i16) -> i16 {
        let total = self.a + self.b + plus;
        touch(&total); // point: sum
        total
    }

    #[inline(never)]
    pub fn swapped(self) -> Pair {
        touch(&self); // point: swapped
        Pair { a: self.b, b: self.a }
    }
}

impl<T> Wrapper<T> {
    #[inline(never)]
    pub fn opened(&self, times: u32) -> u32 {
        touch(&(&self.value, times)); // point: opened
        self.count * times
    }
}

fn negated(n: i32) -> i32 {
    -n
}

pub fn ask(keep: &Keep) {
    let (circle, rectangle) = (Shape::Circle(1.5), Shape::Rectangle { width: 3, height: 4 });
    let mut number = 1234;
    structs(keep.pair, &keep.pair, &keep.item, Unit, Meters(opaque(2.5)), Bits { word: 0x0403_0201 });
    #[rustfmt::skip]
    enums(opaque(Colour::Green), &Shape::Empty, &circle, &rectangle, opaque(Some(5)), opaque(None),
          Some(&keep.pair), None, &Err("failed".to_string()));
    #[rustfmt::skip]
    pointers(&keep.boxed, &Rc::new(keep.pair), &keep.pair, &mut number, negated, &keep.pair, &keep.numbers,
             &keep.words);
    touch(&(keep.pair.sum(opaque(10)), keep.pair.swapped(), keep.pair.speak(opaque(3))));
    touch(&Wrapper { value: 5u8, count: 6 }.opened(opaque(2)));
    touch(&Wrapper { value: "text", count: 7 }.opened(opaque(3)));
}
