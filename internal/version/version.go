// Package version holds the version of the program. It goes to people, brokers, help desks,
// and into outcomes.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker in releases:
// -X github.com/deskstream/deskstream/internal/version.release=v1.2.3.
var release = "dev"

// Release returns the version: "dev", or a release such as v1.2.3.
func Release() string { return release }

// Line returns the version with its commit, the Go version and the platform.
func Line() string {
	return fmt.Sprintf("deskstream %s%s %s %s/%s", release, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// revision returns the commit that the program was built from, if the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return " (" + setting.Value[:12] + ")"
		}
	}
	return ""
}
