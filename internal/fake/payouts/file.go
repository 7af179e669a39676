package payouts

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// Container is what an export's rows are packed in.
type Container int

// The containers.
const (
	// Zip is an archive with one or more entries, as the service makes it.
	Zip Container = iota
	// Plain is the delimited text itself.
	Plain
	// GzipFile is one gzip-compressed text.
	GzipFile
)

// Layout says how an export's rows become a file. The zero value is what the
// service does.
type Layout struct {
	// Container packs the rows.
	Container Container `json:"container"`
	// BOM puts a byte order mark before every text.
	BOM bool `json:"bom"`
	// CRLF ends lines with CR LF instead of LF.
	CRLF bool `json:"crlf"`
	// SingleRows is the number of rows up to which an archive has one entry.
	// Default 50,000. Above, there is one per month.
	SingleRows int `json:"singleRows"`
	// MonthRows is the number of rows above which a month is split. Default
	// 500,000.
	MonthRows int `json:"monthRows"`
	// EntryBytes is the largest size of an entry's text. Default 1 GB.
	EntryBytes int64 `json:"entryBytes"`
}

func (l Layout) normalize() Layout {
	if l.SingleRows <= 0 {
		l.SingleRows = 50_000
	}
	if l.MonthRows <= 0 {
		l.MonthRows = 500_000
	}
	if l.EntryBytes <= 0 {
		l.EntryBytes = 1_000_000_000
	}
	return l
}

// source is where the rows of a file come from. It can be run through more than
// once.
type source[T any] struct {
	each  func(func(*T) error) error
	month func(*T) time.Time
	cols  []column[T]
	first time.Time // names the file when there are no rows
}

// write makes the file.
func write[T any](out *spool, src source[T], l Layout, tsv bool, modified time.Time) error {
	l = l.normalize()
	d := dialect{comma: ',', crlf: l.CRLF, bom: l.BOM}
	if tsv {
		d.comma = '\t'
	}
	switch l.Container {
	case Plain:
		return writeText(out, src, d)
	case GzipFile:
		zw := gzip.NewWriter(out)
		if err := writeText(zw, src, d); err != nil {
			return err
		}
		return zw.Close()
	default:
		return writeZip(out, src, l, d, tsv, modified)
	}
}

func writeText[T any](w io.Writer, src source[T], d dialect) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	t := &table[T]{w: buf, cols: src.cols, d: d}
	if err := t.header(); err != nil {
		return err
	}
	if err := src.each(t.row); err != nil {
		return err
	}
	return buf.Flush()
}

// maxRow is more than any row takes: only near the limit is the size of the next
// row looked at, for it costs as much as writing it.
const maxRow = 64 << 10

// writeZip splits the rows as the portal's help describes it: one entry for few
// rows, one per month for more, several per month for very many. Entries are
// called YYYY-MM_<n>, counted through the archive; that an archive of one entry
// follows the same pattern is the fake's choice.
func writeZip[T any](out io.Writer, src source[T], l Layout, d dialect, tsv bool, modified time.Time) error {
	total := 0
	perMonth := make(map[time.Time]int)
	if err := src.each(func(row *T) error {
		total++
		perMonth[monthStart(src.month(row))]++
		return nil
	}); err != nil {
		return err
	}
	zw := zip.NewWriter(out)
	zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })

	ext, n := "csv", 0
	if tsv {
		ext = "tsv"
	}
	var t *table[T]
	var buf *bufio.Writer
	var rows int
	var current time.Time
	open := func(month time.Time) error {
		if buf != nil {
			if err := buf.Flush(); err != nil {
				return err
			}
		}
		n++
		w, err := zw.CreateHeader(&zip.FileHeader{
			Name:   fmt.Sprintf("%s_%d.%s", month.Format("2006-01"), n, ext),
			Method: zip.Deflate, Modified: modified,
		})
		if err != nil {
			return err
		}
		buf = bufio.NewWriterSize(w, 64<<10)
		t, rows, current = &table[T]{w: buf, cols: src.cols, d: d}, 0, month
		return t.header()
	}
	err := src.each(func(row *T) error {
		month := monthStart(src.month(row))
		switch {
		case t == nil:
			if err := open(month); err != nil {
				return err
			}
		case total > l.SingleRows && !month.Equal(current),
			perMonth[month] > l.MonthRows && rows >= l.MonthRows,
			t.bytes > l.EntryBytes-maxRow && rows > 0 && t.bytes+t.size(row) > l.EntryBytes:
			if err := open(month); err != nil {
				return err
			}
		}
		rows++
		return t.row(row)
	})
	if err == nil && t == nil {
		err = open(src.first)
	}
	if err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	return zw.Close()
}

// file makes the export's file.
func (e *export) file(dir string, inMemory int) (blob.Content, error) {
	if e.Custom != nil {
		return blob.Bytes(e.Custom), nil
	}
	out := &spool{dir: dir, max: inMemory}
	tsv := e.Format == "tsv"
	var err error
	if e.Kind == Earnings {
		err = write(out, source[earning]{
			each: func(f func(*earning) error) error { return e.set.eachMatch(e.earnings, f) }, month: (*earning).date,
			cols: e.set.earningCols, first: e.set.FirstMonth,
		}, e.Layout, tsv, e.Requested)
	} else {
		err = write(out, source[payment]{
			each:  func(f func(*payment) error) error { return e.set.eachPayment(e.payments, f) },
			month: func(p *payment) time.Time { return p.date },
			cols:  e.set.paymentCols, first: e.set.FirstMonth,
		}, e.Layout, tsv, e.Requested)
	}
	if err != nil {
		_ = out.discard()
		return nil, fmt.Errorf("making the file of export %s: %w", e.ID, err)
	}
	return out.content()
}

// fileName is the last segment of the export's blob path.
func (e *export) fileName() string {
	if e.FileName != "" {
		return e.FileName
	}
	switch e.Layout.Container {
	case Plain:
		return e.ID + "." + e.Format
	case GzipFile:
		return e.ID + "." + e.Format + ".gz"
	default:
		return e.ID + ".zip"
	}
}

// eachMatch calls f with every row that matches, repeated rows twice in a row.
func (s *dataset) eachMatch(match func(*earning) bool, f func(*earning) error) error {
	var err error
	s.each(func(e *earning) bool {
		if !match(e) {
			return true
		}
		if err = f(e); err == nil && e.repeated {
			err = f(e)
		}
		return err == nil
	})
	return err
}

func (s *dataset) eachPayment(match func(*payment) bool, f func(*payment) error) error {
	all := s.allPayments()
	for i := range all {
		if match(&all[i]) {
			if err := f(&all[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
