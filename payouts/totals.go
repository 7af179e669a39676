package payouts

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Totals adds up earnings exactly, each distinct earning once: in some reports an
// earning stands on several rows, and exports of overlapping periods share
// earnings. The sums are kept by program, month and currency, and by payment for
// [MatchPayments].
//
// The zero value is ready for use. A Totals is not safe for concurrent use. It
// keeps about 75 bytes per distinct earning: a 128-bit key (the id itself where it
// is a GUID, else the beginning of its SHA-256) with its amounts and place.
//
// That earnings repeat is said at
// https://learn.microsoft.com/en-us/partner-center/earnings-growth.
type Totals struct {
	byGUID, byHash map[earningKey]earning

	groups  []earningSums
	indexes map[earningGroup]uint32

	files     []string
	fileIndex map[string]uint32

	// Amounts that do not fit an earning; money never gets there.
	large map[largeKey][2]decimal.NullDecimal
}

// Total is a sum of earnings. Which of its first three fields are set depends on
// where it comes from.
type Total struct {
	// Program is the programName.
	Program string
	// Month is the UTC month of the earningDate, for example "2024-01"; empty for
	// earnings without date.
	Month string
	// Currency is the transactionCurrency.
	Currency string
	// Amount is the sum of earningAmount, in Currency.
	Amount decimal.Decimal
	// AmountUSD is the sum of earningAmountUSD.
	AmountUSD decimal.Decimal
	// Earnings is the number of distinct earnings.
	Earnings int
	// Repeats is the number of rows that repeated one of them.
	Repeats int
	// WithoutID is how many of the Earnings have no earningId. Each row of that
	// kind counts as one, since nothing tells whether it repeats another.
	WithoutID int
	// WithoutAmount is how many of the Earnings have no earningAmount.
	WithoutAmount int
	// WithoutAmountUSD is how many of the Earnings have no earningAmountUSD.
	WithoutAmountUSD int
}

// EarningConflictError reports a row that repeats an earning with another amount,
// currency, program or month.
type EarningConflictError struct {
	// EarningID is the id that both rows bear.
	EarningID string
	// First is the row that has been counted.
	First EarningValue
	// Other is the row that disagrees with it and has not been counted.
	Other EarningValue
}

// EarningValue is what one row says an earning is.
type EarningValue struct {
	// File and Line are where the row stands; empty and 0 when unknown.
	File string
	Line int
	// Program, Month and Currency are those of [Total].
	Program, Month, Currency string
	// Amount and AmountUSD are the row's amounts, as far as it has them.
	Amount, AmountUSD decimal.NullDecimal
}

// Error names both rows and what they say.
func (e *EarningConflictError) Error() string {
	return fmt.Sprintf("earning %s is not the same on two rows: %v; %v", e.EarningID, e.First, e.Other)
}

// String is the place and the values.
func (v EarningValue) String() string {
	place := "a row"
	if v.File != "" || v.Line != 0 {
		place = fmt.Sprintf("%s:%d", v.File, v.Line)
	}
	amount := func(d decimal.NullDecimal) string {
		if !d.Valid {
			return "no amount"
		}
		return d.Decimal.String()
	}
	return fmt.Sprintf("%s says %s in %q, %s in USD, for %q in %q",
		place, amount(v.Amount), v.Currency, amount(v.AmountUSD), v.Program, v.Month)
}

type earningKey [16]byte

// earning is what is kept of an earning. It holds no pointers, which spares the
// garbage collector a walk over all of them.
type earning struct {
	amount, usd       int64 // coefficients
	group, file, line uint32
	amountExp, usdExp int8
	amountIs, usdIs   presence
}

type presence uint8

const (
	absent presence = iota
	inside          // in the earning itself
	inLarge
)

type largeKey struct {
	key    earningKey
	hashed bool
}

// earningGroup is what earnings are summed by.
type earningGroup struct {
	program, currency, payment string
	month                      int // year*12 + month-1; noMonth for none
}

const noMonth = math.MinInt

type earningSums struct {
	earningGroup
	Total
}

