package tabular

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// parsed is a record with the line on which each of its cells starts.
type parsed struct {
	Cells []string
	Lines []int
}

// splitAll splits what r delivers, in blocks that take turns as they do on their way
// to those who decode them, and then cuts all cells.
func splitAll(r io.Reader, comma byte, limit int) ([]parsed, error) {
	s := &splitter{r: r, comma: comma, max: limit}
	batches := []*batch[struct{}]{newBatch[struct{}](), newBatch[struct{}]()}
	var all []parsed
	for i := 0; ; i++ {
		b := batches[i%2]
		split(s, b)
		cells := b.cells
		for _, r := range b.records {
			c := cut{text: string(b.buf[r.from:r.to]), from: r.from, cells: cells[:r.cells]}
			p := parsed{Cells: c.all(nil)}
			for i := range c.cells {
				p.Lines = append(p.Lines, r.line+c.line(i))
			}
			all = append(all, p)
			cells = cells[r.cells:]
		}
		if b.err != nil {
			return all, b.err
		}
	}
}

// reference is what encoding/csv makes of it.
func reference(text string) ([]parsed, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	var all []parsed
	for {
		record, err := r.Read()
		if err != nil {
			return all, err
		}
		p := parsed{Cells: record}
		for i := range record {
			line, _ := r.FieldPos(i)
			p.Lines = append(p.Lines, line)
		}
		all = append(all, p)
	}
}

// readers deliver a text in portions of many kinds.
func readers(text string) map[string]io.Reader {
	if len(text) > blockBytes/4 {
		return map[string]io.Reader{"whole": strings.NewReader(text), "half by half": iotest.HalfReader(strings.NewReader(text))}
	}
	return map[string]io.Reader{
		"whole":          strings.NewReader(text),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(text)),
		"with its end":   iotest.DataErrReader(strings.NewReader(text)),
		"half by half":   iotest.HalfReader(strings.NewReader(text)),
		"byte, then end": iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(text))),
	}
}

// cutAt puts as many rows before a text that the first block ends in the middle of
// it. They have as many cells as its first line.
func cutAt(text, comma string, at int) string {
	const long = 1 << 12
	line, _, _ := strings.Cut(text, "\n")
	commas := strings.Repeat(comma, strings.Count(line, comma)) + "\n"
	var b strings.Builder
	for n := blockBytes/2 - at; n > 0; n = blockBytes/2 - at - b.Len() {
		if n > 2*long {
			n = long
		}
		b.WriteString(strings.Repeat("y", max(0, n-len(commas))) + commas)
	}
	return b.String() + text
}

// cutEverywhere checks a text by itself and across the ends of blocks.
func cutEverywhere(t *testing.T, text, comma string, check func(*testing.T, string)) {
	t.Helper()
	check(t, text)
	for _, at := range []int{1, len(text) / 3, len(text) / 2, len(text) - 1} {
		check(t, cutAt(text, comma, at))
	}
}

func checkCommas(t *testing.T, text string) {
	t.Helper()
	want, wantErr := reference(text)
	for name, r := range readers(text) {
		got, err := splitAll(r, ',', math.MaxInt)
		if !reflect.DeepEqual(want, got) { // takes a fraction of cmp's time
			t.Errorf("%s, %q: records (-encoding/csv +splitter):\n%s", name, text, cmp.Diff(want, got))
		}
		wrong, ok := errors.AsType[*csv.ParseError](wantErr)
		if !ok {
			if err != io.EOF { //nolint:errorlint // it is io.EOF itself
				t.Errorf("%s, %q: error %v, want the end", name, text, err)
			}
			continue
		}
		e, ok := errors.AsType[*lineError](err)
		if !ok || e.line != wrong.StartLine || e.end != wrong.Line || e.column != wrong.Column || !errors.Is(e, wrong.Err) {
			t.Errorf("%s, %q: error %+v, want %+v", name, text, err, wrong)
		}
	}
}

var commaTexts = []string{
	"", "a", "a,b\n1,2\n", "a,b\r\n1,2\r\n", "a\n\n\r\nb\n", "\r", "a\r", "a,\r", "a\rb\n", "\"a\"\r", "\"a\r\nb\",\"\r\"\n", ",", ",,\n",
	"\"\"", "\"\"\"\"", "\"a\"\"b\",c\n", "\"a,b\",\"c\nd\"\ne,f\n", "a,\"b\"\n\"c\"", "\"a\n\n\nb\",c,\"d\ne\",f\n",
	"a\"b\n", "x,y\na,b\"\n", "\"a\"b,c\n", "\"a\nb\"c\n", "\"a", "\"a\nb", "\"a\"\"", "a,\"b\nc,d\n", "x\n\"a\",\"b\n\nc\"d,e\n",
	"\"a\r\r\nb\"", "\"a\" ,b\n", " \"a\"\n", "\"\r\n\",\"\n\"\r\n", "1,2\n\"3\",4,\"5\"\n6\n", "\"a\",\nb,\n", "\"a\",\"\"\n\"\",\"b\"", "é,\"ü\nö\"x",
}

