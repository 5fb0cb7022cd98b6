// Package desktest is one suite of laws that every help desk has to keep: its mapping, its
// sender and its stub. A desk runs it from a test of desk/x, and names the laws that do not
// hold for it, with the reason.
package desktest
