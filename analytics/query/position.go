package query

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// locate puts the problems in the order of the text and fills in lines and
// columns. It goes through the text once.
func locate(src string, ps Problems) {
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Offset - b.Offset })
	off, line, column := 0, 1, 1
	for i := range ps {
		p := &ps[i]
		for off < p.Offset && off < len(src) {
			r, n := utf8.DecodeRuneInString(src[off:])
			off += n
			column++
			if r == '\n' {
				line, column = line+1, 1
			}
		}
		p.Line, p.Column = line, column
	}
}

// Characters shown before and after the place of a problem.
const (
	contextBefore = 50
	contextAfter  = 50
)

// excerpt returns the line around a problem, and the marks below it.
func excerpt(src string, p Problem) string {
	at := min(max(p.Offset, 0), len(src))
	stop := min(max(p.End, at), len(src))
	first := strings.LastIndexByte(src[:at], '\n') + 1
	last := len(src)
	if n := strings.IndexByte(src[at:], '\n'); n >= 0 {
		last = at + n
	}
	stop = min(stop, last)
	before, marked, after := src[first:at], src[at:stop], src[stop:last]
	if cut := tail(before, contextBefore); len(before)-len(cut) > len("...") {
		before = "..." + cut
	}
	marked = shorten(marked, contextAfter)
	after = shorten(after, contextAfter)
	marks := strings.Repeat("^", max(1, utf8.RuneCountInString(marked)))
	return "  " + visible(before+marked+after) + "\n  " +
		strings.Repeat(" ", utf8.RuneCountInString(before)) + marks + "\n"
}

// visible replaces what would move the marks below a line or play tricks on a
// terminal, one character for one.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == utf8.RuneError || invisible(r):
			return '·'
		}
		return r
	}, s)
}

// tail returns the last n characters of s.
func tail(s string, n int) string {
	i := len(s)
	for ; i > 0 && n > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[i:]
}

// shorten returns the first n characters of s, with dots in place of the rest.
func shorten(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "..."
		}
		n--
	}
	return s
}
