package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	end     kind = iota // behind the last token
	word                // a name or a keyword
	number              // digits, with sign and fraction
	text                // a string in quotes
	day                 // a date without quotes
	sign                // an operator such as >=
	comma               // ,
	opening             // (
	closing             // )
	star                // *
	comment             // -- or /* */
	other               // any other character
)

// flaw is what is wrong with a token that is understood nevertheless.
type flaw uint8

const (
	sound        flaw = iota
	unterminated      // a string without its closing quote
	wrongQuotes       // a string in quotes other than '
	wrongMinus        // a number with a typographic minus
	wrongLetter       // a word with letters that are not ASCII
	badNumber         // digits with something else in them
)

// token is a piece of the text. Tokens do not hold its content, but where it is.
type token struct {
	kind kind
	flaw flaw
	key  keyword
	// pos and end are byte offsets. from and to are those of the content, which
	// differ for strings.
	pos, end, from, to int
	// gap is the offset of a character before the token that looks like a blank, or
	// like nothing, but is another one, -1 for none.
	gap int
}

// lexer cuts a text into tokens. It has no errors of its own: what is wrong with
// a token is noted in it. Copying a lexer is how the parser looks ahead.
type lexer struct {
	src string
	off int
}

// next returns the next token. Every call takes at least one byte off the rest,
// until there is none.
func (l *lexer) next() token {
	gap := l.space()
	t := token{pos: l.off, gap: gap}
	if l.off < len(l.src) {
		l.scan(&t)
	}
	t.end = l.off
	if t.kind != text {
		t.from, t.to = t.pos, t.end
	}
	return t
}

// space skips what separates tokens and returns the offset of the first character
// that is no plain white space, or -1. One that is invisible comes before others,
// since it is the greater mistake.
func (l *lexer) space() int {
	gap, hidden := -1, false
	for l.off < len(l.src) {
		c := l.src[l.off]
		if c == ' ' || '\t' <= c && c <= '\r' {
			l.off++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRuneInString(l.src[l.off:])
		if !unicode.IsSpace(r) && !invisible(r) {
			break
		}
		if hides := invisible(r); gap < 0 || hides && !hidden {
			gap, hidden = l.off, hides
		}
		l.off += n
	}
	return gap
}

// invisible reports characters without width, which web pages and editors leave
// in copied text.
func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return false
}

func (l *lexer) scan(t *token) {
	c := l.src[l.off]
	switch {
	case isLetter(c):
		l.word(t)
	case isDigit(c):
		l.number(t)
	case c == '\'':
		l.quoted(t)
	case c == '"' || c == '`':
		l.misquoted(t, 1, rune(c))
	case c == '-':
		l.dash(t)
	case c == '/' && strings.HasPrefix(l.src[l.off:], "/*"):
		l.comment(t, "*/")
	case strings.IndexByte("=<>!", c) >= 0:
		t.kind = sign
		l.all("=<>!")
	case c == '|' || c == '&':
		t.kind = other
		l.all("|&")
	case c < utf8.RuneSelf:
		l.off++
		t.kind = single(c)
	default:
		l.beyondASCII(t)
	}
}

// all takes every character that is one of the set.
func (l *lexer) all(set string) {
	for l.off < len(l.src) && strings.IndexByte(set, l.src[l.off]) >= 0 {
		l.off++
	}
}