func TestCommasAreReadAsEncodingCSVReadsThem(t *testing.T) {
	for _, text := range commaTexts {
		checkCommas(t, text)
		checkCommas(t, strings.Repeat("filler,\"of\nall\",kinds\r\n", 2*blockBytes/25)+text) // more than a block
	}
}

// FuzzCommas: whatever the text, and however it arrives, the cells, their lines and
// the error are those of encoding/csv.
func FuzzCommas(f *testing.F) {
	for _, text := range commaTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { cutEverywhere(t, text, ",", checkCommas) })
}

func checkTabs(t *testing.T, text string) {
	t.Helper()
	oracle := &tsvReader{r: strings.NewReader(text), max: math.MaxInt}
	var want []parsed
	var wantErr error
	for {
		record, err := oracle.Read()
		if err != nil {
			wantErr = err
			break
		}
		p := parsed{Cells: slices.Clone(record)}
		for i := range record {
			p.Lines = append(p.Lines, oracle.Line(i))
		}
		want = append(want, p)
	}
	for name, r := range readers(text) {
		got, err := splitAll(r, '\t', math.MaxInt)
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s, %q: records (-oracle +splitter):\n%s", name, text, cmp.Diff(want, got))
		}
		if err.Error() != wantErr.Error() {
			t.Errorf("%s, %q: error %v, want %v", name, text, err, wantErr)
		}
		if e, ok := errors.AsType[*lineError](wantErr); ok {
			if g, ok := errors.AsType[*lineError](err); !ok || g.line != e.line {
				t.Errorf("%s, %q: error %+v, want %+v", name, text, err, e)
			}
		}
	}
}

var tabTexts = []string{
	"", "a\tb\n1\t2\n", "a\tb\n\"A\tx\nb\ty\n", "a\tb\na\t\"X\nb\ty\n", "a\tb\n\"A\tx\nb\"\ty\n", "a\tb\n\"a\tb\"\tc\n", "a\tb\n\"a\nb\"\tc\nd\te\n",
	"a\tb\n1\t2\n3\t4\t\"5\n6\t7\n", "a\tb\tc\n1\t\"2\t3\n4\"\t5\t6\n", "a\n\"\"\n\n", "\"a\"\r\n\"b\r\nc\"\r", "a\tb\n5\" disk\tthe \"best\" one\n",
	"a\tb\n\"a \"\"b\"\"\"\t\"\"\"\"\n", "\"\t\"\n\"", "a\tb\n\"\n\"\n\"\t\"\n", "x\t\"\ny\t\"\"\"\n", "\r\n\r\r\n", "a\tb\n\"1\"2\t\"3\n4\"5\n",
}

func TestTabsAreReadAsBefore(t *testing.T) {
	for _, text := range tabTexts {
		checkTabs(t, text)
		checkTabs(t, strings.Repeat("f\t\"of\nall\"\r\n\n", 2*blockBytes/14)+text)
	}
}

// FuzzTabs: whatever the text, and however it arrives, it is read as it always was.
func FuzzTabs(f *testing.F) {
	for _, text := range tabTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { cutEverywhere(t, text, "\t", checkTabs) })
}

// Blocks follow the length of the rows, so that short ones do not make batches of
// thousands and long ones still come by the dozen.
func TestBlocksFollowTheRows(t *testing.T) {
	for _, c := range []struct{ row, most int }{{2, leastBlock}, {100, 100 * batchRecords}, {4000, blockBytes}} {
		s := &splitter{r: strings.NewReader(strings.Repeat(strings.Repeat("x", c.row-1)+"\n", 6<<20/c.row)), comma: ',', max: defaultRowBytes}
		b := newBatch[struct{}]()
		for range 100 {
			split(s, b)
			if len(b.records) > batchRecords || len(b.records) == 0 {
				t.Fatalf("%d rows of %d bytes in a batch", len(b.records), c.row)
			}
		}
		if n := int(b.records[len(b.records)-1].to) + len(s.rest); n > c.most+c.row {
			t.Errorf("rows of %d bytes are read in blocks of %d, want at most %d", c.row, n, c.most)
		}
	}
}
