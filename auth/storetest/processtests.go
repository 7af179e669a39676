package storetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
)

// childVariable tells a process that it is one of a test, and what to do.
const childVariable = "PARTNERCENTER_STORETEST_JOB"

// lineMark starts the lines that a child writes for its parent.
const lineMark = "storetest: "

// job is what a child does.
type job struct {
	Task  string `json:"task"`
	Place string `json:"place"`
}

// Tasks of children.
const (
	taskRaise  = "raise"  // raises the number, see raise
	taskRotate = "rotate" // the same under the lock
	taskSave   = "save"   // raises the number until it is killed, and says so every time
	taskLock   = "lock"   // holds the lock until it is killed
)

// childJob reports whether this process is a child, and of which kind.
func childJob(t *testing.T) (job, bool) {
	t.Helper()
	text, ok := os.LookupEnv(childVariable) //nolint:forbidigo // the only way to tell a test binary
	if !ok {
		return job{}, false
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatalf("%s: %v", childVariable, err)
	}
	return j, true
}

// work is what a child does.
func (s *suite) work(t *testing.T, j job) {
	t.Helper()
	ctx, store := bounded(t), s.at(t, j.Place)
	var err error
	switch j.Task {
	case taskRaise:
		err = raise(ctx, store, rounds)
	case taskRotate:
		err = rotate(ctx, store, rounds)
	case taskSave:
		err = s.saveForever(ctx, store)
	case taskLock:
		l := store.mustLock(ctx, tenant)
		tell("locked %t", !l.Expires().IsZero())
		_, err = io.Copy(io.Discard, os.Stdin) // until the parent is gone
	default:
		t.Fatalf("unknown task %q", j.Task)
	}
	if err != nil {
		t.Error(err)
	}
}

// saveForever saves and tells, as fast as it can.
func (s *suite) saveForever(ctx context.Context, store *watched) error {
	r, v, err := store.Load(ctx, tenant)
	for n := number(r) + 1; err == nil; n++ {
		if v, err = store.Save(ctx, tenant, sized(n, s.opts.TokenSize), v); err == nil {
			tell("saved %d", n)
		}
	}
	return err
}

// tell writes a line for the parent. When that is gone, the write ends the process.
func tell(format string, args ...any) {
	if _, err := fmt.Printf(lineMark+format+"\n", args...); err != nil {
		panic(err)
	}
}

// child is a process of a test.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	// What is not for us: the output of the test framework.
	stdout, stderr bytes.Buffer
}

// start starts a child. It ends with the test at the latest.
func (s *suite) start(ctx context.Context, t *testing.T, j job) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var pattern []string
	for part := range strings.SplitSeq(s.name, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := &child{cmd: exec.CommandContext(ctx, program, "-test.run="+strings.Join(pattern, "/"), "-test.count=1")} //nolint:gosec // this very program
	c.cmd.Env = append(c.cmd.Environ(), childVariable+"="+string(text))
	c.cmd.Stderr = &c.stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns what the child tells next. It reports false at the end.
func (c *child) line() (string, bool) {
	for c.lines.Scan() {
		if line, ok := strings.CutPrefix(c.lines.Text(), lineMark); ok {
			return line, true
		}
		c.stdout.WriteString(c.lines.Text() + "\n")
	}
	return "", false
}

// wait waits until the child has ended and fails if it has not succeeded.
func (c *child) wait(t *testing.T) {
	t.Helper()
	for _, more := c.line(); more; _, more = c.line() {
		continue
	}
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("a process has failed: %v\n%s%s", err, &c.stdout, &c.stderr)
	}
}

// mustTell returns what the child tells next. A child that has ended is a failure.
func (c *child) mustTell(t *testing.T) string {
	t.Helper()
	line, ok := c.line()
	if !ok {
		c.endedByItself(t)
	}
	return line
}

// endedByItself fails for a child that tells no more.
func (c *child) endedByItself(t *testing.T) {
	t.Helper()
	_ = c.stdin.Close()
	err := c.cmd.Wait()
	t.Fatalf("a process has ended by itself (%v):\n%s%s", err, &c.stdout, &c.stderr)
}

// kill ends the child at once and returns what it had told by then.
func (c *child) kill(t *testing.T) []string {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("kill: %v", err)
	}
	var told []string
	for line, more := c.line(); more; line, more = c.line() {
		told = append(told, line)
	}
	_ = c.cmd.Wait() // its error is the kill
	_ = c.stdin.Close()
	return told
}

