package bench

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/jszwec/csvutil"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// sixty is an earnings row with the sixty columns that files have most often. All
// contenders read into it.
type sixty struct {
	partnercenter.RowMeta

	EarningID                          string              `csv:"earningId"`
	ParticipantID                      string              `csv:"participantId"`
	ParticipantIDType                  string              `csv:"participantIdType"`
	ParticipantName                    string              `csv:"participantName"`
	PartnerCountryCode                 string              `csv:"partnerCountryCode"`
	ProgramName                        string              `csv:"programName"`
	TransactionID                      string              `csv:"transactionId"`
	TransactionCurrency                string              `csv:"transactionCurrency"`
	Lever                              string              `csv:"lever"`
	EarningRate                        string              `csv:"earningRate"`
	QuantityType                       string              `csv:"quantityType"`
	EarningType                        string              `csv:"earningType"`
	ClaimID                            string              `csv:"claimId"`
	PlanID                             string              `csv:"planId"`
	PaymentID                          string              `csv:"paymentId"`
	PaymentStatus                      string              `csv:"paymentStatus"`
	PaymentStatusDescription           string              `csv:"paymentStatusDescription"`
	CustomerID                         string              `csv:"customerId"`
	CustomerName                       string              `csv:"customerName"`
	PartNumber                         string              `csv:"partNumber"`
	ProductName                        string              `csv:"productName"`
	ProductID                          string              `csv:"productId"`
	ParentProductID                    string              `csv:"parentProductId"`
	ParentProductName                  string              `csv:"parentProductName"`
	ProductType                        string              `csv:"productType"`
	InvoiceNumber                      string              `csv:"invoiceNumber"`
	SubscriptionID                     string              `csv:"subscriptionId"`
	ResellerID                         string              `csv:"resellerId"`
	ResellerName                       string              `csv:"resellerName"`
	Workload                           string              `csv:"workload"`
	TransactionType                    string              `csv:"transactionType"`
	LocalProviderSeller                string              `csv:"localProviderSeller"`
	TaxRemitModel                      string              `csv:"taxRemitModel"`
	CustomerCountry                    string              `csv:"customerCountry"`
	OrderID                            string              `csv:"orderId"`
	LineItemID                         string              `csv:"lineItemId"`
	TransactionExchangeRate            decimal.NullDecimal `csv:"transactionExchangeRate"`
	TransactionAmount                  decimal.NullDecimal `csv:"transactionAmount"`
	TransactionAmountUSD               decimal.NullDecimal `csv:"transactionAmountUSD"`
	Quantity                           decimal.NullDecimal `csv:"quantity"`
	EarningAmount                      decimal.NullDecimal `csv:"earningAmount"`
	EarningAmountUSD                   decimal.NullDecimal `csv:"earningAmountUSD"`
	EarningExchangeRate                decimal.NullDecimal `csv:"earningExchangeRate"`
	EarningAmountInLastPaymentCurrency decimal.NullDecimal `csv:"earningAmountInLastPaymentCurrency"`
	TaxRemitted                        decimal.NullDecimal `csv:"taxRemitted"`
	StoreFee                           decimal.NullDecimal `csv:"storeFee"`
	CompensableUnits                   decimal.NullDecimal `csv:"compensableUnits"`
	Baseline                           decimal.NullDecimal `csv:"baseline"`
	DesktopCount                       decimal.NullDecimal `csv:"desktopCount"`
	UserCount                          decimal.NullDecimal `csv:"userCount"`
	InstantRebateAmount                decimal.NullDecimal `csv:"instantRebateAmount"`
	TransactionDate                    time.Time           `csv:"transactionDate"`
	EarningDate                        time.Time           `csv:"earningDate"`
	CalculationDate                    time.Time           `csv:"calculationDate"`
	ExchangeRateDate                   time.Time           `csv:"exchangeRateDate"`
	InvoiceDate                        time.Time           `csv:"invoiceDate"`
	SubscriptionStartDate              time.Time           `csv:"subscriptionStartDate"`
	SubscriptionEndDate                time.Time           `csv:"subscriptionEndDate"`
	AgreementStartDate                 time.Time           `csv:"agreementStartDate"`
	IsPrivateOffer                     *bool               `csv:"isPrivateOffer"`
}

