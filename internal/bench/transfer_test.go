package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/jszwec/csvutil"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
	"github.com/partnercenter-go/partnercenter/internal/transport"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// Each turn of a contender is a process of its own, so that its memory is its own
// and nobody pays for another's garbage. These tell it what to do.
const (
	childTurn = "PARTNERCENTER_BENCH_TURN"
	childLink = "PARTNERCENTER_BENCH_LINK"
)

func TestMain(m *testing.M) {
	if turn := os.Getenv(childTurn); turn != "" {
		os.Exit(takeTurn(turn, os.Getenv(childLink)))
	}
	os.Exit(m.Run())
}

// outcome is what a turn has come to.
type outcome struct {
	Took  time.Duration `json:"took"`
	First time.Duration `json:"first"` // until the first row, if there are any
	Bytes int64         `json:"bytes"`
	Rows  int           `json:"rows"`
	Sum   string        `json:"sum"`  // of an amount, to show that all have read the same
	Peak  int64         `json:"peak"` // resident memory of the process
	CPU   time.Duration `json:"-"`    // that the process has used
}

// turns are the contenders of both races.
var turns = map[string]func(ctx context.Context, link string, o *outcome) error{
	"ours, default": func(ctx context.Context, link string, o *outcome) error { return oursToFile(ctx, link, 0, o) },
	"ours, 8 connections": func(ctx context.Context, link string, o *outcome) error {
		return oursToFile(ctx, link, 8, o)
	},
	"azblob, default":        func(ctx context.Context, link string, o *outcome) error { return azblobToFile(ctx, link, 0, o) },
	"azblob, 8 connections":  func(ctx context.Context, link string, o *outcome) error { return azblobToFile(ctx, link, 8, o) },
	"azblob, 16 connections": func(ctx context.Context, link string, o *outcome) error { return azblobToFile(ctx, link, 16, o) },
	"GET and io.Copy":        func(ctx context.Context, link string, o *outcome) error { return getToFile(ctx, link, false, o) },
	"GET, io.Copy and sync":  func(ctx context.Context, link string, o *outcome) error { return getToFile(ctx, link, true, o) },
	"ours, rows":             oursToRows,
	"GET, unzip, csvutil":    getToRows,
}

func takeTurn(name, link string) int {
	var o outcome
	start := time.Now()
	contender, ok := turns[name]
	if !ok {
		contender = uploadTurns[name]
	}
	err := contender(context.Background(), link, &o)
	o.Took = time.Since(start)
	if o.First > 0 {
		o.First -= time.Duration(start.UnixNano()) // was a time of day
	}
	o.Peak, _ = memory(nil)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		return 1
	}
	return 0
}

func source(link string) (transfer.Source, error) {
	tokens := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, errors.New("a token was asked for")
	})
	c, err := transport.New(tokens, nil, transport.Defaults{Endpoint: "https://api.example", APIVersion: "v1", Resource: "https://api.example"})
	if err != nil {
		return transfer.Source{}, err
	}
	return transfer.Source{Doer: c.Blob(), Identity: "export", Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.NewSecret(link), nil
	}}, nil
}

func oursToFile(ctx context.Context, link string, parallel int, o *outcome) error {
	src, err := source(link)
	if err != nil {
		return err
	}
	res, err := transfer.DownloadFile(ctx, src, "export.zip", &partnercenter.DownloadOptions{Parallel: parallel})
	o.Bytes = res.Bytes
	return err
}

func azblobToFile(ctx context.Context, link string, parallel uint16, o *outcome) error {
	c, err := azblob.NewClientWithNoCredential(link, nil)
	if err != nil {
		return err
	}
	f, err := os.Create("export.zip")
	if err != nil {
		return err
	}
	o.Bytes, err = c.DownloadFile(ctx, f, &azblob.DownloadFileOptions{Concurrency: parallel})
	return errors.Join(err, f.Close())
}

func getToFile(ctx context.Context, link string, sync bool, o *outcome) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody) //nolint:gosec // the link of the benchmark itself
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the link of the benchmark itself
	if err != nil {
		return err
	}
	f, err := os.Create("export.zip")
	if err != nil {
		return errors.Join(err, resp.Body.Close())
	}
	o.Bytes, err = io.Copy(f, resp.Body)
	if sync { // as ours does
		err = errors.Join(err, f.Sync())
	}
	return errors.Join(err, f.Close(), resp.Body.Close())
}

