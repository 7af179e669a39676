package analytics_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
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

// timeline writes slots as hours since the beginning and the first letter of their
// state.
func timeline(begin time.Time, slots []analytics.Slot) string {
	var out []string
	for _, s := range slots {
		out = append(out, fmt.Sprintf("%d%c", int(s.Time.Sub(begin).Hours()), s.State[0]))
	}
	return strings.Join(out, " ")
}

func TestSlots(t *testing.T) {
	for _, tc := range []struct {
		name  string
		live  func(t *testing.T, s *service, c *analytics.Client, r analytics.Report)
		want  string
		state analytics.ReportStatus
	}{
		{"nothing yet", func(*testing.T, *service, *analytics.Client, analytics.Report) {}, "", ""},
		{"the first is running", func(*testing.T, *service, *analytics.Client, analytics.Report) { time.Sleep(6*time.Hour + time.Minute) }, "6p", ""},
		{"one is done", func(*testing.T, *service, *analytics.Client, analytics.Report) { time.Sleep(7 * time.Hour) }, "6r", ""},
		{"three", func(*testing.T, *service, *analytics.Client, analytics.Report) { time.Sleep(55 * time.Hour) }, "6r 30r 54r", ""},
		{"paused for two days", func(t *testing.T, _ *service, c *analytics.Client, r analytics.Report) {
			time.Sleep(7 * time.Hour)
			if _, err := c.PauseReport(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			time.Sleep(48 * time.Hour)
			if _, err := c.ResumeReport(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			time.Sleep(48 * time.Hour)
		}, "6r 30m 54m 78r 102r", ""},
		{"a file that came a day late", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			time.Sleep(55 * time.Hour) // 6 and 30 and 54 are done
			s.fail = func(req *http.Request) *http.Response {
				if !strings.Contains(req.URL.Path, "/execution/") {
					return nil
				}
				begin := dailyStart.Add(-6 * time.Hour)
				return s.ok("", completedRun(begin, 54.5), completedRun(begin, 54.2), completedRun(begin, 6.2)) // in no order
			}
		}, "6r 30r 54r", ""},
		{"files without a time are the latest", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			time.Sleep(55 * time.Hour)
			s.fail = func(req *http.Request) *http.Response {
				if !strings.Contains(req.URL.Path, "/execution/") {
					return nil
				}
				timeless := completedRun(dailyStart, 0)
				timeless["reportGeneratedTime"], timeless["executionId"] = nil, "a"
				another := maps.Clone(timeless)
				another["executionId"] = "b"
				begin := dailyStart.Add(-6 * time.Hour)
				return s.ok("", timeless, completedRun(begin, 30.2), another, completedRun(begin, 6.2))
			}
		}, "6r 30r 54r 54r", ""},
		{"no runs are listed", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			time.Sleep(40 * time.Hour)
			s.filterFails, s.generation = true, 1000*time.Hour
		}, "6m 30p", ""},
		{"120 days", func(*testing.T, *service, *analytics.Client, analytics.Report) { time.Sleep(120 * 24 * time.Hour) }, "", "all but the last 90 days"},
		{"no run for a day", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			s.generation, s.reports[0].interval = 1000*time.Hour, 24*7
			time.Sleep(6*time.Hour + 23*time.Hour)
		}, "6p", ""},
		{"no run for longer", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			s.generation, s.reports[0].interval = 1000*time.Hour, 24*7
			time.Sleep(6*time.Hour + 25*time.Hour)
		}, "6m", ""},
		{"the last run of a schedule is missing", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			time.Sleep(10 * 24 * time.Hour)
			s.filter = func(req *http.Request, _ *http.Response) *http.Response {
				if !strings.HasSuffix(req.URL.Path, "/ScheduledReport") {
					return s.ok("", completedRun(dailyStart.Add(-6*time.Hour), 6.2), completedRun(dailyStart.Add(-6*time.Hour), 30.2))
				}
				item := s.reportJSON(s.reports[0])
				item["reportStatus"], item["totalRecurrenceCount"], item["recurrenceCount"] = "Inactive", 3, 0
				return s.ok("", item)
			}
		}, "6r 30r 54m", ""},
		{"the schedule has ended", func(_ *testing.T, s *service, _ *analytics.Client, _ analytics.Report) {
			s.reports[0].count = 2
			time.Sleep(10 * 24 * time.Hour)
		}, "6r 30r", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				s, c, r := scheduledReport(t, 400)
				tc.live(t, s, c, r)
				got, err := c.Slots(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				if tc.state != "" {
					if len(got) != 90 || got[0].Time.Before(time.Now().Add(-analytics.Retention)) || strings.Contains(timeline(begin, got), "m") {
						t.Errorf("%d slots from %v: %s", len(got), got[0].Time, timeline(begin, got))
					}
					return
				}
				if text := timeline(begin, got); text != tc.want {
					t.Errorf("slots %s, want %s", text, tc.want)
				}
				for _, slot := range got {
					if (slot.Execution.ID != "") != (slot.State == analytics.SlotReady) {
						t.Errorf("slot %+v", slot)
					}
				}
			})
		})
	}
}

