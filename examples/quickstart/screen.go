package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen shows progress: bars that move on a terminal, plain lines elsewhere.
type screen struct {
	w        io.Writer
	terminal bool
}

func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	return &screen{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// line is the progress of one thing.
type line struct {
	screen *screen
	name   string
	bar    *progressbar.ProgressBar // nil off a terminal
	last   string
}

// status shows something without measure.
func (s *screen) status(name string) *line {
	l := &line{screen: s, name: name}
	if s.terminal {
		l.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(s.w), progressbar.OptionSetDescription(name),
			progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return l
}

// bytes shows a transfer.
func (s *screen) bytes(name string) *byteLine {
	return &byteLine{line: line{screen: s, name: name}}
}

func (l *line) show(text string) {
	if l.bar != nil {
		l.bar.Describe(l.name + ": " + text)
	} else if text != l.last {
		fmt.Fprintf(l.screen.w, "%s: %s\n", l.name, text)
	}
	l.last = text
}

// end takes the bar away and leaves the outcome, if there is one.
func (l *line) end(text string) {
	if l.bar != nil {
		_ = l.bar.Finish()
	}
	if text != "" && (l.bar != nil || text != l.last) {
		fmt.Fprintf(l.screen.w, "%s: %s\n", l.name, text)
	}
}

type byteLine struct{ line }

// show has the signature of DownloadOptions.Progress.
func (l *byteLine) show(done, total int64) {
	if !l.screen.terminal {
		return // the outcome says it all
	}
	if l.bar == nil {
		l.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(l.screen.w), progressbar.OptionSetDescription(l.name),
			progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetPredictTime(true))
	}
	if total > 0 {
		l.bar.ChangeMax64(total)
	}
	_ = l.bar.Set64(done)
}
