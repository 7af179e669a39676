package ingestion

import "strings"

// known picks, from one empty value of each type, the one whose resourceType is
// kind, in any case; unknown if there is none.
func known[T any](kind string, unknown T, types ...T) T {
	for _, t := range types {
		if x, ok := any(t).(typed); ok && strings.EqualFold(x.resourceType(), kind) {
			return t
		}
	}
	return unknown
}
