package payouts_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// completed starts an export and waits for it.
func completed(t *testing.T, client *payouts.Client, req payouts.ExportRequest) payouts.Export {
	t.Helper()
	poller, err := client.StartExport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	export, err := poller.Wait(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return export
}

// totalsOf adds up the earnings of a content and closes it.
func totalsOf(t *testing.T, content *partnercenter.Content) []payouts.Total {
	t.Helper()
	var totals payouts.Totals
	for row, err := range payouts.EarningRows(content, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if err := totals.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := content.Close(); err != nil {
		t.Fatal(err)
	}
	return totals.All()
}

// checkTotals compares with what the fake knows its data to add up to.
func checkTotals(t *testing.T, srv *pctest.Server, filter string, got []payouts.Total) {
	t.Helper()
	expected, err := srv.Payouts().ExpectedEarnings(filter)
	if err != nil {
		t.Fatal(err)
	}
	if len(expected.Groups) == 0 {
		t.Fatal("the fake expects nothing; the test shows nothing")
	}
	type sum struct {
		Program, Month, Currency, Amount, USD string
		Earnings                              int
	}
	var want, have []sum
	for _, g := range expected.Groups {
		want = append(want, sum{g.Program, g.Month, g.Currency, g.Amount.String(), g.AmountUSD.String(), g.Earnings})
	}
	for _, g := range got {
		have = append(have, sum{g.Program, g.Month, g.Currency, g.Amount.String(), g.AmountUSD.String(), g.Earnings})
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestExactTotalsFromEveryContainer(t *testing.T) {
	many := pctest.Layout{SingleRows: 100, MonthRows: 60}
	for _, tc := range []struct {
		name    string
		format  payouts.Format
		layout  pctest.Layout
		serving pctest.FileBehavior
		entries int
	}{
		{name: "zip with one file", entries: 1},
		{name: "zip with many files", layout: many, entries: 12},
		{name: "zip of tsv", format: payouts.TSV, layout: many, entries: 12},
		{name: "zip from a store without ranges", layout: many, serving: pctest.FileBehavior{IgnoreRange: true}, entries: 12},
		{name: "zip without etag", layout: many, serving: pctest.FileBehavior{NoETag: true, NoMD5: true}, entries: 12},
		{name: "csv", layout: pctest.Layout{Container: pctest.Plain}, entries: 1},
		{name: "tsv with mark and CRLF", format: payouts.TSV, layout: pctest.Layout{Container: pctest.Plain, BOM: true, CRLF: true}, entries: 1},
		{name: "gzip", layout: pctest.Layout{Container: pctest.Gzip}, entries: 1},
		{name: "gzip as content encoding", layout: pctest.Layout{Container: pctest.Gzip}, serving: pctest.FileBehavior{Gzip: true}, entries: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 600, RepeatPercent: 10}))
				srv.Payouts().NextExport(pctest.Script{Layout: &tc.layout, Serving: &tc.serving})
				client := newClient(t, srv)
				export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings, Format: tc.format})

				content, err := client.Open(t.Context(), export, nil)
				if err != nil {
					t.Fatal(err)
				}
				checkTotals(t, srv, "", totalsOf(t, content))

				path := filepath.Join(t.TempDir(), "export")
				result, err := client.DownloadFile(t.Context(), export, path, nil)
				if err != nil {
					t.Fatal(err)
				}
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if result.SHA256 != sha256.Sum256(file) || result.Bytes != int64(len(file)) || result.Path != path {
					t.Errorf("the result does not describe the file: %+v", result)
				}
				if result.MD5Verified == tc.serving.NoMD5 {
					t.Errorf("MD5Verified = %v", result.MD5Verified)
				}
				content, err = payouts.OpenFile(path)
				if err != nil {
					t.Fatal(err)
				}
				entries := 0
				for _, err := range content.Entries() {
					if err != nil {
						t.Fatal(err)
					}
					entries++
				}
				if err := content.Close(); err != nil {
					t.Fatal(err)
				}
				if entries != tc.entries {
					t.Errorf("%d entries, want %d", entries, tc.entries)
				}
				if content, err = payouts.OpenFile(path); err != nil {
					t.Fatal(err)
				}
				checkTotals(t, srv, "", totalsOf(t, content))
			})
		})
	}
}

