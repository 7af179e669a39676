// Package query reads, checks, builds and compares texts of the report query
// language of Partner Center analytics:
//
//	SELECT OfferName, NormalizedUsage FROM ISVUsage
//	WHERE SKUBillingType = 'Paid' ORDER BY NormalizedUsage LIMIT 10 TIMESPAN LAST_MONTH
//
// It looks like SQL and is much less: no *, no functions, no OR, no GROUP BY. What
// is wrong with a text the service tells late and in few words; [Check] tells it
// before, each mistake with its place and, where there is one, the text to write
// instead.
//
// # Checking
//
// [Parse] knows the grammar. [Check] also looks names and date ranges up in a
// [Catalog], which is made of the service's own list of datasets ([Describe]), or of
// the documented one ([AllDocumented]) before the first request.
//
// The result is [Problems]. Errors are what the service refuses. Warnings are what
// it accepts to no effect, such as a filter that no row can meet, and what its
// documentation contradicts itself about. A check is advice: the service's datasets
// change and it has the last word, so nothing in this package keeps a text from
// being sent.
//
// # Building
//
// [Select] begins a [Builder], whose queries are well formed whatever names and
// values it is given. It never pastes text: names have to be names, and quotes in
// values are doubled.
//
// # Comparing
//
// [Equal] tells whether two texts ask for the same, written differently.
//
// The language is documented at
// https://learn.microsoft.com/partner-center/insights/analytics-custom-query-specification,
// for partner insights at
// https://learn.microsoft.com/partner-center/insights/insights-programmatic-custom-query.
//
// Everything in this package is a value or immutable: it is safe for concurrent use.
package query
