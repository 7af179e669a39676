package tabular

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/shopspring/decimal"
)

// Numbers that are shared, replaced and shared again are still those of their cells.
func TestRememberedNumbersAreThoseOfTheCells(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // repeatable on purpose
	shared := new(purse)
	columns := []*pocket{{purse: shared}, {purse: shared}}
	for i := range 200_000 {
		cell := strconv.Itoa(r.IntN(50))
		switch {
		case i%50_000 > 30_000: // long enough for remembering to rest, and to begin again
			cell = strconv.Itoa(r.Int())
		case r.IntN(2) == 0:
			cell = "-" + cell + "." + strconv.Itoa(r.IntN(300))
		}
		want, err := parseAnyDecimal(cell)
		if err != nil {
			t.Fatal(err)
		}
		got, err := columns[i%2].decimal(cell)
		if err != nil || !got.Equal(want) || got.Exponent() != want.Exponent() {
			t.Fatalf("%q was read as %s, %v", cell, got, err)
		}
	}
}

func TestRepeatedNumbersCostNothing(t *testing.T) {
	p := &pocket{purse: new(purse)}
	for _, cell := range []string{"0", "1", "1.0834", "-12.50"} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := p.nullDecimal(cell); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %.1f allocations", cell, n)
		}
	}
}

// Sharing rests on this: whatever is done to one decimal leaves its copies alone.
func TestDecimalsDoNotShareWhatCanBeChanged(t *testing.T) {
	p := &pocket{purse: new(purse)}
	for _, cell := range []string{"0", "7", "12.50", "-3.0"} {
		d, err := p.decimal(cell)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []*big.Int{d.BigInt(), d.Coefficient(), d.Rat().Num()} {
			n.Add(n, big.NewInt(1))
		}
		_ = d.Add(decimal.NewFromInt(1)).Neg().Shift(2).Round(0).Abs()
		again, err := p.decimal(cell)
		if err != nil || again.String() != decimal.RequireFromString(cell).String() || !d.Equal(again) {
			t.Errorf("%s has become %s, %v", cell, again, err)
		}
	}
}
