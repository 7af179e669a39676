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
// names repeat, as they do in real files.
type export struct {
	w       *bufio.Writer
	r       *rand.Rand
	columns []string
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

func table(tb testing.TB, rows int) []byte {
	tb.Helper()
	var b bytes.Buffer
	e := newExport(&b)
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
var contenders = []struct {
	name string
	read func(data []byte) (decimal.Decimal, int, error)
}{
	{"ours", readOurs},
	{"csvutil", readCsvutil},
	{"gocsv", readGocsv},
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
	data := table(t, 100)
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

// BenchmarkRows reads typed rows out of memory, each contender by itself.
func BenchmarkRows(b *testing.B) {
	const rows = 2000
	data := table(b, rows)
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, n, err := c.read(data); err != nil || n != rows {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(testing.AllocsPerRun(1, func() { _, _, _ = c.read(data) }))/rows, "allocs/row")
		})
	}
}

// BenchmarkRowsRatio lets the contenders take turns and reports how many times as
// fast ours is. The fastest turn of each counts: it is the one in which the
// machine had the least else to do.
func BenchmarkRowsRatio(b *testing.B) {
	data := table(b, 2000)
	best := make([]time.Duration, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			runtime.GC() // nobody pays for another's garbage
			start := time.Now()
			if _, _, err := c.read(data); err != nil {
				b.Fatal(err)
			}
			if d := time.Since(start); best[i] == 0 || d < best[i] {
				best[i] = d
			}
		}
	}
	for i, c := range contenders[1:] {
		b.ReportMetric(float64(best[i+1])/float64(best[0]), "x-"+c.name)
	}
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
