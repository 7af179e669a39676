package query

// Names, keywords and values are compared without regard to case. Only ASCII
// letters count: what the service does with others is not documented.

// sameFold reports whether a and b differ in the case of ASCII letters only.
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// appendFold appends s in lower case.
func appendFold(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, lower(s[i]))
	}
	return b
}

func fold(s string) string { return string(appendFold(nil, s)) }
