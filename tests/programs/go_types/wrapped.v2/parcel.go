// Package parcel is named otherwise than its folder, whose dot the linker spells in a way of its own.
package parcel

import "unsafe"

// Weight has named values.
type Weight int32

const (
	Light Weight = 3
	Heavy Weight = 5
)

// Limit is a number without a type.
const Limit = 40

// Parcel is what is weighed.
type Parcel struct {
	Weight Weight
	Labels []string
	Nested [][]int
	Next   *Parcel
	Raw    unsafe.Pointer
}

// Package-level variables.
var (
	Default = Parcel{Heavy, nil, [][]int{{1, 2}, nil, {}}, nil, nil}
	Chain   = []*Parcel{nil, nil}
	Count   = 7
)

// Weigh is a point to ask at.
//
//go:noinline
func Weigh(what *Parcel, weight Weight) bool {
	return what.Weight+weight > Weight(Count+Limit+len(Chain))
}
