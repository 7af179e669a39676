package query

// maxNearby is the length up to which names are compared. The longest one of the
// documented datasets has 103 letters.
const maxNearby = 128

// nearest returns the candidate that s was probably meant to be, or "".
func nearest(s string, candidates func(yield func(string) bool)) string {
	best, bestDistance := "", tolerance(len(s))+1
	for c := range candidates {
		if d := distance(s, c, bestDistance-1); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// near reports whether s is a misspelled form of the keyword.
func near(s, keyword string) bool {
	allowed := 1
	if len(keyword) > 5 {
		allowed = 2
	}
	return len(s) > 2 && !sameFold(s, keyword) && distance(s, keyword, allowed) <= allowed
}

// tolerance is how many typing errors a name of n letters may have.
func tolerance(n int) int { return min((n+2)/4, 4) }

// distance counts the letters that have to be inserted, deleted, replaced or
// swapped with their neighbour to make b of a, without regard to case and
// underscores. It stops counting above limit.
func distance(a, b string, limit int) int {
	var bufA, bufB [maxNearby]byte
	if len(a) > maxNearby || len(b) > maxNearby {
		return limit + 1
	}
	x, y := letters(bufA[:0], a), letters(bufB[:0], b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	// Three rows of the usual table: the one before the last serves swaps.
	var rows [3][maxNearby + 1]int
	before, last, current := &rows[0], &rows[1], &rows[2]
	for j := range len(y) + 1 {
		last[j] = j
	}
	for i := range x {
		current[0] = i + 1
		lowest := i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			d := min(last[j]+cost, last[j+1]+1, current[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d = min(d, before[j-1]+1)
			}
			current[j+1] = d
			lowest = min(lowest, d)
		}
		if lowest > limit {
			return limit + 1
		}
		before, last, current = last, current, before
	}
	return last[len(y)]
}

// letters appends s in lower case and without underscores.
func letters(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] != '_' {
			b = append(b, lower(s[i]))
		}
	}
	return b
}
