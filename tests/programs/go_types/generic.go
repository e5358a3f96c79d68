package main

type number interface{ ~int | ~float64 }

// Sum is one function to the reader and two to the machine.
//
//go:noinline
func Sum[T number](values []T) T {
	var sum T
	for _, value := range values {
		sum += value
	}
	touch(sum) // point: sum
	return sum
}

type box[T any] struct {
	Value T
	Count int
}

//go:noinline
func (b *box[T]) Get() (T, int) { return b.Value, b.Count }
