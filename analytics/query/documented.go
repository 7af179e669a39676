package query

// Documented returns what the documentation says about a dataset of the commercial
// marketplace or of partner insights: the names, the types as far as they are
// described or can be concluded, and the words allowed behind TIMESPAN where they
// are published. The name may be in any case.
//
// The list of the service is newer and right where both differ; this one serves
// before the first request and in tests.
//
// The names come from
// https://learn.microsoft.com/partner-center/insights/analytics-make-your-first-api-call
// and https://learn.microsoft.com/partner-center/insights/insights-data-definitions.
func Documented(name string) (Dataset, bool) { return documented(fold(name)) }

// AllDocumented returns the documented datasets of both programs, the nine of the
// commercial marketplace first.
func AllDocumented() []Dataset {
	var all []Dataset
	for _, name := range documentedNames() {
		if d, ok := Documented(name); ok {
			all = append(all, d)
		}
	}
	return all
}
