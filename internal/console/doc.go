// Package console serves web pages for the people who run pipelines: what flows, what waits and
// why, what died, and the way back for it.
//
// The pages are made on the server and work without JavaScript; they load nothing from another
// host. What they show comes from the engines that commands use: status, journal, explain, letters
// and redrive. Console itself knows who may see what: it masks personal data until somebody who may
// see it asks for it, and it writes who did what, and why, to the log.
//
// It refuses to listen where anyone could use it: elsewhere than on loopback somebody has to log
// in, by a file of users, a token, or a proxy that has checked who they are.
package console
