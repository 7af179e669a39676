package analytics

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQuery bounds what is read as a query: the fake's choice, since no limit is
// published.
const maxQuery = 64 << 10

type tokenKind int

const (
	tokEnd tokenKind = iota
	tokWord
	tokNumber
	tokText // quoted, without its quotes
	tokSign // comma, parenthesis, operator
)

type token struct {
	kind tokenKind
	text string
	at   int // byte offset
}

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end"
	case tokText:
		return "'" + t.text + "'"
	default:
		return t.text
	}
}

// is compares with a keyword or a sign.
func (t token) is(word string) bool {
	return (t.kind == tokWord || t.kind == tokSign) && strings.EqualFold(t.text, word)
}

// syntaxError is a text that is no query.
type syntaxError struct {
	at   int
	text string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("Invalid query: %s at position %d", e.text, e.at+1)
}

func wrongAt(at int, format string, args ...any) error {
	return &syntaxError{at, fmt.Sprintf(format, args...)}
}

// lex cuts a query into tokens.
func lex(s string) ([]token, error) {
	if len(s) > maxQuery {
		return nil, wrongAt(maxQuery, "the text is too long")
	}
	var out []token
	for at := 0; ; {
		r, size := utf8.DecodeRuneInString(s[at:])
		switch {
		case at == len(s):
			return append(out, token{tokEnd, "", at}), nil
		case unicode.IsSpace(r):
			at += size
		case letter(s[at]):
			end := at
			for end < len(s) && (letter(s[end]) || digit(s[end])) {
				end++
			}
			out = append(out, token{tokWord, s[at:end], at})
			at = end
		case digit(s[at]), s[at] == '-' && at+1 < len(s) && digit(s[at+1]):
			end, err := number(s, at)
			if err != nil {
				return nil, err
			}
			out = append(out, token{tokNumber, s[at:end], at})
			at = end
		case s[at] == '\'':
			text, end, err := literal(s, at)
			if err != nil {
				return nil, err
			}
			out = append(out, token{tokText, text, at})
			at = end
		default:
			sign := sign(s[at:])
			if sign == "" {
				return nil, wrongAt(at, "unexpected character %q", r)
			}
			out = append(out, token{tokSign, sign, at})
			at += len(sign)
		}
	}
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// number ends a number that begins at at, perhaps with a sign.
func number(s string, at int) (end int, err error) {
	digits := func(from int) int {
		for from < len(s) && digit(s[from]) {
			from++
		}
		return from
	}
	end = digits(at + 1)
	if end < len(s) && s[end] == '.' {
		fraction := digits(end + 1)
		if fraction == end+1 {
			return 0, wrongAt(end, "digits expected behind the point")
		}
		end = fraction
	}
	if end < len(s) && (letter(s[end]) || s[end] == '.') {
		return 0, wrongAt(at, "%q is no number", s[at:end+1])
	}
	return end, nil
}

// literal reads a quoted text; a doubled quote stands for one: the fake's choice.
func literal(s string, at int) (text string, end int, err error) {
	var b strings.Builder
	for end = at + 1; end < len(s); end++ {
		if s[end] != '\'' {
			b.WriteByte(s[end])
			continue
		}
		if end+1 == len(s) || s[end+1] != '\'' {
			return b.String(), end + 1, nil
		}
		b.WriteByte('\'')
		end++
	}
	return "", 0, wrongAt(at, "the text is not closed")
}

func sign(s string) string {
	for _, c := range []string{">=", "<=", "!=", "=", ">", "<", ",", "(", ")"} {
		if strings.HasPrefix(s, c) {
			return c
		}
	}
	return ""
}