// firstRow notes the time of day; takeTurn makes a duration of it.
func (o *outcome) firstRow() {
	if o.Rows == 0 {
		o.First = time.Duration(time.Now().UnixNano())
	}
	o.Rows++
}

func oursToRows(ctx context.Context, link string, o *outcome) error {
	src, err := source(link)
	if err != nil {
		return err
	}
	b, err := transfer.Open(ctx, src, nil)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	c, err := payouts.OpenReaderAt(b.Name(), b, b.Size())
	if err != nil {
		return err
	}
	var sum decimal.Decimal
	for row, err := range payouts.Rows[sixty](c, nil) {
		if err != nil {
			return err
		}
		o.firstRow()
		sum = sum.Add(row.EarningAmount.Decimal)
	}
	o.Bytes, o.Sum = b.Size(), sum.String()
	return c.Close()
}

func getToRows(ctx context.Context, link string, o *outcome) error {
	if err := getToFile(ctx, link, false, o); err != nil {
		return err
	}
	z, err := zip.OpenReader("export.zip")
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	var sum decimal.Decimal
	for _, entry := range z.File {
		if err := unzip(entry, "export.csv"); err != nil {
			return err
		}
		if err := csvutilRows("export.csv", func(row *sixty) {
			o.firstRow()
			sum = sum.Add(row.EarningAmount.Decimal)
		}); err != nil {
			return err
		}
	}
	o.Sum = sum.String()
	return nil
}

func unzip(entry *zip.File, path string) error {
	r, err := entry.Open()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r) //nolint:gosec // the benchmark has made the archive
	return errors.Join(err, f.Close(), r.Close())
}

func csvutilRows(path string, use func(*sixty)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	d, err := csvutil.NewDecoder(r)
	if err != nil {
		return err
	}
	d.WithUnmarshalers(tabular.Unmarshalers())
	for {
		var row sixty
		err := d.Decode(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		use(&row)
	}
}

// fileContent serves a blob from disk.
type fileContent struct {
	*os.File
	size int64
}

func (f fileContent) Size() int64 { return f.size }

// blobServer serves a file as a blob on loopback.
func blobServer(tb testing.TB, path string) (addr, link string) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	s := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})
	// Azure stores no checksum of blobs that were written in blocks, as large ones are.
	if err := s.Put("/exports/export.zip", fileContent{f, info.Size()}, time.Now(), blob.Properties{NoMD5: true}); err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(s)
	tb.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		_ = s.Close()
	})
	return strings.TrimPrefix(srv.URL, "http://"), s.Link(srv.URL, "/exports/export.zip", time.Hour)
}

// through makes the link go through a proxy.
func through(tb testing.TB, link, addr string) string {
	tb.Helper()
	u, err := url.Parse(link)
	if err != nil {
		tb.Fatal(err)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		tb.Fatal(err)
	}
	u.Host = addr
	return u.String()
}

func benchMiB(tb testing.TB, normal int64) int64 {
	tb.Helper()
	s := os.Getenv("PARTNERCENTER_BENCH_MIB")
	if s == "" {
		return normal
	}
	mib, err := strconv.ParseInt(s, 10, 64)
	if err != nil || mib < 1 {
		tb.Fatalf("PARTNERCENTER_BENCH_MIB is %q, want a number of MiB", s)
	}
	return mib
}

// randomFile makes a file that nothing could compress.
func randomFile(tb testing.TB, size int64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "export.zip")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{7}), size)
	if err := errors.Join(err, f.Close()); err != nil {
		tb.Fatal(err)
	}
	return path
}

// equalize writes a file as large as the contenders will, and removes it. Where
// the host of a virtual machine takes back memory that is not used, the first large
// file costs several times the work of the next one; now it is nobody's.
func equalize(tb testing.TB, dir string, size int64) {
	tb.Helper()
	path := filepath.Join(dir, "nobody's")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	buf := make([]byte, 256<<10)
	for n := int64(0); n < size && err == nil; n += int64(len(buf)) {
		_, err = f.Write(buf)
	}
	if err := errors.Join(err, f.Close(), os.Remove(path)); err != nil {
		tb.Fatal(err)
	}
}

