// Package pctest is a Partner Center for tests: it answers like the service, keeps
// state, runs on a clock that tests control, and goes wrong when told to. No
// account, no network and no port are needed.
//
// # One line
//
// [NewServer] makes a server that lives as long as the test, and [Server.Options]
// and [Server.TokenSource] are all that a client of this module needs:
//
//	srv := pctest.NewServer(t)
//	client, err := payouts.New(srv.TokenSource(), srv.Options())
//
// Requests travel inside the process, through [Server.Transport], which streams,
// honours contexts and fails like a network. Nothing in it waits on anything but
// package time, so that under testing/synctest an export that takes a day takes
// no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := pctest.NewServer(t)
//		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{
//			pctest.QueuedFor(20 * time.Minute),
//			pctest.ProcessingFor(23 * time.Hour),
//			pctest.Completed(),
//		}})
//		// start the export, wait for it
//	})
//
// # Data
//
// Exports are made of synthetic earnings, described by [Data]: any number of
// rows, the same for the same seed, with refunds, blank cells and awkward texts.
// Filters are executed on them. The payments agree with the earnings to the last
// digit, and [Payouts.ExpectedEarnings] and [Payouts.ExpectedPayments] know the
// sums that a correct program must find. All of it is invented.
//
// # Analytics
//
// The same server answers the analytics API, for both programs. Queries are
// checked as the service does, with its words, and executed on synthetic rows of
// every dataset ([ReportData]); reports run on the server's clock, their files are
// gzip behind links that expire, and callback URLs are really called
// ([WithCallbacks]). [Analytics.Expected] and [Analytics.ExpectedRun] know the rows
// that a correct program must find, and [AnalyticsBehavior] has a switch for every
// oddity that users of the service have reported:
//
//	srv := pctest.NewServer(t)
//	client, err := analytics.New(srv.AppOnlyTokenSource(), analytics.Marketplace, srv.Options())
//	rows, err := srv.Analytics().Expected(pctest.MarketplaceReports, "SELECT OfferName, RawUsage FROM ISVUsage")
//
// # Submissions
//
// The same server answers the submission API, also called ingestion API: products,
// plans, drafts, files, packages and submissions, for every operation that its
// OpenAPI document has. What clients send is kept, also what the fake does not know;
// what cannot be is refused. [Ingestion.AddProduct] makes offers, and
// [SubmissionScript] tells what becomes of a submission, step by step, on the
// server's clock:
//
//	srv := pctest.NewServer(t)
//	offer, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureApplication", OfferID: "my-offer"})
//	err = srv.Ingestion().NextSubmission(pctest.SubmissionScript{ToLive: []pctest.SubmissionStep{
//		pctest.Certifying().For(2 * time.Hour),
//		pctest.CertificationFailed(pctest.Finding{Code: "Cert-1", Severity: "Error", Message: "No."}),
//	}})
//
// Links for uploads lead to the server's blob store, which takes whole blobs and
// blocks; images and archives are looked at. [IngestionBehavior] has a switch for
// each way in which the service was seen to behave.
//
// # Faults
//
// A [Fault] says what goes wrong, with which request and how often. It reads as
// it is told: the next two polls of an export answer 503 and ask for two seconds,
// then the download breaks off after a mebibyte, then the link has expired.
//
//	srv.Inject(pctest.Answer(503).RetryAfter(2 * time.Second).On("GET", "/v1.0/payouts/*").Times(2))
//	srv.Inject(pctest.CutAfter(1 << 20).At(pctest.Blob))
//	srv.Inject(pctest.ExpiredLink().Skip(1))
//	srv.Inject(pctest.AnswerAfterwards(503).On("POST", "*/submissions"))
//
// Unknown export statuses, missing links and failures are [Step] values of a
// [Script]; spellings and shapes of answers are fields of [Behavior]. To let
// tokens and links expire, let time pass: [Server.Advance] moves the server's
// clock, time.Sleep does so under synctest.
//
// # What was asked
//
// Every request is recorded, without its secrets:
//
//	srv.Requests().To(pctest.API).On("POST", "*").Want(t, 1)
//
// A rule that no client may break, such as a bearer token sent to the blob host,
// fails the test by itself.
//
// # Other languages, other HTTP clients
//
// [Server.Listen] serves the same on real sockets, with TLS, each service on a
// port of its own; [Server.ListenPlain] without. [Server.Handler] is all services on
// one origin, for a server of one's own; [Server.Certificate] and
// [Server.AuthorityPEM] give it what TLS needs, [WithStateDir] lets it survive
// restarts and [WithSpeed] makes a day pass in seconds. The program examples/emulator
// puts these together, so that nobody needs Go to use them:
//
//	go run ./examples/emulator -addr 127.0.0.1:8443 -dir state -speed 8640
//
// Clients that were not written for it are run against it in this repository's tests,
// unmodified but for what names resolve to and which authority they trust. They, and
// others like them, may rely on:
//
//   - curl: every documented walk through, by --resolve or --connect-to; HTTP/1.1,
//     TLS 1.2 and 1.3, ranges, --compressed.
//   - Python's requests and urllib3: the v1 endpoint with the password grant and numbers
//     as strings, X-AadUserTicket, their own repeats on Retry-After, streamed downloads.
//   - @azure/msal-node and MSAL for Go: instance discovery and OpenID documents of the
//     public authority, client secrets and certificates, refresh tokens, device codes
//     with the page to enter them, authorization codes with PKCE, the password grant;
//     access tokens that verify against the published keys.
//   - azblob and whoever speaks the storage protocol: Put Blob, Put Block, Put Block
//     List and Get Blob with a link's own rights until its end.
//
// They may not rely on: HTTP/2 (faults cut connections, which it shares), sovereign
// clouds, conditional access but for the second factor, Microsoft Graph beyond tokens
// for it, other operations of blob storage, texts of errors that no page documents,
// and the order of members in JSON.
//
// # The admin API
//
// With [AdminLoopback], the handler has a page at /_pctest/ that shows what clients do,
// and behind it an API, which takes and returns JSON:
//
//	GET    /_pctest/state                          exports, reports, products, faults, violations, time
//	GET    /_pctest/requests?after=N&limit=N       recorded requests, without their secrets
//	DELETE /_pctest/requests                       forgets them
//	POST   /_pctest/reset                          as Server.Reset
//	POST   /_pctest/clock                          {"advance": "24h"}, as Server.Advance
//	GET    /_pctest/faults                         faults that wait for requests
//	POST   /_pctest/faults                         adds faults, as ParseFaults reads them
//	DELETE /_pctest/faults, /_pctest/faults/{id}   takes all or one back
//	POST   /_pctest/exports/{id}/finish            {"status": "Completed"}, "Failed" or any other
//	POST   /_pctest/exports/{id}/expire-links      makes the links to its file worthless
//	POST   /_pctest/executions/{id}/finish         likewise for an execution of a report
//	POST   /_pctest/executions/{id}/expire-links
//	POST   /_pctest/submissions/{id}/finish        {"status": "Completed"} or "Failed"
//	POST   /_pctest/devices/{userCode}/approve     {"user": "finance@contoso.example"} enters the code and signs in
//	POST   /_pctest/tokens/revoke                  {"token": ...}, {"fingerprint": ...} or {"user": ...}
//
// # How true it is
//
// The fake follows the documentation of Partner Center on Microsoft Learn
// (https://learn.microsoft.com/partner-center/developer/manage-earnings and
// https://learn.microsoft.com/partner-center/insights/analytics-get-started, and the
// pages below them), that of Entra ID and that of Azure Storage; for submissions,
// Microsoft's OpenAPI document and what open-source clients send and expect. It has
// not been compared with the live service, but the submission API is compared with
// recorded traffic of it: products, setups, plans, listings and images. A ledger in
// the tests names, for every statement about it in the specifications that this
// repository works from, the test that proves it. What those
// sources leave open, and the fake therefore had to decide, is marked in the
// comments with "the fake's choice"; most of it can be changed in [Behavior],
// [AnalyticsBehavior] and [IngestionBehavior].
package pctest
