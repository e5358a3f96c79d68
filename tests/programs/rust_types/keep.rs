//! What is passed to the points, so that it is the same in each round.

#![allow(dead_code)] // a debugger reads them

#[derive(Clone, Copy)]
pub struct Pair {
    pub a: i16,
    pub b: i16,
}

pub struct Item {
    pub name: String,
    pub pair: Pair,
    pub next: Option<Box<Item>>,
    pub weight: f64,
}

#[derive(Clone, Copy)]
pub enum Colour {
    Red = 1,
    Green,
    Blue = 100,
}

pub enum Shape {
    Empty,
    Circle(f64),
    Rectangle { width: u32, height: u32 },
}

pub struct Wrapper<T> {
    pub value: T,
    pub count: u32,
}

pub struct Unit;
pub struct Meters(pub f64);

pub union Bits {
    pub word: u32,
    pub bytes: [u8; 4],
}

pub struct Keep {
    pub pair: Pair,
    pub item: Item,
    pub numbers: Vec<i32>,
    pub words: Vec<String>,
    pub text: String,
    pub boxed: Box<Pair>,
}

impl Keep {
    pub fn new() -> Keep {
        let tail = Item { name: "tail".to_string(), pair: Pair { a: 3, b: 4 }, next: None, weight: 0.5 };
        let next = Some(Box::new(tail));
        Keep {
            pair: Pair { a: 1, b: -2 },
            item: Item { name: "head".to_string(), pair: Pair { a: -1, b: 1 }, next, weight: 1.5 },
            numbers: vec![1, -2, 3, 4],
            words: vec!["one".to_string(), "two".to_string()],
            text: "żółw 🐢".to_string(),
            boxed: Box::new(Pair { a: 5, b: 6 }),
        }
    }
}
