package rotationtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

// childVariable tells a process that it is one of a test, and what to do.
const childVariable = "PARTNERCENTER_ROTATIONTEST_JOB"

// lineMark starts the lines that a child writes for its parent.
const lineMark = "rotationtest: "

// job is what a child does.
type job struct {
	Task      string `json:"task"`
	Place     string `json:"place"`
	Authority string `json:"authority"`
	CA        string `json:"ca"`
	Rotations int    `json:"rotations"`
}

// Tasks of children. Both redeem the stored token and say so every time.
const (
	taskRotate  = "rotate"  // so many times
	taskForever = "forever" // until it is killed
)

// childJob reports whether this process is a child.
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
func (p *proof) work(t *testing.T, j job) {
	t.Helper()
	ctx := bounded(t)
	src := source(t, p.open(t, j.Place), j)
	defer func() { _ = src.Close() }()
	var tok auth.Token
	for n := 1; j.Task == taskForever || n <= j.Rotations; n++ {
		// The rejected token forces a redemption.
		next, err := src.Token(ctx, auth.TokenRequest{Resource: resource, Rejected: tok.Value})
		switch {
		case err != nil:
			tell("rotation %d: %v", n, err)
			return
		case next.Value.Equal(tok.Value):
			tell("rotation %d: the same token again", n)
			return
		}
		tok = next
		tell("rotated %d", n)
	}
}

// tell writes a line for the parent. When that is gone, the write ends the process.
func tell(format string, args ...any) {
	if _, err := fmt.Printf(lineMark+format+"\n", args...); err != nil {
		panic(err)
	}
}

// child is a process of a test.
type child struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stdout bytes.Buffer // what is not for us: the output of the test framework
	stderr bytes.Buffer
}

// start starts a child. It ends with the test at the latest.
func (p *proof) start(ctx context.Context, t *testing.T, j job) *child {
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
	for part := range strings.SplitSeq(p.name, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := &child{cmd: exec.CommandContext(ctx, program, "-test.run="+strings.Join(pattern, "/"), "-test.count=1")} //nolint:gosec // this very program
	c.cmd.Env = append(c.cmd.Environ(), childVariable+"="+string(text))
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(io.Reader(stdout))
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
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("a process has failed: %v\n%s%s", err, &c.stdout, &c.stderr)
	}
}

// mustTell returns what the child tells next. A child that has ended is a failure.
func (c *child) mustTell(t *testing.T) string {
	t.Helper()
	line, ok := c.line()
	if !ok {
		err := c.cmd.Wait()
		t.Fatalf("a process has ended by itself (%v):\n%s%s", err, &c.stdout, &c.stderr)
	}
	return line
}

// kill ends the child at once and returns how many rotations it had told by then.
func (c *child) kill(t *testing.T) (told int) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	for _, more := c.line(); more; _, more = c.line() {
		told++
	}
	_ = c.cmd.Wait() // its error is the kill
	return told
}
