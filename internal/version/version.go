// Package version holds the version of the program. It goes to people, brokers, help desks,
// and into outcomes.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is set by the linker in releases:
// -X github.com/deskstream/deskstream/internal/version.release=v1.2.3.
var release string

// unreleased is the version of a build that knows none.
const unreleased = "dev"

// Release returns the version: what the linker was given, such as v1.2.3; else that of the
// module, as go install and a clean checkout record it (v1.2.3, or one that names the commit:
// v0.0.0-20261201063012-09da92fc4d6c); else "dev".
func Release() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unreleased
	}
	return ofModule(info.Main.Version)
}

// ofModule returns a module's version as one of the program. A checkout with changes has none:
// its version ends with "+dirty", a sign that brokers refuse in a client's version.
func ofModule(version string) string {
	if !strings.HasPrefix(version, "v") || strings.Contains(version, "+") {
		return unreleased
	}
	return version
}

// Build is what the program was built from, and for what.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // the commit; "" if the build did not record it
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// This returns the build of this program.
func This() Build {
	return Build{Release(), Revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
}

// Line returns the version with its commit, the Go version and the platform.
func Line() string {
	b := This()
	return fmt.Sprintf("deskstream %s%s %s %s/%s", b.Version, revision(), b.Go, b.OS, b.Arch)
}

// Revision returns the commit that the program was built from, "" if the build did not record it.
func Revision() string { return strings.Trim(revision(), " ()") }

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
