package main

import (
	"time"
	"unsafe"
)

// touch needs all of what it is given: what is passed to it is there until then, in optimised code too.
//
//go:noinline
func touch(...any) {}

var escaped *int

//go:noinline
func integers(i8 int8, i16 int16, i32 int32, i64 int64, u8 uint8, u16 uint16, u32 uint32, u64 uint64) {
	touch(i8, i16, i32, i64, u8, u16, u32, u64)
}

//go:noinline
func floats(f32 float32, f64, infinite, notANumber float64, c64 complex64, c128 complex128, yes, no bool) {
	touch(f32, f64, infinite, notANumber, c64, c128, yes, no)
}

//go:noinline
func texts(empty, ascii, utf8, quoted, long string) {
	touch(empty, ascii, utf8, quoted, long)
}

//go:noinline
func slices(null, empty, ints []int, pairs []pair, words []string, bytes []byte) {
	touch(null, empty, ints, pairs, words, bytes)
}

//go:noinline
func arrays(ints [3]int, grid [2][3]int16, none [0]int, pairs [2]pair) {
	touch(ints, grid, none, pairs)
}

//go:noinline
func structs(value outer, pointer *outer, empty struct{}, anonymous struct {
	X int
	Y struct{ Z string }
}) {
	touch(value, pointer, empty, anonymous)
}

//go:noinline
func pointers(null, toInt *int, toPair *pair, toPointer **int, raw unsafe.Pointer, address uintptr) {
	touch(null, toInt, toPair, toPointer, raw, address)
}

//go:noinline
func interfaces(null, number, pointer any, failure error, shaped, nilInside shape) {
	touch(null, number, pointer, failure, shaped, nilInside)
}

//go:noinline
func maps(null, empty, three map[string]int, thousand map[int]string, byPair map[pair][]int) {
	touch(null, empty, three, thousand, byPair)
}

//go:noinline
func channels(null, buffered chan int, unbuffered chan string, function handler, nilFunction func()) {
	touch(null, buffered, unbuffered, function, nilFunction)
}

//go:noinline
func constants(green, unnamed colour, high flags, month time.Month) {
	touch(green, unnamed, high, month, Large)
}

// ByPointer and ByValue differ in what their receiver is.
//
//go:noinline
func (o *outer) ByPointer(n int) { touch(o, n) }

//go:noinline
func (o outer) ByValue(n int) { touch(o, n) }

// many has more parameters than registers: from the tenth word on they are on the stack.
//
//go:noinline
func many(a, b, c, d, e, f, g, h, i, j int, k int8, l uint64, text string, ints []int, float float64, p pair) {
	touch(a, b, c, d, e, f, g, h, i, j, k, l, text, ints, float, p)
}

// closure captures by reference what it changes, and by value what it does not.
//
//go:noinline
func closure(k *keep) func() {
	changed, constant, text := 0, 17, "captured"
	return func() {
		changed = constant + 1
		touch(changed, constant, text, k) // point: closure
		changed++
	}
}

//go:noinline
func locals(k *keep, n int) int {
	number, small, float := n*2, int8(n-5), distance(n)/2
	text, ints, array := Greeting[:n], list(k.ints[1:]), [2]int{n, -n}
	value, pointer := pair{int16(n), 4}, &k.outer
	var boxed any = value
	if shadowed := "outer"; n > 0 {
		shadowed := n + 1000
		touch(shadowed) // point: shadowed
		number += shadowed
	} else {
		touch(shadowed)
	}
	touch(number, small, float, text, ints, array, value, pointer, boxed) // point: locals
	onHeap := n + 5
	escaped = &onHeap
	touch(&number, &array, &value, &boxed, Fraction) // point: addressed
	return number + int(small) + len(text) + len(ints) + array[1] + int(value.A) + int(pointer.ID)
}

// onStack is given what lies on the stack of the goroutine.
//
//go:noinline
func onStack(p *pair) { touch(p.A, p.B) }

// twice is inlined at each of its calls.
func twice(x int) int {
	doubled := x * 2
	if doubled == Large {
		touch("never")
	}
	return doubled ^ int(Counter) // point: inlined
}

//go:noinline
func inlinedInSeveralPlaces(k *keep) int {
	first := twice(k.number)
	second := twice(first + 1)
	for i := range 3 {
		second += twice(i)
	}
	return second + twiceElsewhere(k.ints)
}

//go:noinline
func twiceElsewhere(ints []int) (sum int) {
	for _, n := range ints {
		sum += twice(n)
	}
	touch(Zeroed, Label, Table, Settings, GlobalPair, globalErr, GlobalColour)
	return sum
}