// turn runs a contender in its own process and folder.
func turn(tb testing.TB, name, link string, size int64) outcome {
	tb.Helper()
	dir := tb.TempDir()
	equalize(tb, dir, size)
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), self)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), childTurn+"="+name, childLink+"="+link)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, stderr.String())
	}
	if err := os.RemoveAll(dir); err != nil {
		tb.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	o.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return o
}

// race lets the contenders take turns, once for every round, and prints a table.
// The first of them is ours; ratios say how many times as fast it is. Of several
// rounds each contender's best counts: the one in which the machine had the least
// else to do.
func race(b *testing.B, title, link string, size int64, names ...string) {
	b.Helper()
	best := make([]outcome, len(names))
	for b.Loop() {
		for i, name := range names {
			o := turn(b, name, link, size)
			if best[i].Took == 0 || o.Took < best[i].Took {
				best[i] = o
			}
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tseconds\tMB/s\tCPU, s\tfirst row, s\tpeak RSS, MiB\tours is x times as fast\t\n", title)
	for i, o := range best {
		if o.Bytes != best[0].Bytes || o.Rows != best[0].Rows || o.Sum != best[0].Sum {
			b.Fatalf("%s has read %d bytes, %d rows, sum %s; ours %d, %d, %s",
				names[i], o.Bytes, o.Rows, o.Sum, best[0].Bytes, best[0].Rows, best[0].Sum)
		}
		first, ratio := "", o.Took.Seconds()/best[0].Took.Seconds()
		if o.Rows > 0 {
			first = fmt.Sprintf("%.3f (x %.1f)", o.First.Seconds(), o.First.Seconds()/best[0].First.Seconds())
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.0f\t%.2f\t%s\t%.0f\t%.2f\t\n", names[i], o.Took.Seconds(),
			float64(o.Bytes)/1e6/o.Took.Seconds(), o.CPU.Seconds(), first, float64(o.Peak)/(1<<20), ratio)
		if i > 0 {
			b.ReportMetric(ratio, "x-"+strings.NewReplacer(" ", "-", ",", "", "(", "", ")", "").Replace(names[i]))
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown\n")
	}
	b.Logf("\n%sload average at the end: %s", table.String(), load)
}

// BenchmarkTransfer downloads a file from a server 30 ms away whose connections
// deliver 25 MB/s each, and from one that is not held back. The size in MiB comes
// from PARTNERCENTER_BENCH_MIB, default 64; -short makes it 8.
//
//	PARTNERCENTER_BENCH_MIB=1024 go test -run '^$' -bench Transfer -benchtime 1x -v ./internal/bench
func BenchmarkTransfer(b *testing.B) {
	mib := benchMiB(b, 64)
	if testing.Short() {
		mib = 8
	}
	addr, link := blobServer(b, randomFile(b, mib<<20))
	b.Run("shaped", func(b *testing.B) {
		s := newShaper(b, addr, 30*time.Millisecond, 25e6)
		race(b, fmt.Sprintf("%d MiB, 30 ms, 25 MB/s a connection", mib), through(b, link, s.addr()), mib<<20,
			"ours, 8 connections", "azblob, 8 connections", "azblob, default", "GET and io.Copy",
			"ours, default", "azblob, 16 connections")
	})
	b.Run("loopback", func(b *testing.B) {
		race(b, fmt.Sprintf("%d MiB, loopback", mib), link, mib<<20,
			"ours, default", "GET and io.Copy", "GET, io.Copy and sync", "azblob, default")
	})
}

// BenchmarkRowsOverTheWire reads typed rows of a zipped export from the same
// server. PARTNERCENTER_BENCH_MIB is the size of the text in it.
func BenchmarkRowsOverTheWire(b *testing.B) {
	mib := benchMiB(b, 64)
	if testing.Short() {
		mib = 8
	}
	path, _ := writeExport(b, mib<<20)
	addr, link := blobServer(b, path)
	s := newShaper(b, addr, 30*time.Millisecond, 25e6)
	race(b, fmt.Sprintf("%d MiB of text, zipped, 30 ms, 25 MB/s a connection", mib), through(b, link, s.addr()), mib<<20,
		"ours, rows", "GET, unzip, csvutil")
}
