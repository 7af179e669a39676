// Package analytics is a fake of the analytics API of Partner Center, which
// executes reports on queries: its datasets, queries, reports, executions, files
// and callbacks, for the commercial marketplace (cmp) and partner insights (mpn).
//
// Queries are parsed, checked and executed on synthetic data by code of this
// package alone; nothing is shared with the client, so that each is a check on the
// other.
//
// It rests on the Learn pages below
// https://learn.microsoft.com/partner-center/insights/analytics-get-started and
// https://learn.microsoft.com/partner-center/insights/insights-programmatic-first-api-call,
// on the list of errors in
// https://learn.microsoft.com/partner-center/insights/analytics-programmatic-faq and
// on payloads that users of the API have published. What those leave open and the
// fake had to decide is marked in the comments as the fake's choice.
package analytics
