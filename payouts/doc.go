// Package payouts exports earnings and payments from Microsoft Partner Center and
// reads them as typed rows with exact amounts.
//
// An export is asked for, waited for, and read:
//
//	client, err := payouts.New(source, nil)
//	poller, err := client.StartExport(ctx, payouts.ExportRequest{
//		Kind:   payouts.Earnings,
//		Filter: payouts.EarningForDate.Month(2024, time.January),
//	})
//	export, err := poller.Wait(ctx, nil)
//	content, err := client.Open(ctx, export, nil)
//	defer content.Close()
//	for row, err := range payouts.EarningRows(content, nil) { ... }
//
// # Waiting
//
// The service means to finish an export within 24 hours; most take seconds to
// minutes. [Client.StartExport] returns a [partnercenter.Poller], whose resume
// token lets another process go on waiting: [Client.ResumeExport].
//
// # Reading
//
// [Client.Open] reads an export where it lies, [Client.DownloadFile] fetches it
// into a file, resumes what an interrupted run has left, and [OpenFile] reads that
// file. Either way rows come out of whatever container the service used: a zip of
// one or many files, gzip, plain csv or tsv. Columns are matched by name, whatever
// their order and case, because they come and go; unknown ones are kept in
// [partnercenter.RowMeta]. Amounts are decimals, times are UTC.
//
// One earning may stand on several rows. [Totals] adds up distinct earnings only.
//
// # Signing in
//
// The API wants a token that stands for a user: delegated permission
// user_impersonation on the application 4990cffe-04e8-4e8b-808a-1175604b879f, and a
// user with access to earnings in Partner Center. App-only tokens are refused by
// all accounts known. The audience is [DefaultResource]; a token for
// api.partnercenter.microsoft.com is answered with 401 "incorrect audience".
//
// The documentation of the service begins at
// https://learn.microsoft.com/partner-center/developer/manage-earnings. Its
// reference calls earnings "transactionhistory", which is also their name on the
// wire.
package payouts
