package header

import (
	"runtime"
	"runtime/debug"
	"strings"
)

const modulePath = "github.com/partnercenter-go/partnercenter"

// UserAgent puts the caller's product in front of the SDK's.
func UserAgent(product string) string {
	sdk := "partnercenter-go/" + moduleVersion() + " (" + runtime.Version() + "; " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	return strings.TrimSpace(product + " " + sdk)
}

// moduleVersion is the version under which this module was built into the program.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" {
			return strings.Trim(m.Version, "()")
		}
	}
	return "devel"
}
