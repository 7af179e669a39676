package analytics_test

import (
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/analytics"
)

// drain reads a sequence to its end.
func drain[T any](seq iter.Seq2[T, error]) error {
	_, err := collect(seq)
	return err
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for item, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, item)
	}
	return out, nil
}

func copyAll(w io.Writer, req *http.Request) (int64, error) {
	n, err := io.Copy(w, req.Body)
	_ = req.Body.Close()
	return n, err
}

// scheduledReport is an active daily report whose first run is six hours away.
func scheduledReport(t *testing.T, count int) (*service, *analytics.Client, analytics.Report) {
	t.Helper()
	s := newService()
	c := s.client(t, analytics.Marketplace)
	q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT OfferName, RawUsage FROM ISVUsage"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.CreateReport(t.Context(), analytics.ReportRequest{
		Name: "Daily", QueryID: q.ID, Start: time.Now().Add(6 * time.Hour), Interval: 24 * time.Hour, Count: count,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.log()
	return s, c, r
}

// readFile reads a file of a test.
func readFile(path string) ([]byte, error) {
	return fs.ReadFile(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}
