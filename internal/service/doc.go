// Package service runs pipelines until it is stopped, with their endpoints: metrics and health
// for monitoring, holds and waiting lanes for operators. It reads credentials in files again
// when they change.
//
// Run checks the cluster, its topics and rights before it starts a pipeline, and returns an
// error that says what to do. It handles no signals: its context ends it, and the pipelines
// drain before it returns.
package service
