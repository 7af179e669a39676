package tabular

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// seen notes what it is asked to decode.
type seen struct{}

var seenCells []string

func (s *seen) UnmarshalText(b []byte) error {
	seenCells = append(seenCells, string(b))
	return nil
}

type named string

type bool8 bool

// Base is embedded by value and by pointer.
type Base struct {
	Note string    `csv:"note"`
	When time.Time `csv:"when"`
}

// Far is embedded by pointer.
type Far struct {
	Text string `csv:"text"`
}

type bindable struct {
	partnercenter.RowMeta
	Base
	*Far

	A string              `csv:"a"`
	D decimal.Decimal     `csv:"d"`
	E decimal.Decimal     `csv:"e,omitempty"`
	N decimal.NullDecimal `csv:"n"`
	B bool                `csv:"b,omitempty"`
	P *bool               `csv:"p"`
	S seen                `csv:"s"`
	K named               `csv:"k"`
	I int                 `csv:"i"`
	L bool8               `csv:"l,omitempty"`
	M []byte              `csv:"m"`
	X any                 `csv:"x"`
	Y *string             `csv:"y"`
}

func TestOnlyFieldsOfTheRowItselfAreBound(t *testing.T) {
	seenCells = nil
	typ, err := newRowType(reflect.TypeFor[bindable]())
	if err != nil {
		t.Fatal(err)
	}
	var row bindable
	var names []string
	for name := range bind(typ, &row) {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"a", "b", "d", "e", "k", "n", "note", "p", "when", "y"}, names); diff != "" {
		t.Errorf("bound fields (-want +got):\n%s", diff)
	}
	if !reflect.ValueOf(row).IsZero() {
		t.Errorf("binding has left something in the row: %+v", row)
	}
	if len(seenCells) > 0 {
		t.Errorf("a decoder was called with %q, which is in no file", seenCells)
	}
}

// A field that csvutil cannot decode does no harm as long as no file has its column.
func TestFieldsThatCannotBeDecodedMayBeAbsent(t *testing.T) {
	type row struct {
		partnercenter.RowMeta

		C chan int `csv:"c"`
		A string   `csv:"a"`
		D *Far     `csv:"d"`
	}
	got, err := collect[row](text(t, "a,b\n1,2\n3,4\n"), nil)
	if err != nil || len(got) != 2 || got[1].A != "3" || got[1].Extra["b"] != "4" {
		t.Errorf("rows %+v, error %v", got, err)
	}
}

// The direct way and csvutil's must read the same.
func TestBoundFieldsAreReadAsCsvutilReadsThem(t *testing.T) {
	const file = "a,note,when,text,d,e,n,b,p,s,k,i,x,y\n" +
		"1,2,2024-01-31,3,4,5,6,true,true,7,8,9,10,11\n" +
		"1,,,,4,,,,,,,9,,\n" +
		"1,2,2024-01-31,3,bad,5,6,true,true,7,8,9,10,11\n" +
		"1,2,2024-01-31,3,,5,6,,true,7,8,bad,10,11\n" +
		"1,2,31.1.,3,4,bad,bad,bad,bad,7,8,9,10,11\n"
	opts := &partnercenter.RowOptions{Tolerant: true}
	var direct []bindable
	var directErrs, otherErrs []string
	for row, err := range Rows[bindable](text(t, file), opts) {
		direct = append(direct, row)
		directErrs = append(directErrs, errText(err))
	}
	i := 0
	for row, err := range Rows[*bindable](text(t, file), opts) { // pointers are never bound
		otherErrs = append(otherErrs, errText(err))
		if diff := cmp.Diff(*row, direct[i], cmp.AllowUnexported(seen{})); diff != "" {
			t.Errorf("row %d (-csvutil +direct):\n%s", i, diff)
		}
		i++
	}
	if i != 5 || len(direct) != 5 {
		t.Errorf("%d and %d rows, want 5", i, len(direct))
	}
	if diff := cmp.Diff(otherErrs, directErrs); diff != "" {
		t.Errorf("errors (-csvutil +direct):\n%s", diff)
	}
	if direct[0].Far == nil || direct[1].Far == direct[0].Far {
		t.Error("rows share an embedded struct")
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
