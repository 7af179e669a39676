package tabular

import "github.com/shopspring/decimal"

const (
	purseBits = 11
	// Columns in which that many numbers in a row were new are left alone for a while.
	purseMisses = 64
	purseRest   = 1024
)

// purse remembers numbers of a file. Exchange rates, list prices and small counts
// come again and again, and a decimal costs two allocations; since decimals never
// change, those of equal numbers are shared.
type purse [1 << purseBits]coin

// coin is a number and the decimal that was made of it.
type coin struct {
	number
	minted bool
	value  decimal.Decimal
}

// at is the one place where a number can be. Numbers with equal digits and other
// exponents never share one.
func (p *purse) at(n number) *coin {
	// Multiplying spreads neighbouring numbers over the table.
	hash := (uint64(n.digits) ^ uint64(uint32(n.exponent))<<56) * 0x9e3779b97f4a7c15 //nolint:gosec // only bits matter
	return &p[hash>>(64-purseBits)]
}

// pocket parses the numbers of one column with the help of a purse.
type pocket struct {
	purse  *purse
	misses int // since the last hit
	rest   int // cells until remembering is tried again
}

func (p *pocket) decimal(cell string) (decimal.Decimal, error) {
	n, ok := plainNumber(cell)
	if !ok {
		return parseAnyDecimal(cell)
	}
	if p.rest > 0 {
		p.rest--
		return decimal.New(n.digits, n.exponent), nil
	}
	c := p.purse.at(n)
	if c.number == n && c.minted {
		p.misses = 0
		return c.value, nil
	}
	if p.misses++; p.misses == purseMisses {
		p.misses, p.rest = 0, purseRest
	}
	*c = coin{n, true, decimal.New(n.digits, n.exponent)}
	return c.value, nil
}

func (p *pocket) nullDecimal(cell string) (decimal.NullDecimal, error) {
	if cell == "" {
		return decimal.NullDecimal{}, nil
	}
	return nullable(p.decimal(cell))
}