func TestFilteredTotals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := newClient(t, srv)
		month := srv.Payouts().Data().FirstMonth
		filter := payouts.And(
			payouts.EarningForDate.Month(month.Year(), month.Month()+1),
			payouts.ProgramName.In(srv.Payouts().Data().Programs[:2]...),
		)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings, Filter: filter})
		content, err := client.Open(t.Context(), export, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := totalsOf(t, content)
		checkTotals(t, srv, filter.String(), got)
		for _, total := range got {
			if want := month.AddDate(0, 1, 0).Format("2006-01"); total.Month != want {
				t.Errorf("month %s, want %s alone", total.Month, want)
			}
		}
	})
}

// The link expires, the store falls silent, breaks off, refuses and fails in the
// middle of one reading; the rows come out all the same, each once.
func TestReadingSurvivesATroubledStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 3000}))
		client := newClient(t, srv)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings})
		srv.Inject(pctest.CutAfter(10_000).At(pctest.Blob).Times(4))
		srv.Inject(pctest.ExpiredLink().Skip(2))
		srv.Inject(pctest.StallAfter(5_000).At(pctest.Blob).Skip(3))
		srv.Inject(pctest.Answer(503).RetryAfter(3 * time.Second).At(pctest.Blob).Skip(4).Times(2))
		srv.Inject(pctest.Reset().At(pctest.Blob).Skip(6))
		content, err := client.Open(t.Context(), export, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkTotals(t, srv, "", totalsOf(t, content))
	})
}

func TestExpiredLinkIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := newClient(t, srv)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings})
		time.Sleep(13 * time.Hour)
		srv.ForgetRequests()
		result, err := client.DownloadFile(t.Context(), export, filepath.Join(t.TempDir(), "x.zip"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(srv.Requests().To(pctest.API)); n != 1 {
			t.Errorf("%d looks at the export for a fresh link, want 1", n)
		}
		if result.Bytes == 0 {
			t.Error("nothing was downloaded")
		}
	})
}

func TestExportWithoutFileIsALocalMatter(t *testing.T) {
	srv := pctest.NewServer(t)
	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Processing(100)}})
	client := newClient(t, srv)
	poller := start(t, client)
	export, _, err := poller.Poll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x")
	_, openErr := client.Open(t.Context(), export, nil)
	_, fileErr := client.DownloadFile(t.Context(), export, path, nil)
	for _, err := range []error{openErr, fileErr} {
		if err == nil || !strings.Contains(err.Error(), "is Processing and offers no file") {
			t.Errorf("error %v, want one that says what to wait for", err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was left: %v", err)
	}
	for _, e := range []payouts.Export{{}, {Kind: payouts.Earnings}, {ID: "1"}} {
		if _, err := client.Open(t.Context(), e, nil); err == nil {
			t.Errorf("opening %+v did not fail", e)
		}
		if _, err := client.DownloadFile(t.Context(), e, path, nil); err == nil {
			t.Errorf("downloading %+v did not fail", e)
		}
	}
}

func TestDownloadResumesWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 20_000}))
		client := newClient(t, srv)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings})
		path := filepath.Join(t.TempDir(), "x.zip")
		cut := srv.Inject(pctest.CutAfter(200_000).At(pctest.Blob))
		gone := srv.Inject(pctest.Answer(500).At(pctest.Blob).Always())
		if _, err := client.DownloadFile(t.Context(), export, path, nil); !errors.Is(err, partnercenter.ErrServer) {
			t.Fatalf("error %v, want ErrServer", err)
		}
		if cut.Hits() != 1 || gone.Hits() == 0 {
			t.Fatal("the faults did not happen")
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the final name exists before the file is whole: %v", err)
		}
		gone.Remove()
		srv.ForgetRequests()
		result, err := client.DownloadFile(t.Context(), export, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if result.Resumed != 200_000 {
			t.Errorf("resumed %d bytes, want 200000", result.Resumed)
		}
		file, err := os.ReadFile(path)
		if err != nil || sha256.Sum256(file) != result.SHA256 {
			t.Errorf("the file is not what the result says: %v", err)
		}
		content, err := payouts.OpenReaderAt("x", bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		checkTotals(t, srv, "", totalsOf(t, content))
	})
}

func TestGarbageIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		srv.Payouts().NextExport(pctest.Script{File: []byte("PK\x03\x04 this is no archive")})
		client := newClient(t, srv)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Payments})
		_, err := client.Open(t.Context(), export, nil)
		if err == nil || !strings.Contains(err.Error(), export.ID) {
			t.Errorf("error %v, want one that names the export", err)
		}
	})
}
