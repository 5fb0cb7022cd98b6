// Package tracing sends traces to a collector, as the standard environment variables of OpenTelemetry
// say. Without them nothing is traced.
//
// Nothing of it is global: a Provider is made once and handed on. A collector that is slow or down
// costs spans and a line in the log, never a delivery: spans wait in a queue of fixed size, and what
// does not fit is dropped.
package tracing
