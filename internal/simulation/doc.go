// Package simulation runs the whole pipeline against a cluster, help desks and a script
// of faults, all in memory and in simulated time, and judges afterwards whether what is
// promised was kept.
//
// A script is drawn from a seed: who produces what and when, which faults strike, which
// instances come and go. A run keeps a journal of what crossed the borders of the
// process: calls at the help desk, requests to the group's coordinator, records on the
// topics. The rules of the oracle read nothing but the journal and the script.
//
// Everything is in tests. Nothing imports this package.
package simulation
