package tabular

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

func TestTabsWithAndWithoutQuoting(t *testing.T) {
	for _, c := range []struct {
		name, file string // without header
		want       []pair
	}{
		{"text with quotes", "5\" disk\tthe \"best\" one\n", []pair{{`5" disk`, `the "best" one`}}},
		{"text that begins with a quoted word", "\"A\" or \"B\"\tx\n", []pair{{`"A" or "B"`, "x"}}},
		{"text that begins with a quote", "\"A\tx\nb\ty\n", []pair{{`"A`, "x"}, {"b", "y"}}},
		{"such text in the last column", "a\t\"X\nb\ty\n", []pair{{"a", `"X`}, {"b", "y"}}},
		{"such text in the same column twice", "\"A\tx\nb\"\ty\n", []pair{{`"A`, "x"}, {`b"`, "y"}}},
		{"such text in the last column twice", "a\t\"X\nb\tY\"\n", []pair{{"a", `"X`}, {"b", `Y"`}}},
		{"such text in other columns", "\"A\tx\nb\tY\"\n", []pair{{`"A`, "x"}, {"b", `Y"`}}},
		{"such text before a quoted cell", "\"A\tx\n\"b\"\ty\n", []pair{{`"A`, "x"}, {"b", "y"}}},
		{"such text at the end", "a\t\"X", []pair{{"a", `"X`}}},
		{"quoted", "\"a\"\t\"b\"\n", []pair{{"a", "b"}}},
		{"quoted and empty", "\"\"\t\"\"\n", []pair{{"", ""}}},
		{"doubled quotes", "\"a \"\"b\"\"\"\t\"\"\"\"\n", []pair{{`a "b"`, `"`}}},
		{"quoted tab", "\"a\tb\"\tc\n", []pair{{"a\tb", "c"}}},
		{"quoted line end", "\"a\nb\"\tc\nd\te\n", []pair{{"a\nb", "c"}, {"d", "e"}}},
		{"quoted line end in the last column", "a\t\"b\nc\"\nd\te\n", []pair{{"a", "b\nc"}, {"d", "e"}}},
		{"quoted line end at the end", "a\t\"b\nc\"", []pair{{"a", "b\nc"}}},
		{"quoted line ends with CR", "a\t\"b\r\n\r\nc\"\r\nd\te\r\n", []pair{{"a", "b\r\n\r\nc"}, {"d", "e"}}},
		{"blank cells", "\t\n", []pair{{"", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect[pair](text(t, "colA\tcolB\n"+c.file), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			s, err := OpenStream("export", iotest.OneByteReader(strings.NewReader("colA\tcolB\n"+c.file)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err = collect[pair](s, nil); err != nil || !cmp.Equal(c.want, got) {
				t.Errorf("from a stream that trickles: %v, %v", got, err)
			}
		})
	}
}

// With three columns a quote may swallow the end of one row and the beginning of
// the next without swallowing as many tabs as a row has.
func TestQuotesThatShiftCellsAreText(t *testing.T) {
	type row struct {
		A string `csv:"a"`
		B string `csv:"b"`
		C string `csv:"c"`
	}
	got, err := collect[row](text(t, "a\tb\tc\n1\t\"2\t3\n4\"\t5\t6\n"), nil)
	if diff := cmp.Diff([]row{{"1", `"2`, "3"}, {`4"`, "5", "6"}}, got); err != nil || diff != "" {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

func TestLinesAreCountedBehindQuotedLineEnds(t *testing.T) {
	type row struct {
		partnercenter.RowMeta

		A string `csv:"a"`
		B int    `csv:"b"`
	}
	for _, comma := range []string{",", "\t"} {
		file := "a,b\n\"x\ny\n\",1\n\n\"z\n\",\"n\"\nq,2\n"
		var lines []int
		var bad partnercenter.CellError
		for r, err := range Rows[row](text(t, strings.ReplaceAll(file, ",", comma)), &partnercenter.RowOptions{Tolerant: true}) {
			lines = append(lines, r.Line)
			if e, ok := err.(*partnercenter.RowError); ok { //nolint:errorlint // Rows yields it as it is
				bad = e.Cells[0]
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]int{2, 6, 8}, lines); diff != "" {
			t.Errorf("%q: lines (-want +got):\n%s", comma, diff)
		}
		if bad.Line != 7 || bad.Column != "b" {
			t.Errorf("%q: bad cell %s on line %d", comma, bad.Column, bad.Line)
		}
	}
}

// Rows that are longer than all buffers, and buffers that end anywhere in a row.
func TestTabsAcrossBuffers(t *testing.T) {
	long := strings.Repeat("\"\"x\t\n", 40_000)
	var want []pair
	var file strings.Builder
	file.WriteString("colA\tcolB\n")
	for i := range 12 {
		a := strings.Repeat("a", i*9973)
		file.WriteString(a + "\t\"" + long + "\"\n")
		want = append(want, pair{a, strings.ReplaceAll(long, `""`, `"`)})
	}
	got, err := collect[pair](text(t, file.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(want, got) {
		t.Errorf("%d rows, want %d, or they differ", len(got), len(want))
	}
}
