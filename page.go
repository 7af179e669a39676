package partnercenter

// Page is one page of a listing, for callers who turn pages themselves. Ranging
// over the plural methods of the API packages is the usual way.
type Page[T any] struct {
	// Items are the entries of this page, possibly none.
	Items []T
	// Next fetches the next page when it is passed back; empty on the last one.
	Next string
	// Total is the service's count, as far as it gives one; 0 otherwise.
	Total int
}
