package transfer

import (
	"fmt"
	"strconv"
	"strings"
)

// byteRange is a Content-Range: the first and last byte of an answer, counted
// from 0, and the size of the whole file.
type byteRange struct{ first, last, total int64 }

// parseContentRange reads "bytes 0-9/100" and nothing looser (RFC 9110, section
// 14.4). An unknown total ("*") is an error, because the end of the file could
// then not be told from the end of the answer.
func parseContentRange(s string) (byteRange, error) {
	unit, rest, ok := strings.Cut(s, " ")
	span, total, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 || !strings.EqualFold(unit, "bytes") {
		return byteRange{}, fmt.Errorf("unreadable Content-Range %.100q", s)
	}
	var r byteRange
	for _, part := range []struct {
		text string
		into *int64
	}{{first, &r.first}, {last, &r.last}, {total, &r.total}} {
		n, err := strconv.ParseUint(part.text, 10, 63) // no sign, no overflow
		if err != nil {
			return byteRange{}, fmt.Errorf("unreadable Content-Range %.100q", s)
		}
		*part.into = int64(n)
	}
	if r.first > r.last || r.last >= r.total {
		return byteRange{}, fmt.Errorf("impossible Content-Range %.100q", s)
	}
	return r, nil
}