// A renewal moves the start of the report; the slots before it stay.
func TestSlotsSurviveARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s, c, r := scheduledReport(t, 10)
		time.Sleep(31 * time.Hour)
		files := []float64{6.2, 30.2}
		s.fail = func(req *http.Request) *http.Response {
			if !strings.Contains(req.URL.Path, "/execution/") {
				return nil
			}
			var runs []map[string]any
			for _, hour := range files {
				runs = append(runs, completedRun(begin, hour))
			}
			return s.ok("", runs...)
		}
		for _, want := range []string{"6r 30r", "6r 30r 54m 78r"} {
			if _, err := c.UpdateReport(t.Context(), r.ID, r.Update()); err != nil { // it starts tomorrow now
				t.Fatal(err)
			}
			got, err := c.Slots(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if text := timeline(begin, got); text != want {
				t.Errorf("slots %s, want %s", text, want)
			}
			time.Sleep(48 * time.Hour)
			files = append(files, 78.3)
		}
	})
}

// completedRun is a run whose file was written so many hours after begin.
func completedRun(begin time.Time, hour float64) map[string]any {
	return map[string]any{
		"executionId": fmt.Sprintf("run-%v", hour), "executionStatus": "Completed", "reportAccessSecureLink": "https://x.example/f",
		"reportGeneratedTime": stamp(begin.Add(time.Duration(hour * float64(time.Hour)))),
	}
}

func TestSlotsOfAReportThatRanOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		if got, err := c.Slots(t.Context(), r.ID); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
		time.Sleep(s.generation)
		if got, err := c.Slots(t.Context(), r.ID); err != nil || len(got) != 1 || got[0].State != analytics.SlotReady || !got[0].Time.Equal(r.Start) {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := c.Slots(t.Context(), "none"); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	})
}

func TestFetchCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		dir := filepath.Join(t.TempDir(), "made", "by", "fetch")
		fetch := func() (names []string, fresh int) {
			t.Helper()
			for f, err := range c.Fetch(t.Context(), r.ID, dir, nil) {
				if err != nil {
					t.Fatal(err)
				}
				if f.New {
					fresh++
				}
				if got, err := readFile(f.Path); err != nil || string(got) != string(s.file) {
					t.Errorf("file %s: %q, %v", f.Path, got, err)
				}
				names = append(names, filepath.Base(f.Path))
			}
			return names, fresh
		}
		time.Sleep(31 * time.Hour)
		names, fresh := fetch()
		if diff := cmp.Diff([]string{"Daily_20000101T060000Z_report-2-run-0.csv", "Daily_20000102T060000Z_report-2-run-1.csv"}, names); diff != "" || fresh != 2 {
			t.Errorf("%d new files, all (-want +got):\n%s", fresh, diff)
		}
		time.Sleep(24 * time.Hour)
		if names, fresh = fetch(); len(names) != 3 || fresh != 1 {
			t.Errorf("a day later: %v, %d new", names, fresh)
		}
		if names, fresh = fetch(); len(names) != 3 || fresh != 0 {
			t.Errorf("and again: %v, %d new", names, fresh)
		}
		for _, err := range c.Fetch(t.Context(), r.ID, dir, nil) {
			if err != nil {
				t.Error(err)
			}
			break
		}

		// One file that cannot be had does not stop the others.
		if err := os.Remove(filepath.Join(dir, "Daily_20000101T060000Z_report-2-run-0.csv")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "Daily_20000101T060000Z_report-2-run-0.csv.part"), 0o700); err != nil {
			t.Fatal(err)
		}
		var failed, fine int
		for f, err := range c.Fetch(t.Context(), r.ID, dir, nil) {
			if err != nil {
				failed++
				if f.Slot.Execution.ID == "" || f.New {
					t.Errorf("failed: %+v", f)
				}
				continue
			}
			fine++
		}
		if failed != 1 || fine != 2 {
			t.Errorf("%d failed, %d fine", failed, fine)
		}
	})
}

func TestFetchReportsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		if err := drain(c.Fetch(t.Context(), "none", t.TempDir(), nil)); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("no report: %v", err)
		}
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := drain(c.Fetch(t.Context(), r.ID, file, nil)); err == nil {
			t.Error("a folder that is a file is no error")
		}
		s.fail = func(req *http.Request) *http.Response {
			if strings.Contains(req.URL.Path, "/execution/") {
				return answer(http.StatusForbidden, "")
			}
			return nil
		}
		if err := drain(c.Fetch(t.Context(), r.ID, t.TempDir(), nil)); !errors.Is(err, partnercenter.ErrForbidden) || !strings.Contains(err.Error(), r.ID) {
			t.Errorf("no runs: %v", err)
		}
	})
}

// Names of reports are foreign text.
func TestFetchStaysInItsFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		s.reports[0].name, s.reports[0].format = "../../x/y\x00 "+strings.Repeat("z", 300), "TSV"
		time.Sleep(7 * time.Hour)
		dir := t.TempDir()
		got, err := collect(c.Fetch(t.Context(), r.ID, dir, nil))
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if p := got[0].Path; filepath.Dir(p) != dir || !strings.HasSuffix(p, ".tsv") || !strings.HasPrefix(filepath.Base(p), "______x_y__zzz") || len(filepath.Base(p)) > 200 {
			t.Errorf("path %s", p)
		}
	})
}

// A file lies there once, also when its run is counted to another time than before:
// a change of the schedule moves the grid.
func TestFetchKnowsFilesByTheirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := onFake(t, analytics.Marketplace)
		a, err := c.Apply(t.Context(), analytics.Schedule{Name: "U", Query: usageByOffer, Start: time.Now().Add(6 * time.Hour), Interval: 24 * time.Hour, Count: 30})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		fetch := func() (paths []string, fresh int) {
			t.Helper()
			for f, err := range c.Fetch(t.Context(), a.Report.ID, dir, nil) {
				if err != nil {
					t.Fatal(err)
				}
				if f.New {
					fresh++
				}
				paths = append(paths, f.Path)
			}
			return paths, fresh
		}
		time.Sleep(55 * time.Hour)
		before, fresh := fetch()
		if fresh != 3 {
			t.Fatalf("fetched %v", before)
		}
		slots, err := c.Slots(t.Context(), a.Report.ID)
		if err != nil {
			t.Fatal(err)
		}
		u := a.Report.Update()
		u.Start, u.Format = u.Start.Add(19*time.Hour), analytics.TSV
		if _, err := c.UpdateReport(t.Context(), a.Report.ID, u); err != nil {
			t.Fatal(err)
		}
		if moved, err := c.Slots(t.Context(), a.Report.ID); err != nil || moved[0].Time.Equal(slots[0].Time) {
			t.Fatalf("the grid has not moved: %v, %v", moved, err)
		}
		after, fresh := fetch()
		if diff := cmp.Diff(before, after); diff != "" || fresh != 0 {
			t.Errorf("%d new files, all (-before +after):\n%s", fresh, diff)
		}
		// What was being fetched under the earlier name goes on there.
		if err := os.Rename(before[1], before[1]+".part"); err != nil {
			t.Fatal(err)
		}
		if after, fresh = fetch(); fresh != 1 || !cmp.Equal(before, after) {
			t.Errorf("%d new files, %v", fresh, after)
		}
	})
}

// A report whose start the service does not tell has runs, but no grid.
func TestSlotsWithoutAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		s.filter = func(req *http.Request, resp *http.Response) *http.Response {
			if !strings.HasSuffix(req.URL.Path, "/ScheduledReport") {
				return resp
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			return answer(resp.StatusCode, strings.ReplaceAll(string(body), `"startTime":`, `"elsewhere":`))
		}
		time.Sleep(55 * time.Hour)
		got, err := c.Slots(t.Context(), r.ID)
		if err != nil || len(got) != 3 {
			t.Fatalf("%d slots, %v", len(got), err)
		}
		for i, slot := range got {
			if slot.State != analytics.SlotReady || !slot.Time.Equal(slot.Execution.GeneratedAt) {
				t.Errorf("slot %d: %+v", i, slot)
			}
		}
	})
}
