package tabular

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
)

// numbered is a file whose rows are numbered, large enough for goroutines.
func numbered(rows int) string {
	var b strings.Builder
	b.WriteString("colA,colB\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%s\n", i, strings.Repeat("b", 50))
	}
	return b.String()
}

const manyRows = 5000

func TestRowsKeepTheirOrder(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(procs)
		data := zipped(t, "a", numbered(manyRows), "b", numbered(3), "c", numbered(manyRows))
		rows, err := collect[pair](open(t, data), nil)
		if err != nil || len(rows) != 2*manyRows+3 {
			t.Fatalf("%d processors: %d rows, %v", procs, len(rows), err)
		}
		for i, row := range rows {
			want := i
			if i >= manyRows {
				want -= manyRows
			}
			if want >= 3 && i >= manyRows {
				want -= 3
			}
			if row.A != fmt.Sprint(want) {
				t.Fatalf("%d processors: row %d is %s, want %d", procs, i, row.A, want)
			}
		}
	}
}

// located is a row that says where it came from.
type located struct {
	partnercenter.RowMeta
	pair
}

func TestInterleavedFilesKeepTheOrderOfTheirRows(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var pairs []string
	want := map[string]int{}
	for i := range 9 {
		name := fmt.Sprint("file ", i)
		n := manyRows
		if i%3 == 1 {
			n = i
		}
		pairs = append(pairs, name, numbered(n))
		want[name] = n
	}
	got := map[string]int{}
	reported := map[string]bool{}
	for row, err := range Rows[located](open(t, zipped(t, pairs...)), &partnercenter.RowOptions{
		Interleave: true,
		OnColumns: func(r partnercenter.ColumnReport) {
			if reported[r.File] {
				t.Errorf("%s is reported twice", r.File)
			}
			reported[r.File] = true
		},
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if !reported[row.File] {
			t.Fatalf("a row of %s comes before its columns", row.File)
		}
		if row.A != fmt.Sprint(got[row.File]) || row.Line != got[row.File]+2 {
			t.Fatalf("%s: row %s on line %d after %d rows", row.File, row.A, row.Line, got[row.File])
		}
		got[row.File]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// gate lets reads of some bytes wait until it is opened.
type gate struct {
	io.ReaderAt
	from, to int64
	opened   chan struct{}
}

func (g *gate) ReadAt(p []byte, off int64) (int, error) {
	if off < g.to && off+int64(len(p)) > g.from {
		select {
		case <-g.opened:
		case <-time.After(time.Minute): // only where the test fails
			return 0, errors.New("the other file is not read meanwhile")
		}
	}
	return g.ReaderAt.ReadAt(p, off)
}

// The first file waits in its middle for a row of the second one.
func TestInterleavedFilesDoNotWaitForEachOther(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	data := plainZip(t, zip.Store, nil, "a", numbered(20_000), "b", numbered(20_000))
	middle := int64(bytes.Index(data, []byte("\n10000,")))
	g := &gate{bytes.NewReader(data), middle, middle + 100, make(chan struct{})}
	c, err := Open("export", g, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for row, err := range Rows[located](c, &partnercenter.RowOptions{Interleave: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.File == "b" && rows["b"] == 0 {
			close(g.opened)
		}
		rows[row.File]++
	}
	if rows["a"] != 20_000 || rows["b"] != 20_000 {
		t.Errorf("rows %v", rows)
	}
}

// Content of others hands out one file at a time, and its readers do not last.
func TestForeignContentIsNotInterleaved(t *testing.T) {
	valid := ""
	c := partnercenter.NewContent(func(yield func(*partnercenter.Entry, error) bool) {
		for _, name := range []string{"a", "b", "c"} {
			valid = name
			r := strings.NewReader(numbered(manyRows))
			if !yield(&partnercenter.Entry{Name: name, Reader: readerFunc(func(p []byte) (int, error) {
				if valid != name {
					return 0, errStale
				}
				return r.Read(p)
			})}, nil) {
				return
			}
		}
	}, nil)
	rows, err := collect[located](c, &partnercenter.RowOptions{Interleave: true})
	if err != nil || len(rows) != 3*manyRows {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// blocking delivers some bytes at once and the others never, until it is closed.
type blocking struct {
	data   string
	closed chan struct{}
	once   sync.Once
}

func (b *blocking) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(len(b.data)) {
		<-b.closed
		return 0, errors.New("closed while reading")
	}
	return copy(p, b.data[off:]), nil
}

func (b *blocking) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// A loop that is left must not wait for a line that has gone dead. (With a single
// processor nothing is read ahead, so that no read is in progress.)
func TestLeavingTheLoopEndsAReadInProgress(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for name, leave := range map[string]func(func()){
		"break": func(f func()) { f() },
		"panic": func(f func()) {
			defer func() {
				if v := recover(); v != "mine" {
					t.Errorf("recovered %v", v)
				}
			}()
			f()
			panic("mine")
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			b := &blocking{data: numbered(manyRows), closed: make(chan struct{})}
			c, err := Open("export", b, 1<<40, WithCloser(b))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			func() {
				for _, err := range Rows[pair](c, nil) {
					if err != nil {
						t.Error(err)
					}
					if n++; n == 100 {
						leave(func() {})
						break
					}
				}
			}()
			select {
			case <-b.closed:
			default:
				t.Error("the source is still open")
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Wherever a loop is left, nothing goes on behind it.
func TestNothingOutlivesTheLoop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	data := zipped(t, "a", numbered(2000), "b", numbered(2000), "c", numbered(10))
	for _, interleave := range []bool{false, true} {
		for _, stop := range []int{0, 1, 700, 1999, 2000, 2001, 3500, 4000, 4009} {
			n := 0
			for _, err := range Rows[pair](open(t, data), &partnercenter.RowOptions{Interleave: interleave}) {
				if err != nil {
					t.Fatal(err)
				}
				if n == stop {
					break
				}
				n++
			}
			if n != stop {
				t.Errorf("interleave %v: left after %d rows, want %d", interleave, n, stop)
			}
			goleak.VerifyNone(t, goleak.IgnoreCurrent())
		}
	}
}

func TestACancelledReadEndsTheRows(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	data := strings.NewReader(numbered(200_000))
	c, err := OpenStream("export", readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return data.Read(p)
	}))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = range Rows[pair](c, nil) {
		if n++; n == 1000 {
			cancel()
		}
	}
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "export: ") {
		t.Errorf("error %v, want the context's", err)
	}
	if n > 100_000 {
		t.Errorf("%d rows were read after the end", n)
	}
}

// A panic in a reader reaches the caller, whichever goroutine it happens in.
func TestPanicsOfReadersReachTheLoop(t *testing.T) {
	data := strings.NewReader(numbered(manyRows))
	c, err := OpenStream("export", readerFunc(func(p []byte) (int, error) {
		n, err := data.Read(p)
		if err == io.EOF {
			panic("no more")
		}
		return n, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v := recover(); v != "no more" {
			t.Errorf("recovered %v", v)
		}
	}()
	for _, err := range Rows[pair](c, nil) {
		if err != nil {
			t.Error(err)
		}
	}
	t.Error("the panic is lost")
}

// counting decodes itself, and counts in a variable that has no lock.
type counting struct{ n int }

var cellsCounted int

func (c *counting) UnmarshalText([]byte) error {
	cellsCounted++
	c.n = cellsCounted
	return nil
}

// The race detector notices when such types are decoded by other goroutines.
func TestTypesThatDecodeThemselvesDoSoInTheLoopsGoroutine(t *testing.T) {
	cellsCounted = 0
	type row struct {
		A *counting `csv:"colA"`
		B string    `csv:"colB"`
	}
	n := 0
	for row, err := range Rows[row](text(t, numbered(manyRows)), nil) {
		if err != nil {
			t.Fatal(err)
		}
		cellsCounted++
		if row.B == "" {
			t.Fatal("no text")
		}
		n++
	}
	if n != manyRows || cellsCounted != 2*manyRows {
		t.Errorf("%d rows, counted to %d", n, cellsCounted)
	}
}

// greedy notes how far its bytes have been read.
type greedy struct {
	io.ReaderAt
	mu  sync.Mutex
	end int64
}

func (g *greedy) ReadAt(p []byte, off int64) (int, error) {
	g.mu.Lock()
	g.end = max(g.end, off+int64(len(p)))
	g.mu.Unlock()
	return g.ReaderAt.ReadAt(p, off)
}

// Rows come while nearly all of a file is still unread, and a loop that takes its
// time is not run ahead of any further.
func TestReadingRunsAheadOnlySoFar(t *testing.T) {
	data := []byte(numbered(1_000_000)) // 57 MB
	g := &greedy{ReaderAt: bytes.NewReader(data)}
	c, err := Open("export", g, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	most := int64(len(data) / 20)
	n := 0
	for _, err := range Rows[pair](c, nil) {
		if err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
		g.mu.Lock()
		ahead := g.end - int64(n)*57
		g.mu.Unlock()
		if ahead > most {
			t.Fatalf("at row %d %d bytes more have been read, want at most %d of %d", n, ahead, most, len(data))
		}
		if n++; n == 50_000 {
			break
		}
	}
}

// The first row of an archive comes before a twentieth of it has been read, its
// directory included.
func TestTheFirstRowComesEarly(t *testing.T) {
	data := plainZip(t, zip.Store, nil, "a", numbered(400_000), "b", numbered(1))
	r := &counted{ReaderAt: bytes.NewReader(data)}
	c, err := Open("export", r, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range Rows[pair](c, nil) {
		if n := r.n.Load(); err != nil || n > int64(len(data)/20) {
			t.Errorf("%d of %d bytes have been read, %v", n, len(data), err)
		}
		break
	}
}

// counted counts the bytes that are read.
type counted struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

func TestErrorsAndColumnsOfEveryFileAreFound(t *testing.T) {
	for _, interleave := range []bool{false, true} {
		bad := numbered(2000) + "x\n" + numbered(2000)[len("colA,colB\n"):]
		data := zipped(t, "a", numbered(2000), "b", bad, "c", bad)
		var lines []string
		n := 0
		for _, err := range Rows[located](open(t, data), &partnercenter.RowOptions{Tolerant: true, Interleave: interleave}) {
			if e, ok := errors.AsType[*partnercenter.RowError](err); ok {
				lines = append(lines, fmt.Sprintf("%s:%d", e.File, e.Line))
			} else if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if len(lines) != 2 || !strings.HasSuffix(lines[0], ":2002") || !strings.HasSuffix(lines[1], ":2002") || n != 10_002 {
			t.Errorf("interleave %v: %d rows, errors on %v", interleave, n, lines)
		}
		rows, err := collect[located](open(t, data), &partnercenter.RowOptions{Interleave: interleave})
		if _, ok := errors.AsType[*partnercenter.RowError](err); !ok || !interleave && len(rows) != 4000 {
			t.Errorf("interleave %v: %d rows, %v", interleave, len(rows), err)
		}
		data = zipped(t, "a", numbered(2000), "b", numbered(2000)+"\"x\"y,z\n")
		_, err = collect[located](open(t, data), &partnercenter.RowOptions{Interleave: interleave, Tolerant: true})
		if err == nil || !strings.HasPrefix(err.Error(), "b:2002: extraneous") {
			t.Errorf("interleave %v: error %v", interleave, err)
		}
	}
}

// What one file has columns for does not show in the rows of the next.
func TestFieldsWithoutColumnAreZeroInEveryFile(t *testing.T) {
	for _, n := range []int{3, manyRows} {
		data := zipped(t, "a", numbered(n), "b", "colB\n"+strings.Repeat("b\n", n), "c", "colA\n"+strings.Repeat("a\n", n))
		rows, err := collect[pair](open(t, data), nil)
		if err != nil || len(rows) != 3*n {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, row := range rows[n:] {
			want := pair{B: "b"}
			if i >= n {
				want = pair{A: "a"}
			}
			if row != want {
				t.Fatalf("row %d is %+v, want %+v", n+i, row, want)
			}
		}
	}
}

// A bad row leaves nothing behind for the next one either.
func TestABadRowLeavesNothingBehind(t *testing.T) {
	got := map[int]sale{}
	for row, err := range Rows[sale](text(t, "saleId,amount,is_open,count\na,1,true,1\nb,x,true,7\nc,2,,\nd,,,\n"), &partnercenter.RowOptions{Tolerant: true}) {
		if (err != nil) != (row.Line == 3) {
			t.Errorf("line %d: %v", row.Line, err)
		}
		got[row.Line] = row
	}
	want := map[int]sale{
		2: {RowMeta: at(2), ID: "a", Amount: num("1"), Open: new(true), Count: 1},
		3: {RowMeta: at(3), ID: "b", Open: new(true), Count: 7},
		4: {RowMeta: at(4), ID: "c", Amount: num("2")},
		5: {RowMeta: at(5), ID: "d"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