// columns are the csv tags of sixty.
func columns() []string {
	var names []string
	for f := range reflect.TypeFor[sixty]().Fields() {
		if !f.Anonymous {
			names = append(names, f.Tag.Get("csv"))
		}
	}
	return names
}

// export writes made-up earnings in CSV. Ids and amounts differ from row to row,
// names repeat, as they do in real files. With prices the amounts come from a price
// list, rates are those of a few currencies, and columns of other programs are
// blank; without, there is a new number in every single cell, which is the worst
// case and unlike any export.
type export struct {
	w       *bufio.Writer
	r       *rand.Rand
	columns []string
	prices  bool
	id      int
}

func newExport(w io.Writer) *export {
	return &export{w: bufio.NewWriter(w), r: rand.New(rand.NewPCG(7, 7)), columns: columns()} //nolint:gosec // repeatable on purpose
}

func (e *export) header() { _, _ = e.w.WriteString(strings.Join(e.columns, ",") + "\r\n") }

// row returns the bytes written, or what a bufio.Writer has for an error.
func (e *export) row() (int, error) {
	e.id++
	var line strings.Builder
	for i, name := range e.columns {
		if i > 0 {
			line.WriteByte(',')
		}
		switch {
		case name == "isPrivateOffer":
			line.WriteString([]string{"True", "False"}[e.r.IntN(2)])
		case name == "earningId", name == "transactionId", name == "subscriptionId", name == "customerId":
			fmt.Fprintf(&line, "%08x-%04x-4%03x-8%03x-%012x", e.r.Uint32(), e.r.IntN(1<<16), e.r.IntN(1<<12), e.r.IntN(1<<12), e.id)
		case name == "participantName", name == "customerName":
			fmt.Fprintf(&line, "\"Example %d, Ltd.\"", e.r.IntN(500))
		case strings.HasSuffix(name, "Date"):
			fmt.Fprintf(&line, "2024-%02d-%02dT00:00:00.000Z", 1+e.r.IntN(12), 1+e.r.IntN(28))
		case i >= 36 && e.prices:
			line.WriteString(e.price(name))
		case i >= 36:
			fmt.Fprintf(&line, "%d.%02d", e.r.IntN(100_000), e.r.IntN(100))
		default:
			line.WriteString(name)
			line.WriteByte(' ')
			line.WriteString(strconv.Itoa(e.r.IntN(300)))
		}
	}
	line.WriteString("\r\n")
	return e.w.WriteString(line.String())
}

// price is a number as it may stand in a column of an export that has to do with a
// catalog of 200 prices in a dozen currencies.
func (e *export) price(column string) string {
	switch column {
	case "transactionExchangeRate", "earningExchangeRate":
		return fmt.Sprintf("1.%04d", 7*e.r.IntN(12))
	case "quantity":
		return strconv.Itoa(1 + e.r.IntN(30))
	case "taxRemitted", "storeFee":
		return "0.00"
	case "compensableUnits", "baseline", "desktopCount", "userCount", "instantRebateAmount":
		return ""
	}
	return fmt.Sprintf("%d.%02d", 5*e.r.IntN(200), 99)
}

