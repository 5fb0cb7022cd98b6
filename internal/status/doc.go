// Package status reports how far each destination is behind: from Kafka its lag, the rates at which
// events come and go, and the time to drain; from instances what only they know: hold, rate budget and
// the oldest event.
package status
