package query_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// hostile texts take the parser's every loop as far as it goes.
func hostile(n int) map[string]string {
	const s = "SELECT a FROM b WHERE "
	r := strings.Repeat
	return map[string]string{
		"parentheses":         s + r("(", n),
		"closed parentheses":  s + r("(", n/2) + "a = 1" + r(")", n/2),
		"calls":               "SELECT " + r("a(", n/2),
		"subqueries":          "SELECT a FROM " + r("(SELECT a FROM ", n/15),
		"lists":               s + "a IN " + r("(", n),
		"one long list":       s + "a IN (" + r("'x', ", n/5) + "'x')",
		"conditions":          s + r("a = 1 AND ", n/10) + "a = 1",
		"alternatives":        s + r("a = 1 OR ", n/9) + "a = 1",
		"columns":             "SELECT " + r("a, ", n/3) + "a FROM b",
		"unknown columns":     "SELECT " + r("Pgae, ", n/6) + "Page FROM ShopVisits",
		"keys":                "SELECT a FROM b ORDER BY " + r("a, ", n/3) + "a",
		"long name":           "SELECT " + r("a", n) + " FROM ShopVisits",
		"long value":          s + "a = '" + r("x", n) + "'",
		"doubled quotes":      s + "a = '" + r("''", n/2) + "'",
		"open quotes":         s + r("a = ‘x AND ", n/13),
		"missing quotes":      s + r("a = x' AND ", n/11) + "a = 1",
		"bare words":          s + "a = " + r("x ", n/2),
		"comments":            r("/**/", n/4) + "SELECT a FROM b",
		"comment and peeking": "SELECT a " + r("x /**/ ", n/7),
		"long comment":        "SELECT a x " + r("/**/", n/4),
		"operators":           s + "a " + r("=", n),
		"not":                 s + r("NOT ", n/4),
		"dots":                "SELECT " + r("a.", n/2) + "a FROM b",
		"brackets":            "SELECT " + r("[", n) + " FROM b",
		"clauses":             "SELECT a FROM b " + r("LIMIT 1 ", n/8),
		"digits":              "SELECT a FROM b LIMIT " + r("9", n),
		"blanks":              r("\u00a0", n/2) + "SELECT a FROM b",
		"invisible":           r("\u200b", n/3) + "SELECT a FROM b",
		"lines":               r("\n", n) + "SELECT * FROM b",
		"semicolons":          "SELECT a FROM b" + r(";", n),
		"zeros":               r("\x00", n),
		"timespan":            "SELECT a FROM b TIMESPAN " + r("LAST ", n/5),
	}
}

// Memory grows with the length of the text and not faster; the stack does not grow
// at all, or the deeper texts would end the test.
func TestHostileTextsNeedMemoryInProportion(t *testing.T) {
	catalog := shop()
	const length = 1 << 16
	for name, text := range hostile(length) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			q, ps := query.Check(text, catalog)
			runtime.ReadMemStats(&after)
			if (q == nil) == (ps.Err() == nil) {
				t.Errorf("Check returned %v and %d problems", q != nil, len(ps))
			}
			// An element of a list, of five bytes of text, is 120 bytes, and the list
			// is copied as it grows.
			const perByte = 250
			if used := after.TotalAlloc - before.TotalAlloc; used > perByte*length {
				t.Errorf("%d bytes for a text of %d", used, len(text))
			}
			_ = query.Equal(text, text+" ")
		})
	}
}

// BenchmarkHostile shows that time grows with the length of the text too: ns/byte
// stays the same for texts 16 times as long.
func BenchmarkHostile(b *testing.B) {
	catalog := shop()
	for _, n := range []int{1 << 14, 1 << 18} {
		for name, text := range hostile(n) {
			b.Run(name+"/"+map[bool]string{true: "long", false: "short"}[n > 1<<14], func(b *testing.B) {
				for b.Loop() {
					_, _ = query.Check(text, catalog)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(text)), "ns/byte")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
