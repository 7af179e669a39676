package analytics

import (
	"fmt"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Data describes the synthetic rows of all datasets. The same description always
// gives the same rows: each depends on the seed, the dataset, its day and its
// number on that day alone.
type Data struct {
	// Seed varies the data.
	Seed uint64 `json:"seed"`
	// RowsPerDay is how many rows every dataset gets for each day. Default 4,
	// negative: none.
	RowsPerDay int `json:"rowsPerDay"`
	// FirstDay is the first day that has rows; its time of day does not count.
	// Default: 18 months before the server was made.
	FirstDay time.Time `json:"firstDay"`
	// Latency is how long after the end of a day its rows arrive. Default: none,
	// so that the last rows are those of yesterday.
	Latency time.Duration `json:"latency"`
}

func (d Data) normalize(now time.Time) (Data, error) {
	if d.RowsPerDay == 0 {
		d.RowsPerDay = 4
	}
	if d.RowsPerDay > 1_000_000 {
		return d, fmt.Errorf("data: %d rows per day are more than the fake makes; a million is the most", d.RowsPerDay)
	}
	if d.FirstDay.IsZero() {
		d.FirstDay = now.AddDate(0, -18, 0)
	}
	if d.Latency < 0 {
		return d, fmt.Errorf("data: the latency is negative")
	}
	d.FirstDay = day(d.FirstDay)
	if now.Sub(d.FirstDay) > 50*366*24*time.Hour {
		return d, fmt.Errorf("data: the first day, %s, is more than 50 years ago", d.FirstDay.Format(time.DateOnly))
	}
	return d, nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// row is one row of a dataset, whose cells are made when they are looked at.
type row struct {
	set  *dataset
	date time.Time
	seed uint64
	// The row is about an offer and a customer, so that names and ids agree.
	offer    *offer
	customer *customer
}

// each yields the rows of a dataset that have arrived by now, the oldest first. It
// may leave out rows that count for times before from.
func (d Data) each(set *dataset, from, now time.Time, yield func(*row) bool) {
	base := kit.Mix(d.Seed)
	for i := range len(set.name) {
		base = kit.Mix(base ^ uint64(set.name[i]))
	}
	sold, buyers := offers(), customers()
	first := d.FirstDay
	if earlier := day(from).AddDate(0, 0, -1); earlier.After(first) {
		first = earlier // a row never counts for later than the end of its day
	}
	for date := first; !date.Add(24*time.Hour + d.Latency).After(now); date = date.Add(24 * time.Hour) {
		for n := range d.RowsPerDay {
			seed := kit.Mix(base ^ uint64(date.Unix()) ^ uint64(n)<<40) //nolint:gosec // any bits will do
			r := row{set: set, date: date, seed: seed}
			r.offer = &sold[pick(seed, "offer", len(sold))]
			r.customer = &buyers[pick(seed, "customer", len(buyers))]
			if !yield(&r) {
				return
			}
		}
	}
}

// pick chooses one of n things, by the row and what it is for.
func pick(seed uint64, what string, n int) int {
	return int(hash(seed, what) % uint64(n)) //nolint:gosec // small numbers
}

func hash(seed uint64, what string) uint64 {
	for i := range len(what) {
		seed = kit.Mix(seed ^ uint64(what[i]))
	}
	return seed
}

// when is the time that a row counts for in time spans: what its date column
// holds.
func (r *row) when() time.Time {
	f, ok := r.set.index[strings.ToLower(r.set.date)]
	if !ok {
		return r.date
	}
	return r.instant(f.column)
}

// instant is the value of a date column. The dataset's own is the row's day;
// months are their first day; ends and other dates lie around it.
func (r *row) instant(c column) time.Time {
	name := strings.ToLower(c.name)
	t := r.date
	switch {
	case strings.Contains(name, "month"):
		t = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	case strings.EqualFold(c.name, r.set.date):
	case strings.Contains(name, "end"), strings.Contains(name, "expir"):
		t = t.AddDate(0, 1+pick(r.seed, "term", 12), 0)
	default:
		t = t.AddDate(0, 0, -pick(r.seed, name, 60))
	}
	if c.kind == kindDatetime {
		t = t.Add(time.Duration(pick(r.seed, name+" time", 24*3600)) * time.Second)
	}
	return t
}
