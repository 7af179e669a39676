package browsertest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for the browser before it fails: long, for a busy
// machine is no failure.
const patience = 5 * time.Minute

// findBrowser returns the path of a Chromium.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium is installed, and CI must run this test; install the Debian package chromium")
	}
	t.Skip("no Chromium is installed (Debian: apt-get install chromium)")
	return ""
}

// newProfile makes a folder for a browser. The browser's helper processes may write to
// it for a moment after the browser has ended, so that it cannot be one of t.TempDir,
// whose removal must succeed.
func newProfile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browsertest") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// newTab starts a browser with a fresh profile and returns the context of its tab. It ends
// with the test.
func newTab(t *testing.T) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(findBrowser(t)),
		chromedp.UserDataDir(newProfile(t)),
		chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		// Containers have no user namespaces for the sandbox; the pages are our own.
		chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true),
		// The browser shall talk to the test and to nobody else.
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		// The fake's certificate is made by the test.
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.WSURLReadTimeout(patience),
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	allocator, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	tab, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancelTab()
		cancelAllocator()
		cancel()
		chromedp.FromContext(tab).Allocator.Wait()
	})
	if err := chromedp.Run(tab); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return tab
}

// run drives the tab and fails the test when the browser does not play along.
func run(t *testing.T, tab context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(tab, actions...); err != nil {
		var where, text string
		_ = chromedp.Run(tab, chromedp.Location(&where), chromedp.Text("body", &text, chromedp.ByQuery))
		t.Fatalf("the browser is at %.80s and shows %q: %v", where, text, err)
	}
}

// holds waits until an expression of the page is true.
func holds(expression string) chromedp.Action {
	return chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(patience/2))
}

// sees waits until the page has a title. The question dies with the page that it was put to,
// so after each navigation it is put again.
func sees(title string) chromedp.Action {
	question := holds(`document.getElementById("title") && document.getElementById("title").textContent === ` + quote(title))
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			err := question.Do(ctx)
			if _, gone := errors.AsType[*cdproto.Error](err); !gone || ctx.Err() != nil {
				return err
			}
		}
	})
}

// fill types a text into a field.
func fill(id, text string) chromedp.Action {
	return chromedp.Tasks{chromedp.WaitReady("#" + id), chromedp.SetValue("#"+id, text)}
}

// press presses a button, and waits for the page that follows.
func press(id, title string) chromedp.Action {
	return chromedp.Tasks{chromedp.Click("#" + id), sees(title)}
}

// awaitPromise lets an evaluation end with the promise that it returns.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
