package tabular

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
)

// defaultRowBytes is far above any row of an export and far below what hurts.
const defaultRowBytes = 1 << 20

// records reads the records of a file. The slice that Read returns is valid until
// the next call; an error is final.
type records interface {
	Read() ([]string, error)
	// Line is the line on which cell i of the last record starts, from 1.
	Line(i int) int
}

// openRecords returns the records of the text in br, from where it stands. The
// limited reader is what br reads from.
func openRecords(br *bufio.Reader, lim *limited, comma rune, maxRow int) records {
	if comma == '\t' {
		lim.end = math.MaxInt64 // tsvReader has its own limit
		return &tsvReader{r: br, max: maxRow}
	}
	r := csv.NewReader(br) // takes br as it is: its buffer is large enough
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	return &csvReader{Reader: r, lim: lim, start: lim.n - int64(br.Buffered()), max: maxRow}
}

// csvReader reads records separated by commas, by the rules of RFC 4180.
type csvReader struct {
	*csv.Reader
	lim   *limited
	start int64 // where in lim the csv.Reader began
	max   int
}

func (r *csvReader) Line(i int) int {
	line, _ := r.FieldPos(i)
	return line
}

func (r *csvReader) Read() ([]string, error) {
	from := r.InputOffset()
	// The buffer in between may read ahead; what it holds is checked below.
	r.lim.end = saturate(r.start+from, int64(r.max)+headerBytes)
	record, err := r.Reader.Read()
	if size := r.InputOffset() - from; size > int64(r.max) && err == nil {
		return nil, rowTooLong(r.Line(0), r.max)
	}
	if err == nil || err == io.EOF {
		return record, err
	}
	// A cut or damaged file often looks like a missing quote to the csv.Reader;
	// the true cause is the more helpful one.
	at, isParse := errors.AsType[*csv.ParseError](err)
	switch {
	case r.lim.exceeded:
		line := 1
		if isParse {
			line = at.StartLine
		} else if len(record) > 0 {
			line = r.Line(0)
		}
		return nil, rowTooLong(line, r.max)
	case r.lim.err != nil:
		return nil, r.lim.err
	case isParse:
		return nil, &lineError{line: at.StartLine, end: at.Line, column: at.Column, err: at.Err}
	}
	return nil, err
}

// saturate adds without overflow.
func saturate(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// lineError is a record that cannot be read as such.
type lineError struct {
	line   int // where the record starts
	end    int // where the trouble is
	column int // in bytes, from 1; 0 when unknown
	err    error
}

func (e *lineError) Error() string {
	switch {
	case e.column == 0:
		return e.err.Error()
	case e.end != e.line:
		return fmt.Sprintf("%v (noticed at byte %d of line %d)", e.err, e.column, e.end)
	}
	return fmt.Sprintf("%v (at byte %d)", e.err, e.column)
}

func (e *lineError) Unwrap() error { return e.err }

func rowTooLong(line, limit int) error {
	return &lineError{line: line, err: fmt.Errorf("the row is longer than %d bytes: a quote is probably damaged; "+
		"raise RowOptions.MaxRowBytes if rows really are that long", limit)}
}

// limited ends the reading where a record would become too long, and keeps the
// first error.
type limited struct {
	r        io.Reader
	n        int64 // bytes read so far
	end      int64 // how far n may go
	err      error // what ended the data, other than io.EOF
	exceeded bool
}

var errExceeded = errors.New("row too long")

func (l *limited) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.n >= l.end {
		l.exceeded = true
		return 0, errExceeded
	}
	p = p[:min(int64(len(p)), l.end-l.n)]
	n, err := l.r.Read(p)
	l.n += int64(n)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}
