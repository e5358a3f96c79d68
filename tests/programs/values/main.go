// Values has one of each kind to ask for. It runs until its standard input closes.
package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

type colour int8

const (
	red   colour = 3
	green colour = 4
)

type pair struct{ A, B int16 }

type all struct {
	Int     int32
	Small   uint8
	Wrapped uint32
	Float   float64
	Text    string
	Yes     bool
	Pair    *pair
	None    *pair
	Array   [3]int
	Slice   []string
	Colour  colour
}

//go:noinline
func step(v *all, n int) int { return int(v.Int) + n }

//go:noinline
func (v *all) Method(n int) int { return int(v.Small) + n }

//go:noinline
func rare(v *all) int { return int(v.Int) }

func main() {
	v := &all{Int: -7, Small: 200, Wrapped: 4294967295, Float: 3.25, Text: "a \"b\"\n(dlv) c", Yes: true,
		Pair: &pair{1, 2}, Array: [3]int{1, 2, 3}, Slice: []string{"x", "y"}, Colour: green}
	go func() {
		for n := 0; ; n++ {
			step(v, n)
			v.Method(n)
			time.Sleep(200 * time.Microsecond)
		}
	}()
	if len(os.Args) > 99 {
		rare(v)
		fmt.Println(red)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
