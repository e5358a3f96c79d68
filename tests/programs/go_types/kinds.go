package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unsafe"
)

type colour int8

const (
	Red colour = iota + 1
	Green
	Blue
	Unnamed colour = 100 // between the names above and this one there are values without a name
)

type flags uint64

const High flags = 1 << 63

const (
	Large    = 1 << 40 // untyped: in the program only where it is used
	Fraction = 0.25
	Greeting = "hello"
)

type pair struct{ A, B int16 }

type base struct {
	ID   uint32
	Name string
}

type byPointer struct{ Depth int }

type inner struct {
	Pair pair
	Tags [2]string
}

// outer promotes ID and Name from base, and Depth through a pointer.
type outer struct {
	base
	*byPointer
	Inner  inner
	Next   *outer
	Colour colour
	hidden bool
	_      int32
	Last   uint64
}

type shape interface{ Area() float64 }

type square struct{ Side float64 }

func (s square) Area() float64 { return s.Side * s.Side }

type failure struct{ Code int }

func (f *failure) Error() string { return fmt.Sprint("code ", f.Code) }

type (
	distance float64
	handler  func(int) string
	list     []int
)

// Package-level variables, of each class of section that a program has.
var (
	Counter      int64 = 1234567890123
	Zeroed       uint32
	Label        = "global \"label\""
	Table        = [4]uint16{1, 10, 100, 1000}
	Settings     = map[string]bool{"on": true, "off": false}
	GlobalPair   = &pair{-1, 1}
	globalErr    = errors.New("global error")
	GlobalColour = Blue
)

// keep holds what is passed to the points, so that nothing is made anew in each round.
type keep struct {
	f32                  float32
	f64                  float64
	infinite, notANumber float64
	c64                  complex64
	c128                 complex128
	quoted, long         string
	ints                 []int
	floats               []float64
	pairs                []pair
	words                []string
	bytes                []byte
	pairArray            [2]pair
	outer                outer
	empty                struct{}
	anonymous            struct {
		X int
		Y struct{ Z string }
	}
	number     int
	pair       pair
	toPointer  **int
	raw        unsafe.Pointer
	address    uintptr
	failure    error
	shape      shape
	nilInside  shape
	three      map[string]int
	thousand   map[int]string
	byPair     map[pair][]int
	buffered   chan int
	unbuffered chan string
	function   handler
	box        *box[pair]
	names      *box[string]
}

func newKeep() *keep {
	k := &keep{
		f32: 3.25, f64: math.MaxFloat64, infinite: math.Inf(-1), notANumber: math.NaN(),
		c64: complex(1.5, -2.5), c128: complex(math.Pi, -0.5),
		quoted: "a \"b\"\n(dlv) \x00\xff c", long: strings.Repeat("0123456789", 30),
		ints: []int{1, 2, 3, -4}, floats: []float64{0.5, 1.5}, pairs: []pair{{1, 2}, {3, 4}},
		words: []string{"x", "", "żółw"}, bytes: []byte("bytes\x00"), pairArray: [2]pair{{5, 6}, {7, 8}},
		outer:  newOuter(),
		number: -7, pair: pair{1, 2}, address: 0xdeadbeef, failure: &failure{5}, shape: square{1.5},
		nilInside: (*square)(nil),
		three:     map[string]int{"one": 1, "two": 2, "": 3}, thousand: map[int]string{},
		byPair: map[pair][]int{{1, 2}: {3}}, buffered: make(chan int, 4), unbuffered: make(chan string),
		function: describe, box: &box[pair]{Value: pair{9, 10}, Count: 1}, names: &box[string]{Value: "boxed", Count: 2},
	}
	return k.filled()
}

// filled adds what needs more than a literal.
func (k *keep) filled() *keep {
	k.anonymous.X, k.anonymous.Y.Z = 11, "deep"
	toNumber := &k.number
	k.toPointer, k.raw = &toNumber, unsafe.Pointer(&k.number)
	for i := range 1000 {
		k.thousand[i] = fmt.Sprint("value ", i)
	}
	k.buffered <- 10
	k.buffered <- 20
	return k
}

func newOuter() outer {
	tail := &outer{base: base{ID: 2, Name: "tail"}, Colour: Unnamed}
	return outer{
		base: base{ID: 1, Name: "head"}, byPointer: &byPointer{Depth: 3}, Inner: inner{pair{-1, 1}, [2]string{"a", "b"}},
		Next: tail, Colour: Green, hidden: true, Last: math.MaxUint64,
	}
}

func describe(n int) string { return fmt.Sprint(n) }
