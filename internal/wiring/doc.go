// Package wiring makes pipelines from the configuration: for each destination the route from
// event to calls, the rate budget and ids that it shares with others of its account, and the
// settings of its processor.
//
// It is one of the few packages that know which help desks exist. It starts nothing.
package wiring