func (s *suite) processTests() map[string]func(*testing.T) {
	tests := map[string]func(*testing.T){
		"no save of another process is lost":           s.testProcessSaves,
		"under the lock no process conflicts":          s.testProcessLocks,
		"a killed process leaves a whole record":       s.testKilledSaves,
		"the lock of a killed process does not remain": s.testKilledLock,
	}
	if !s.opts.Processes {
		for name := range tests {
			tests[name] = func(t *testing.T) { t.Skip("this store lives in one process") }
		}
	}
	return tests
}

func (s *suite) testProcessSaves(t *testing.T) { s.raceProcesses(t, taskRaise) }

func (s *suite) testProcessLocks(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	store.mustRelease(ctx, store.mustLock(ctx, tenant))
	s.raceProcesses(t, taskRotate)
}

// raceProcesses lets processes raise the number together.
func (s *suite) raceProcesses(t *testing.T, task string) {
	t.Helper()
	ctx, place := bounded(t), s.place(t)
	s.at(t, place).mustSave(ctx, tenant, sample(0), "")
	var children []*child
	for range processes {
		children = append(children, s.start(ctx, t, job{Task: task, Place: place}))
	}
	for _, c := range children {
		c.wait(t)
	}
	s.wantCount(ctx, t, place, processes*rounds)
}

const (
	// kills is how many processes are killed while they save.
	kills = 10
	// dwell is how long one of them saves at most. A save that hangs is one to be killed in.
	dwell = 2 * time.Second
)

func (s *suite) testKilledSaves(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	store := s.at(t, place)
	store.mustSave(ctx, tenant, sized(0, s.opts.TokenSize), "")
	for range kills {
		told := s.killWhileSaving(ctx, t, place)
		saved, err := strconv.Atoi(strings.TrimPrefix(told, "saved "))
		if err != nil {
			t.Fatalf("a process said %q", told)
		}
		// The next one goes on where this one was killed. A server may still be busy
		// with the last thing it was told, so there can be one conflict.
		for late := false; ; late = true {
			n, v := s.afterKill(ctx, t, store, saved)
			_, err := store.Save(ctx, tenant, sized(n+1, s.opts.TokenSize), v)
			if err == nil {
				break
			}
			if late || !errors.Is(err, auth.ErrConflict) {
				t.Fatalf("after a kill: %v", err)
			}
		}
	}
}

// killWhileSaving kills a process somewhere within one of its saves and returns what it
// told last.
func (s *suite) killWhileSaving(ctx context.Context, t *testing.T, place string) string {
	t.Helper()
	c := s.start(ctx, t, job{Task: taskSave, Place: place})
	told := c.mustTell(t)
	start, saves := time.Now(), 1+rand.IntN(10) //nolint:gosec // when to kill
	overdue := time.AfterFunc(dwell, func() { _ = c.cmd.Process.Kill() })
	n := 0
	for ; n < saves; n++ {
		line, ok := c.line()
		if !ok {
			break
		}
		told = line
	}
	if overdue.Stop() {
		if n < saves {
			c.endedByItself(t)
		}
		// Not always at the beginning of the next save.
		<-time.After(rand.N(time.Since(start)/time.Duration(saves) + 1)) //nolint:gosec // when to kill
	}
	if rest := c.kill(t); len(rest) > 0 {
		told = rest[len(rest)-1]
	}
	return told
}

// afterKill checks that the record is whole and not older than what was saved for sure.
func (s *suite) afterKill(ctx context.Context, t *testing.T, store *watched, saved int) (int, auth.Version) {
	t.Helper()
	r, v, err := store.Load(ctx, tenant)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	n := number(r)
	if n != saved && n != saved+1 {
		t.Fatalf("Save of number %d had returned before the kill, now there is number %d", saved, n)
	}
	if d := difference(r, sized(n, s.opts.TokenSize)); d != "" {
		t.Fatalf("after a kill: %s", d)
	}
	return n, v
}

func (s *suite) testKilledLock(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	store := s.at(t, place)
	store.mustRelease(ctx, store.mustLock(ctx, tenant))
	c := s.start(ctx, t, job{Task: taskLock, Place: place})
	line := c.mustTell(t)
	store.mustBeHeld(ctx)
	c.kill(t)
	if line == "locked true" {
		if s.opts.Expire == nil {
			t.Fatal("leases of this store expire: Options.Expire is missing")
		}
		s.opts.Expire(t, place, tenant)
	}
	soon, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	l, err := store.lock(soon, tenant)
	if err != nil {
		t.Fatalf("the lock of a killed process remains: %v", err)
	}
	store.mustRelease(ctx, l)
}
