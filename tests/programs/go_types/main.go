// Go_types has one of everything that can be asked for, so that two ways of asking can be held
// against each other. Each value stays the same for as long as it runs, which is until its standard
// input closes.
//
// A line that ends in "point: NAME" is one to ask at: the locals before it have their values there,
// and are needed after it.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	parcel "go_types/wrapped.v2"
)

// round calls each function to ask at once.
func round(k *keep) {
	integers(-128, -32768, -2147483648, -9223372036854775808, 255, 65535, 4294967295, 18446744073709551615)
	floats(k.f32, k.f64, k.infinite, k.notANumber, k.c64, k.c128, true, false)
	texts("", "ascii", "żółw 🐢", k.quoted, k.long)
	slices(nil, []int{}, k.ints, k.pairs, k.words, k.bytes)
	arrays([3]int{1, 2, 3}, [2][3]int16{{1, 2, 3}, {-1, -2, -3}}, [0]int{}, k.pairArray)
	structs(k.outer, &k.outer, k.empty, k.anonymous)
	pointers(nil, &k.number, &k.pair, k.toPointer, k.raw, k.address)
	interfaces(nil, 42, &k.pair, k.failure, k.shape, k.nilInside)
	maps(nil, map[string]int{}, k.three, k.thousand, k.byPair)
	channels(nil, k.buffered, k.unbuffered, k.function, nil)
	constants(Green, Unnamed, High, time.March)
	Sum(k.ints)
	Sum(k.floats)
	k.box.Get()
	k.names.Get()
	k.outer.ByPointer(7)
	k.outer.ByValue(7)
	closure(k)()
	parcel.Weigh(&parcel.Default, parcel.Light)
	many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "thirteen", k.ints, 15.5, k.pair)
	locals(k, 3)
	onStack(&pair{17, 18})
	inlinedInSeveralPlaces(k)
}

func main() {
	k := newKeep()
	go func() {
		for {
			round(k)
			time.Sleep(time.Millisecond)
		}
	}()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
