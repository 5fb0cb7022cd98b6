// Package docs holds the documentation to what is in the repository: every link leads
// somewhere, every test and every function that is named exists, and the file map knows
// every package. What the pages say of the configuration and of the commands is
// tested beside these: cmd/deskstream and internal/config.
//
// It has tests only.
package docs
