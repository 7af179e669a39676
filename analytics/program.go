package analytics

import "fmt"

// Program selects which of the two report catalogues a client works with. They
// share one API and differ in version, datasets and kind of token.
type Program string

// The two programs.
const (
	// Marketplace is the commercial marketplace, "cmp" on the wire, version v1.1:
	// orders, usage, customers, revenue of a publisher. It wants an application's
	// token.
	Marketplace Program = "cmp"
	// Partner is the AI Cloud Partner Program, "mpn" on the wire, version v1. It
	// wants a token that stands for a user.
	Partner Program = "mpn"
)

// version is the current version segment of the program's paths.
func (p Program) version() (string, error) {
	switch p {
	case Marketplace:
		return "v1.1", nil
	case Partner:
		return "v1", nil
	}
	return "", fmt.Errorf("analytics: unknown program %q: use analytics.Marketplace or analytics.Partner", string(p))
}
