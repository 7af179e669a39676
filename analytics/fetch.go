package analytics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Fetched is a file that [Client.Fetch] has dealt with.
type Fetched struct {
	// Slot is the time and the run.
	Slot Slot
	// Path is where the file lies.
	Path string
	// New is false when it lay there before.
	New bool
	// Download describes a new file.
	Download partnercenter.DownloadResult
}

// Fetch downloads the files of a report's runs within the last 90 days into a
// folder, the oldest first, and leaves out those that lie there: so it catches up
// on everything that was missed since it was called last. The names of the files
// consist of the report's name, the time at which the run was due and the run's id.
// A file is known by the run's id in its name, which must not be changed: the time
// that a run is counted to, and the format, may change with the schedule.
//
// A file that cannot be fetched is yielded with its error, and the next one
// follows. Any other error is the last thing yielded.
func (c *Client) Fetch(ctx context.Context, reportID, dir string, opts *partnercenter.DownloadOptions) iter.Seq2[Fetched, error] {
	return func(yield func(Fetched, error) bool) {
		report, err := c.Report(ctx, reportID)
		if err != nil {
			yield(Fetched{}, err)
			return
		}
		list, err := c.slots(ctx, report)
		if err != nil {
			yield(Fetched{}, err)
			return
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			yield(Fetched{}, fmt.Errorf("analytics: %w", err))
			return
		}
		there, err := fetched(dir)
		if err != nil {
			yield(Fetched{}, fmt.Errorf("analytics: %w", err))
			return
		}
		for _, slot := range list {
			if slot.State != SlotReady || slot.Execution.ID == "" {
				continue
			}
			name := slotFile(report, slot)
			if earlier, ok := there[runOf(name)]; ok {
				name = earlier
			}
			f, err := c.fetch(ctx, slot, filepath.Join(dir, name), opts)
			if !yield(f, err) || ctx.Err() != nil {
				return
			}
		}
	}
}

// fetched lists the files in a folder, and those that are about to be there, by
// their runs.
func fetched(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	there := make(map[string]string, len(entries))
	for _, e := range entries {
		name, part := strings.CutSuffix(e.Name(), ".part") // see DownloadFile
		run := runOf(name)
		if _, whole := there[run]; run != "" && (!part || !whole) {
			there[run] = name
		}
	}
	return there, nil
}

// runOf is the run's id as the name of a file has it; empty for files that are not
// of [Client.Fetch].
func runOf(name string) string {
	base, csv := strings.CutSuffix(name, "."+string(CSV))
	base, tsv := strings.CutSuffix(base, "."+string(TSV))
	times := slotTime.FindAllStringIndex(base, -1)
	if len(times) == 0 || csv == tsv {
		return ""
	}
	return base[times[len(times)-1][1]:]
}

// slotTime matches the time in the name of a file.
var slotTime = regexp.MustCompile(`_[0-9]{8}T[0-9]{6}Z_`)

func (c *Client) fetch(ctx context.Context, slot Slot, path string, opts *partnercenter.DownloadOptions) (f Fetched, err error) {
	f = Fetched{Slot: slot, Path: path}
	// A file has its final name only when it is whole.
	switch _, err := os.Lstat(path); {
	case err == nil:
		return f, nil
	case !errors.Is(err, fs.ErrNotExist):
		return f, fmt.Errorf("analytics: %w", err)
	}
	f.Download, err = c.DownloadFile(ctx, slot.Execution, path, opts)
	f.New = err == nil
	return f, err
}

// slotFile names the file of a run. Names and ids are foreign text.
func slotFile(r Report, s Slot) string {
	ext := strings.ToLower(string(s.Execution.Format))
	if ext != string(TSV) {
		ext = string(CSV)
	}
	return plain(r.Name, 100) + "_" + s.Time.UTC().Format("20060102T150405Z") + "_" + plain(s.Execution.ID, 64) + "." + ext
}

// plain keeps what is harmless in the name of a file.
func plain(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), limit)]
}
