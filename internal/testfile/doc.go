// Package testfile runs tests that people write of their configuration: files of events and of what
// is expected of them at each destination. It plans the events as `deskstream plan --offline` does:
// nothing is sent, and no help desk and no broker is asked.
package testfile
