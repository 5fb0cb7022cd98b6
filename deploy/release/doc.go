// Package release tests the configuration of releases against goreleaser's own types. It is a
// module of its own: goreleaser is no dependency of deskstream.
//
// It has tests only.
package release