func single(c byte) kind {
	switch c {
	case ',':
		return comma
	case '(':
		return opening
	case ')':
		return closing
	case '*':
		return star
	}
	return other
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (l *lexer) word(t *token) {
	t.kind = word
	for l.off < len(l.src) {
		c := l.src[l.off]
		if isLetter(c) || isDigit(c) {
			l.off++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRuneInString(l.src[l.off:])
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			break
		}
		t.flaw = wrongLetter
		l.off += n
	}
	if t.flaw == sound {
		t.key = keywordOf(l.src[t.pos:l.off])
	}
}

func (l *lexer) number(t *token) {
	if n := dayLength(l.src[l.off:]); n > 0 {
		t.kind = day
		l.off += n
		return
	}
	t.kind = number
	points := 0
	for ; l.off < len(l.src); l.off++ {
		c := l.src[l.off]
		if c == '.' {
			points++
			continue
		}
		if isLetter(c) {
			t.flaw = badNumber
			continue
		}
		if !isDigit(c) {
			break
		}
	}
	if points > 1 || l.src[l.off-1] == '.' {
		t.flaw = badNumber
	}
}

// dayLength returns the length of the date or time that s begins with: four
// digits, a dash and a digit, and what follows up to a separator.
func dayLength(s string) int {
	if len(s) < 6 || s[4] != '-' || !isDigit(s[5]) {
		return 0
	}
	for i := range 4 {
		if !isDigit(s[i]) {
			return 0
		}
	}
	n := 6
	for n < len(s) && (isDigit(s[n]) || isLetter(s[n]) || strings.IndexByte("-:.", s[n]) >= 0) {
		n++
	}
	return n
}

// quoted takes a string; two quotes in it stand for one.
func (l *lexer) quoted(t *token) {
	t.kind = text
	l.off++
	t.from = l.off
	for {
		n := strings.IndexByte(l.src[l.off:], '\'')
		if n < 0 {
			l.off = len(l.src)
			t.to, t.flaw = l.off, unterminated
			return
		}
		l.off += n + 1
		if l.off == len(l.src) || l.src[l.off] != '\'' {
			t.to = l.off - 1
			return
		}
		l.off++
	}
}

// misquoted takes a string in other quotes: plain ones end at their own kind,
// typographic ones at any single or any double one, as they began.
func (l *lexer) misquoted(t *token, width int, quote rune) {
	t.kind, t.flaw = text, wrongQuotes
	l.off += width
	t.from = l.off
	for l.off < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.off:])
		l.off += n
		if r == quote || quote >= utf8.RuneSelf && strings.ContainsRune(family(quote), r) {
			t.to = l.off - n
			return
		}
	}
	t.to, t.flaw = l.off, unterminated
}

// Quotes that begin or end text in some language or typeface.
const (
	singleQuotes = "'‘’‚‛‹›´′＇"
	doubleQuotes = "\"“”„‟«»″＂"
)

func family(quote rune) string {
	if strings.ContainsRune(singleQuotes, quote) {
		return singleQuotes
	}
	return doubleQuotes
}

// isQuote reports typographic quotes, opening and closing.
func isQuote(r rune) bool {
	return r >= utf8.RuneSelf && (strings.ContainsRune(singleQuotes, r) || strings.ContainsRune(doubleQuotes, r))
}

func (l *lexer) dash(t *token) {
	rest := l.src[l.off+1:]
	switch {
	case rest != "" && isDigit(rest[0]):
		l.off++
		l.number(t)
		if t.kind == day { // -2024-01-01 is no date either
			t.kind, t.flaw = number, badNumber
		}
	case rest != "" && rest[0] == '-':
		l.comment(t, "\n")
	default:
		l.off++
		t.kind = other
	}
}

func (l *lexer) comment(t *token, until string) {
	t.kind = comment
	n := strings.Index(l.src[l.off+2:], until)
	if n < 0 {
		l.off = len(l.src)
		return
	}
	l.off += 2 + n + len(until)
}

func (l *lexer) beyondASCII(t *token) {
	r, n := utf8.DecodeRuneInString(l.src[l.off:])
	switch {
	case isQuote(r):
		l.misquoted(t, n, r)
	case unicode.IsLetter(r):
		l.word(t)
	case isMinus(r) && l.off+n < len(l.src) && isDigit(l.src[l.off+n]):
		l.off += n
		t.kind = number
		l.number(t)
		t.kind, t.flaw = number, wrongMinus
	default:
		l.off += n
		t.kind = other
	}
}

// isMinus reports the dashes that word processors put in place of a minus.
func isMinus(r rune) bool {
	switch r {
	case '−', '–', '—', '‐', '‑', '－':
		return true
	}
	return false
}
