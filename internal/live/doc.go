// Package live shows the newest outcomes of the responses topic to people who look at them: as a list
// (Newest) and as a stream (Hub).
//
// It is for looking, not for counting. A Hub has one reader of the topic for all viewers, which runs
// while somebody looks. The reader takes a bounded part of the topic: it fetches little at a time, a few
// times a second, goes on at the end of a partition when it is behind, and decodes only what a viewer
// has room for. What it leaves out it counts. So ten thousand outcomes a second cost about what a
// hundred do, and a viewer who does not read costs a list of bounded length.
package live
