package transfer

import (
	"fmt"
	"testing"
)

func TestContentRangeIsReadStrictly(t *testing.T) {
	good := map[string]byteRange{
		"bytes 0-9/10":   {0, 9, 10},
		"bytes 5-5/6":    {5, 5, 6},
		"BYTES 10-19/99": {10, 19, 99},
		"bytes 0-9223372036854775805/9223372036854775806": {0, 9223372036854775805, 9223372036854775806},
	}
	for text, want := range good {
		if got, err := parseContentRange(text); err != nil || got != want {
			t.Errorf("%q = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "bytes", "bytes ", "0-9/10", "bytes 0-9", "bytes 0-9/*", "bytes */10", "bytes 9-0/10", "bytes 0-10/10",
		"bytes -1-9/10", "bytes +0-9/10", "bytes 0 - 9 / 10", "bytes  0-9/10", "bytes 0-9/10 ", "bytes 0x0-9/10",
		"items 0-9/10", "bytes 0-9/99999999999999999999", "bytes 0-0/0", "bytes 0-1-2/10", "bytes 0-9/10/10", "bytes 0-9_0/100",
	} {
		if got, err := parseContentRange(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes */10", "bytes 0-9/*", "bytes 5-4/10", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseContentRange(s)
		if err != nil {
			return
		}
		if r.first < 0 || r.last < r.first || r.total <= r.last {
			t.Fatalf("%q gave the impossible %v", s, r)
		}
		again, err := parseContentRange(fmt.Sprintf("bytes %d-%d/%d", r.first, r.last, r.total))
		if err != nil || again != r {
			t.Fatalf("%q gave %v, which reads back as %v, %v", s, r, again, err)
		}
	})
}