// Add counts an earning. A row that repeats an earning changes no sum; when it
// names another payment than before, the earning goes over to that one, since
// earnings get their payment with time. A row that contradicts its earlier one is
// an [*EarningConflictError] and changes nothing either; adding can go on.
func (t *Totals) Add(row EarningRow) error {
	t.prepare()
	group := earningGroup{
		program: strings.TrimSpace(row.ProgramName), currency: strings.TrimSpace(row.TransactionCurrency),
		payment: strings.TrimSpace(row.PaymentID), month: monthOf(row.EarningDate),
	}
	id := strings.TrimSpace(row.EarningID)
	if id == "" {
		sums := &t.groups[t.groupIndex(group)]
		sums.count(row.EarningAmount, row.EarningAmountUSD, 1)
		sums.WithoutID++
		return nil
	}
	key, hashed := keyOf(id)
	known := t.byGUID
	if hashed {
		known = t.byHash
	}
	e, repeats := known[key]
	if !repeats {
		e = earning{group: t.groupIndex(group), file: t.fileNumber(row.File)}
		if row.Line > 0 && uint64(row.Line) <= math.MaxUint32 {
			e.line = uint32(row.Line)
		}
		e.amount, e.amountExp, e.amountIs = pack(row.EarningAmount)
		e.usd, e.usdExp, e.usdIs = pack(row.EarningAmountUSD)
		if e.amountIs == inLarge || e.usdIs == inLarge {
			t.large[largeKey{key, hashed}] = [2]decimal.NullDecimal{row.EarningAmount, row.EarningAmountUSD}
		}
		known[key] = e
		t.groups[e.group].count(row.EarningAmount, row.EarningAmountUSD, 1)
		return nil
	}

	was := t.groups[e.group].earningGroup
	amount, usd := e.amounts(t.large[largeKey{key, hashed}])
	if was.program != group.program || was.month != group.month || was.currency != group.currency ||
		!same(amount, row.EarningAmount) || !same(usd, row.EarningAmountUSD) {
		return &EarningConflictError{
			EarningID: id,
			First:     was.value(t.files[e.file], int(e.line), amount, usd),
			Other:     group.value(row.File, row.Line, row.EarningAmount, row.EarningAmountUSD),
		}
	}
	if group.payment != "" && group.payment != was.payment {
		t.groups[e.group].count(amount, usd, -1)
		e.group = t.groupIndex(group)
		known[key] = e
		t.groups[e.group].count(amount, usd, 1)
	}
	t.groups[e.group].Repeats++
	return nil
}

// All returns the sums by program, month and currency, sorted in that order.
func (t *Totals) All() []Total {
	return t.sum(func(g earningGroup) earningGroup { g.payment = ""; return g })
}

// Grand returns the sums by currency alone, sorted by it.
func (t *Totals) Grand() []Total {
	return t.sum(func(g earningGroup) earningGroup { return earningGroup{currency: g.currency, month: noMonth} })
}

// sum merges the groups that by maps to the same one.
func (t *Totals) sum(by func(earningGroup) earningGroup) []Total {
	merged := map[earningGroup]*Total{}
	for _, g := range t.groups {
		to := by(g.earningGroup)
		total := merged[to]
		if total == nil {
			total = &Total{Program: to.program, Month: monthText(to.month), Currency: to.currency}
			merged[to] = total
		}
		total.Amount = total.Amount.Add(g.Amount)
		total.AmountUSD = total.AmountUSD.Add(g.AmountUSD)
		total.Earnings += g.Earnings
		total.Repeats += g.Repeats
		total.WithoutID += g.WithoutID
		total.WithoutAmount += g.WithoutAmount
		total.WithoutAmountUSD += g.WithoutAmountUSD
	}
	return slices.SortedFunc(func(yield func(Total) bool) {
		for total := range maps.Values(merged) {
			if !yield(*total) {
				return
			}
		}
	}, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Currency, b.Currency))
	})
}