func table(tb testing.TB, rows int, prices bool) []byte {
	tb.Helper()
	var b bytes.Buffer
	e := newExport(&b)
	e.prices = prices
	e.header()
	for range rows {
		if _, err := e.row(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := e.w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// contenders read all of data and return the sum of earningAmount and the number
// of rows.
var contenders = []contender{
	{"ours", readOurs},
	{"csvutil", readCsvutil},
	{"gocsv", readGocsv},
}

type contender struct {
	name string
	read func(data []byte) (decimal.Decimal, int, error)
}

func readOurs(data []byte) (sum decimal.Decimal, n int, err error) {
	c, err := payouts.OpenReaderAt("x", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return sum, n, err
	}
	for row, err := range payouts.Rows[sixty](c, nil) {
		if err != nil {
			return sum, n, err
		}
		sum = sum.Add(row.EarningAmount.Decimal)
		n++
	}
	return sum, n, c.Close()
}

func readCsvutil(data []byte) (sum decimal.Decimal, n int, err error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	d, err := csvutil.NewDecoder(r)
	if err != nil {
		return sum, n, err
	}
	d.WithUnmarshalers(tabular.Unmarshalers())
	var row sixty
	for {
		row = sixty{}
		err := d.Decode(&row)
		if errors.Is(err, io.EOF) {
			return sum, n, nil
		}
		if err != nil {
			return sum, n, err
		}
		sum = sum.Add(row.EarningAmount.Decimal)
		n++
	}
}

func readGocsv(data []byte) (sum decimal.Decimal, n int, err error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	u, err := gocsv.NewUnmarshaller(r, sixty{})
	if err != nil {
		return sum, n, err
	}
	for {
		v, err := u.Read()
		if errors.Is(err, io.EOF) {
			return sum, n, nil
		}
		if err != nil {
			return sum, n, err
		}
		row, ok := v.(sixty)
		if !ok {
			return sum, n, fmt.Errorf("gocsv returned a %T", v)
		}
		sum = sum.Add(row.EarningAmount.Decimal)
		n++
	}
}

// The contenders are comparable only if they read the same.
func TestContendersAgree(t *testing.T) {
	for _, prices := range []bool{false, true} {
		data := table(t, 100, prices)
		want, _, err := readCsvutil(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range contenders {
			sum, n, err := c.read(data)
			if err != nil || n != 100 || !sum.Equal(want) {
				t.Errorf("%s: %d rows, sum %s, want 100 and %s; error %v", c.name, n, sum, want, err)
			}
		}
	}
}

// A row of sixty columns costs eight allocations at most where its numbers have been
// seen before, and two more for each number that has not.
func TestAllocationsPerRow(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	for _, c := range []struct {
		prices bool
		most   float64
	}{{true, 8}, {false, 8 + 2*15}} {
		const few, many = 10_000, 40_000
		allocs := func(rows int) float64 {
			data := table(t, rows, c.prices)
			return testing.AllocsPerRun(1, func() {
				if _, n, err := readOurs(data); err != nil || n != rows {
					t.Error(n, err)
				}
			})
		}
		perRow := (allocs(many) - allocs(few)) / (many - few)
		t.Logf("prices %v: %.2f allocations a row", c.prices, perRow)
		if perRow > c.most {
			t.Errorf("prices %v: %.2f allocations a row, want at most %.0f", c.prices, perRow, c.most)
		}
	}
}

// BenchmarkRows reads typed rows out of memory. The contenders take turns, and of
// each the fastest turn counts: it is the one in which the machine had the least
// else to do. A table says how they compare; ratios are how many times as fast ours
// is, by the clock and by the time that processors have worked.
//
//	go test -run '^$' -bench 'Rows$' -benchtime 10x ./internal/bench
func BenchmarkRows(b *testing.B) {
	rows := 20_000
	if testing.Short() {
		rows = 1000
	}
	b.Run("prices", func(b *testing.B) { raceRows(b, table(b, rows, true), rows) })
	b.Run("all-different", func(b *testing.B) { raceRows(b, table(b, rows, false), rows) })
}

// lap is what reading all rows once has cost.
type lap struct {
	took, worked time.Duration
	allocs       uint64
	peak         int64
}

func raceRows(b *testing.B, data []byte, rows int) {
	b.Helper()
	best := make([]lap, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			l := c.lap(b, data, rows)
			if old := best[i]; old.took > 0 {
				l.took, l.worked, l.allocs = min(l.took, old.took), min(l.worked, old.worked), min(l.allocs, old.allocs)
				l.peak = min(l.peak, old.peak)
			}
			best[i] = l
		}
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d rows of 60 columns\tMB/s\trows/s\tallocs/row\tpeak, MiB\tours is x times as fast\tand works x times less\t\n", rows)
	for i, c := range contenders {
		l, ours := best[i], best[0]
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.2f\t%.2f\t\n", c.name, float64(len(data))/1e6/l.took.Seconds(), float64(rows)/l.took.Seconds(),
			float64(l.allocs)/float64(rows), float64(l.peak)/(1<<20), l.took.Seconds()/ours.took.Seconds(), l.worked.Seconds()/max(ours.worked, 1).Seconds())
		if i > 0 {
			b.ReportMetric(l.took.Seconds()/ours.took.Seconds(), "x-"+c.name)
		}
	}
	b.ReportMetric(float64(best[0].allocs)/float64(rows), "allocs/row")
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	b.Logf("\n%s", out.String())
}

// lap reads all rows once.
func (c contender) lap(b *testing.B, data []byte, rows int) lap {
	b.Helper()
	before, measured := memory(b) // which also collects the garbage of the one before
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	mallocs, worked, start := stats.Mallocs, processorTime(), time.Now()
	_, n, err := c.read(data)
	l := lap{took: time.Since(start), worked: processorTime() - worked}
	if err != nil || n != rows {
		b.Fatalf("%s: %d rows, %v", c.name, n, err)
	}
	runtime.ReadMemStats(&stats)
	l.allocs = stats.Mallocs - mallocs
	if after, _ := memory(nil); measured {
		l.peak = after - before
	}
	return l
}

// BenchmarkReadExport reads a zipped export from disk, as users do, and reports by
// how much the process's resident memory has grown at its peak. The size of the
// text, in MiB, comes from PARTNERCENTER_BENCH_MIB; 2048 makes it a 2 GB export.
// Default 64.
func BenchmarkReadExport(b *testing.B) {
	mib := int64(64)
	if s := os.Getenv("PARTNERCENTER_BENCH_MIB"); s != "" {
		var err error
		if mib, err = strconv.ParseInt(s, 10, 64); err != nil || mib < 1 {
			b.Fatalf("PARTNERCENTER_BENCH_MIB is %q, want a number of MiB", s)
		}
	}
	path, rows := writeExport(b, mib<<20)
	b.SetBytes(mib << 20)
	before, ok := memory(b)
	for b.Loop() {
		c, err := payouts.OpenFile(path)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for row, err := range payouts.EarningRows(c, nil) {
			if err != nil {
				b.Fatal(err)
			}
			if row.EarningAmount.Valid {
				n++
			}
		}
		if err := c.Close(); err != nil || n != rows {
			b.Fatalf("%d rows, want %d; %v", n, rows, err)
		}
	}
	if after, _ := memory(nil); ok {
		b.ReportMetric(float64(after-before)/(1<<20), "MiB-peak")
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// writeExport makes a zip archive of at least size bytes of text in files of at
// most 1 GiB, which is where the service begins another one.
func writeExport(b *testing.B, size int64) (path string, rows int) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "export.zip")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	z := zip.NewWriter(f)
	for part := 1; size > 0; part++ {
		w, err := z.Create(fmt.Sprintf("2024-%02d_%d", part, part))
		if err != nil {
			b.Fatal(err)
		}
		e := newExport(w)
		e.header()
		for left := min(size, 1<<30); left > 0; {
			n, err := e.row()
			if err != nil {
				b.Fatal(err)
			}
			left -= int64(n)
			size -= int64(n)
			rows++
		}
		if err := e.w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return path, rows
}

// memory returns the peak of the resident memory so far. Given a benchmark it
// makes the present use the peak first; false where the system cannot do that.
func memory(reset testing.TB) (peak int64, ok bool) {
	if reset != nil {
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			reset.Logf("the memory's peak cannot be reset here: %v", err)
			return 0, false
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}
