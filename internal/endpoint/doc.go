// Package endpoint is the program's own HTTP servers: bounded in connections and time, so that no
// reader can hold them up.
package endpoint