// count adds an earning to the sums, or takes it away with sign -1.
func (s *earningSums) count(amount, usd decimal.NullDecimal, sign int) {
	s.Earnings += sign
	add := func(sum *decimal.Decimal, d decimal.NullDecimal, without *int) {
		switch {
		case !d.Valid:
			*without += sign
		case sign < 0:
			*sum = sum.Sub(d.Decimal)
		default:
			*sum = sum.Add(d.Decimal)
		}
	}
	add(&s.Amount, amount, &s.WithoutAmount)
	add(&s.AmountUSD, usd, &s.WithoutAmountUSD)
}

func (t *Totals) prepare() {
	if t.byGUID != nil {
		return
	}
	t.byGUID, t.byHash = map[earningKey]earning{}, map[earningKey]earning{}
	t.indexes = map[earningGroup]uint32{}
	t.fileIndex = map[string]uint32{}
	t.large = map[largeKey][2]decimal.NullDecimal{}
}

// groupIndex finds or makes a group. The strings of a row share the memory of
// the whole row, so what is kept is copied.
func (t *Totals) groupIndex(g earningGroup) uint32 {
	i, ok := t.indexes[g]
	if !ok {
		g.program, g.currency, g.payment = strings.Clone(g.program), strings.Clone(g.currency), strings.Clone(g.payment)
		i = uint32(len(t.groups)) //nolint:gosec // four billion groups would not fit in memory
		t.indexes[g] = i
		t.groups = append(t.groups, earningSums{earningGroup: g})
	}
	return i
}

func (t *Totals) fileNumber(name string) uint32 {
	i, ok := t.fileIndex[name]
	if !ok {
		i = uint32(len(t.files)) //nolint:gosec // four billion names would not fit in memory
		name = strings.Clone(name)
		t.fileIndex[name] = i
		t.files = append(t.files, name)
	}
	return i
}

// keyOf shortens an id. GUIDs are the same whatever their case.
func keyOf(id string) (key earningKey, hashed bool) {
	if len(id) == 36 {
		if u, err := uuid.Parse(id); err == nil {
			return earningKey(u), false
		}
	}
	sum := sha256.Sum256([]byte(id))
	return earningKey(sum[:16]), true
}

// pack splits an amount into numbers that an earning has room for.
func pack(d decimal.NullDecimal) (coefficient int64, exponent int8, is presence) {
	switch {
	case !d.Valid:
		return 0, 0, absent
	case d.Decimal.NumDigits() > 18 || d.Decimal.Exponent() < math.MinInt8 || d.Decimal.Exponent() > math.MaxInt8:
		return 0, 0, inLarge
	}
	return d.Decimal.CoefficientInt64(), int8(d.Decimal.Exponent()), inside //nolint:gosec // checked above
}

// amounts is the reverse of pack for both amounts.
func (e earning) amounts(large [2]decimal.NullDecimal) (amount, usd decimal.NullDecimal) {
	unpack := func(coefficient int64, exponent int8, is presence, large decimal.NullDecimal) decimal.NullDecimal {
		switch is {
		case inside:
			return decimal.NewNullDecimal(decimal.New(coefficient, int32(exponent)))
		case inLarge:
			return large
		default:
			return decimal.NullDecimal{}
		}
	}
	return unpack(e.amount, e.amountExp, e.amountIs, large[0]), unpack(e.usd, e.usdExp, e.usdIs, large[1])
}

// same reports whether two amounts are equal as numbers, or both absent.
func same(a, b decimal.NullDecimal) bool {
	return a.Valid == b.Valid && (!a.Valid || a.Decimal.Equal(b.Decimal))
}

func (g earningGroup) value(file string, line int, amount, usd decimal.NullDecimal) EarningValue {
	return EarningValue{
		File: file, Line: line, Program: g.program, Month: monthText(g.month), Currency: g.currency,
		Amount: amount, AmountUSD: usd,
	}
}

func monthOf(t time.Time) int {
	if t.IsZero() {
		return noMonth
	}
	t = t.UTC()
	return t.Year()*12 + int(t.Month()) - 1
}

func monthText(month int) string {
	if month == noMonth {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", month/12, month%12+1)
}
