package payouts

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// anyRow has no fields: all cells end up in Extra, as text.
type anyRow struct{ partnercenter.RowMeta }

// readAny reads all rows that data has, as records in the order of the columns.
func readAny(data string) (columns []string, records [][]string, err error) {
	c, err := OpenReaderAt("fuzz", strings.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	opts := &partnercenter.RowOptions{OnColumns: func(r partnercenter.ColumnReport) { columns = r.Columns }}
	for row, err := range Rows[anyRow](c, opts) {
		if err != nil {
			return columns, records, err
		}
		records = append(records, inOrder(columns, row.Extra))
	}
	return columns, records, c.Close()
}

// inOrder undoes what Extra does to doubled and empty names.
func inOrder(columns []string, extra map[string]string) []string {
	var keys []string
	taken := map[string]int{}
	for i, name := range columns {
		if name == "" {
			name = "#" + strconv.Itoa(i+1)
		}
		key := name
		for taken[key] > 0 {
			taken[name]++
			key = name + "#" + strconv.Itoa(taken[name])
		}
		taken[key] = 1
		keys = append(keys, key)
	}
	cells := make([]string, len(keys))
	for i, key := range keys {
		cells[i] = extra[key]
	}
	return cells
}

// encode writes a table with every cell in quotes.
func encode(comma string, columns []string, records [][]string) string {
	var b strings.Builder
	for _, record := range append([][]string{columns}, records...) {
		for i, cell := range record {
			if i > 0 {
				b.WriteString(comma)
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// FuzzRows: any text whatever is read to its end or to an error. What has been
// read without error is the same when it is written and read again, and, when it
// is comma-separated, the same that encoding/csv makes of it.
func FuzzRows(f *testing.F) {
	for _, s := range []string{
		earningsHeader + "E-1,1,P,EUR,5%,Rebate,1.5,1.6,2024-01-31,2024-02-01T00:00:00Z,,Sent,True,X,\n",
		paymentsHeader + "1,\"Example, Ltd.\",P,1,2,EUR,m,7,Sent,2024-01-31\n",
		"a,b\n1,\"x\ny\"\n\n3,4\n", "a\tb\n\"1\t2\n3\"\t4\n5\t\"6\n", "\ufeffa,a,,\r\n1,2,3,4\r\n", "x\ny,z\n1,\"2\n", "a\tb\n\"A\tx\nb\"\ty\n",
		"earningId,earningAmount\na,1e999999999\n", "a\n\"\"\n\n", "\"a,b\nc\",d\n1,2\n",
		"a\tb\n\"x\ty\tz\nq\"\tw\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if strings.HasPrefix(data, "PK") || strings.HasPrefix(data, "\x1f\x8b") {
			return // FuzzOpen has these
		}
		for row, err := range EarningRows(content(t, data), &partnercenter.RowOptions{Tolerant: true}) {
			if err == nil && row.Line < 1 {
				t.Error("a row without a place")
			}
		}
		columns, records, err := readAny(data)
		if err != nil {
			return
		}
		comma := ","
		if len(columns) > 1 && !commaSeparated(data, columns) {
			comma = "\t"
		}
		if comma == "," && !strings.Contains(data, "\r") {
			if want := reference(data, columns); want != nil && !cmp.Equal(want, records) {
				t.Errorf("records (-encoding/csv +Rows):\n%s", cmp.Diff(want, records))
			}
		}
		again, got, err := readAny(encode(comma, columns, records))
		if err != nil {
			t.Fatalf("%q: written and read again: %v", data, err)
		}
		plain := cmp.Transformer("plain", func(s string) string { return strings.ReplaceAll(s, "\r", "") })
		if diff := cmp.Diff(columns, again, plain); diff != "" && len(columns) > 0 {
			t.Errorf("columns (-read +again):\n%s", diff)
		}
		if diff := cmp.Diff(records, got, plain); diff != "" {
			t.Errorf("records (-read +again):\n%s", diff)
		}
	})
}

// commaSeparated reports whether the header of data, read with commas, has these
// columns.
func commaSeparated(data string, columns []string) bool {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(data, "\ufeff")))
	header, err := r.Read()
	return err == nil && slices.Equal(header, columns)
}

// reference is what encoding/csv makes of data: its records without the header
// and repetitions of it; nil when it does not read them all.
func reference(data string, columns []string) [][]string {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(data, "\ufeff")))
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return nil
	}
	var records [][]string
	for _, record := range all[1:] {
		if len(columns) == 1 || !slices.Equal(record, columns) {
			records = append(records, record)
		}
	}
	return records
}

// FuzzOpen: any bytes whatever are opened and read to their end or to an error.
func FuzzOpen(f *testing.F) {
	table := "earningId,earningAmount\nE-1,1.5\n"
	var archive, packed bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"a.csv", "b/", "b/c"} {
		w, err := z.Create(name)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if _, err := io.WriteString(w, table); err != nil {
				f.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	g := gzip.NewWriter(&packed)
	if _, err := io.WriteString(g, table); err != nil {
		f.Fatal(err)
	}
	if err := g.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(archive.Bytes())
	f.Add(packed.Bytes())
	f.Add([]byte(table))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := OpenReaderAt("fuzz", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, err := range EarningRows(c, &partnercenter.RowOptions{Tolerant: true, MaxRowBytes: 1 << 16}) {
			if err != nil && err.Error() == "" {
				t.Error("an error without text")
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
