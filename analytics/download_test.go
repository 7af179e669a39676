package analytics_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// finished is a run whose file is there.
func finished(t *testing.T, change func(*service)) (*service, *analytics.Client, analytics.Execution) {
	t.Helper()
	s, c, r := started(t, change)
	time.Sleep(s.generation)
	runs, err := collect(c.Executions(t.Context(), analytics.ExecutionsRequest{ReportIDs: []string{r.ID}}))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%v, %v", runs, err)
	}
	s.log()
	return s, c, runs[0]
}

func TestFilesInEveryForm(t *testing.T) {
	const text = "OfferName,RawUsage\r\n\"Contoso, the \"\"best\"\"\r\nBackup\",12.5\r\n"
	want := []usage{{"Contoso, the \"best\"\nBackup", 12.5}}
	for name, tc := range map[string]struct {
		file []byte
		want []usage
	}{
		"plain":               {[]byte(text), want},
		"compressed":          {gzipped(t, text), want},
		"byte order mark":     {[]byte("\ufeff" + text), want},
		"both":                {gzipped(t, "\ufeff"+text), want},
		"tabs":                {[]byte("RawUsage\tOfferName\n1\tx\n"), []usage{{"x", 1}}},
		"header only":         {[]byte("OfferName,RawUsage\n"), nil},
		"compressed header":   {gzipped(t, "OfferName,RawUsage"), nil},
		"other spelling":      {[]byte("offername,RAWUSAGE,New Column\nx,1,z\n"), []usage{{"x", 1}}},
		"nothing at all":      {nil, nil},
		"a masked number":     {[]byte("OfferName,RawUsage\n************,************\ny,2\n"), []usage{{"************", 0}, {"y", 2}}},
		"no new line at last": {[]byte("OfferName,RawUsage\nx,1"), []usage{{"x", 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c, x := finished(t, func(s *service) { s.file = tc.file })
				content, err := c.Open(t.Context(), x, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := collect(analytics.Rows[usage](content, nil))
				if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
					t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
				}
				if err := content.Close(); err != nil {
					t.Error(err)
				}

				path := filepath.Join(t.TempDir(), "x.csv")
				result, err := c.DownloadFile(t.Context(), x, path, nil)
				if err != nil || result.Bytes != int64(len(tc.file)) {
					t.Fatalf("%+v, %v; the file has %d bytes as stored", result, err, len(tc.file))
				}
				if stored, err := readFile(path); err != nil || string(stored) != string(tc.file) {
					t.Errorf("file differs from what is stored: %v", err)
				}
				if content, err = analytics.OpenFile(path); err != nil {
					t.Fatal(err)
				}
				got, err = collect(analytics.Rows[usage](content, nil))
				if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
					t.Errorf("from disk: error %v, rows (-want +got):\n%s", err, diff)
				}
				if err := content.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestOpenFileErrors(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.csv")
	if err := os.WriteFile(damaged, []byte("PK\x03\x04nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), dir, damaged} {
		if _, err := analytics.OpenFile(path); err == nil || !strings.HasPrefix(err.Error(), "open") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Links are good for a week and are asked for again when they have expired, before
// the download and in the middle of it.
func TestExpiredLinksAreReplaced(t *testing.T) {
	for name, filters := range map[string]bool{"found by id": false, "the filter by id finds nothing": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, x := finished(t, func(*service) {})
				if filters {
					s.fail = func(req *http.Request) *http.Response {
						if strings.Contains(req.URL.RawQuery, "executionId") {
							return refuse(http.StatusNotFound, textNoRuns)
						}
						return nil
					}
				}
				time.Sleep(8 * 24 * time.Hour) // the link says itself that it is over
				path := filepath.Join(t.TempDir(), "x.csv")
				if _, err := c.DownloadFile(t.Context(), x, path, nil); err != nil {
					t.Fatal(err)
				}
				fresh, err := c.Execution(t.Context(), x.ReportID, x.ID)
				if err != nil || fresh.Location.Equal(x.Location) || !fresh.ExpiresAt.After(time.Now()) {
					t.Fatalf("%+v, %v", fresh, err)
				}
				// Revoked although its time is not over.
				u, err := url.Parse(fresh.Location.Reveal())
				if err != nil {
					t.Fatal(err)
				}
				s.expired = map[string]bool{u.Query().Get("sig"): true}
				content, err := c.Open(t.Context(), fresh, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := collect(analytics.Rows[usage](content, nil)); err != nil || len(got) != 2 {
					t.Errorf("%v, %v", got, err)
				}
				_ = content.Close()
			})
		})
	}
}

func TestFilesThatCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, x := finished(t, func(*service) {})
		path := filepath.Join(t.TempDir(), "x.csv")
		s.noLink = true
		bare := analytics.Execution{ID: x.ID, ReportID: x.ReportID}
		if _, err := c.Open(t.Context(), bare, nil); err == nil || !strings.Contains(err.Error(), "offers no file") {
			t.Errorf("no link: %v", err)
		}
		s.noLink = false
		if _, err := c.DownloadFile(t.Context(), bare, path, nil); err != nil { // ids are enough
			t.Errorf("without link: %v", err)
		}
		if _, err := c.DeleteReport(t.Context(), x.ReportID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DownloadFile(t.Context(), bare, path, nil); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
		s.fail = func(req *http.Request) *http.Response {
			if req.URL.Host == blobHost {
				return answer(http.StatusNotFound, `<?xml version="1.0"?><Error><Code>BlobNotFound</Code><Message>gone</Message></Error>`)
			}
			return nil
		}
		_, err := c.Open(t.Context(), x, nil)
		if !partnercenter.HasCode(err, "BlobNotFound") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("no blob: %v", err)
		}
		s.fail, s.file = nil, []byte("\x1f\x8bnot gzip")
		content, err := c.Open(t.Context(), x, nil)
		if err == nil {
			err = drain(analytics.Rows[usage](content, nil))
			_ = content.Close()
		}
		if err == nil {
			t.Error("a damaged file is no error")
		}
		s.file = []byte("PK\x03\x04nonsense")
		if _, err := c.Open(t.Context(), x, nil); err == nil {
			t.Error("a damaged archive is no error")
		}
	})
}
