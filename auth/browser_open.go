package auth

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// openInBrowser shows a page in the system's browser.
//
// The command is started and not waited for: on some systems it is the browser itself and
// ends when the user closes it, and stopping it would close the user's windows.
func openInBrowser(ctx context.Context, page string) error {
	if !strings.HasPrefix(page, "https://") {
		return fmt.Errorf("%.16q is not a page of an authority", page)
	}
	name, args := browserCommand(runtime.GOOS, page)
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%w: %s is not installed", errNoBrowser, name)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // a fixed command and a checked URL; it outlives the sign-in on purpose
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errNoBrowser, err)
	}
	return cmd.Process.Release()
}

// browserCommand is the command that opens a page on a system.
func browserCommand(system, page string) (name string, args []string) {
	switch system {
	case "darwin":
		return "open", []string{page}
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler", page}
	default:
		return "xdg-open", []string{page}
	}
}
