// Package analytics runs the reports of Microsoft Partner Center: those of the
// commercial marketplace (orders, usage, customers, revenue) and those of the AI
// Cloud Partner Program.
//
// A report is a query over a dataset. The quickest way from one to its rows:
//
//	client, err := analytics.New(source, analytics.Marketplace, nil)
//	req := analytics.RunRequest{Query: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"}
//	for row, err := range analytics.RunRows[Usage](ctx, client, req, nil) { ... }
//
// [Client.Run] is the same in steps, with a resume token for going on in another
// process. A run takes minutes, and five an hour are allowed: for what is needed
// again and again there are schedules.
//
// # Schedules
//
// [Client.Apply] brings about what a [Schedule] describes, and renews it before its
// number of runs is used up. [Client.Slots] tells which runs there should have
// been, [Client.Fetch] downloads the files that are not there yet, and
// [Client.Orphans] finds what earlier forms have left behind. A [Receiver] is told
// by the service when a file is ready.
//
// # Queries
//
// The language is a small relative of SQL with rules of its own; package query
// explains, checks and builds it. Grammar is checked before every request that
// carries a query. [Client.CheckQuery] also looks at names and date ranges.
//
// # Files
//
// [Client.Open] reads a file where it lies, [Client.DownloadFile] fetches it,
// resumes what an interrupted run has left, and [OpenFile] reads that; for other
// programs [UnpackFile] makes plain text of it. [Rows] makes
// structs of the rows, [Records] reads columns that are known at run time only.
// What the service has masked counts as empty. For a file without rows
// [Client.WhyEmpty] finds out why.
//
// # Single operations
//
// Everything the API offers has a method of its own: datasets, queries, reports,
// executions. Listings are sequences that turn pages by themselves, and end without
// an error where the service answers 404 because nothing matches.
//
// Requests are checked before they are sent, and refused with a [RequestError] that
// quotes the rule, where a published rule is broken. Where the documentation
// disagrees with itself there is a warning, in the client's logger and for
// [WithWarnings]; [WithChecks] changes that. Nothing is created twice: a POST is
// not repeated when its answer is lost.
//
// # Signing in
//
// The audience of the token is [DefaultResource]. [Marketplace] wants an
// application's token (client credentials), whose application is registered in
// Partner Center with a role that sees insights; [Partner] wants one that stands for
// a user with the role of an executive report viewer. Other viewers get their
// reports without revenue and personal columns.
//
// The documentation of the service begins at
// https://learn.microsoft.com/partner-center/insights/analytics-get-started and
// https://learn.microsoft.com/partner-center/insights/insights-programmatic-first-api-call.
package analytics
