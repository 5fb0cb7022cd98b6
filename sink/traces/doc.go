// Package traces makes the spans of events at one destination, by OpenTelemetry's API: the record,
// what it waited for, its mapping, its calls and steps, and the records that are written of it.
//
// An event that is not sampled has no *Event, and neither has a pipeline without traces: all methods
// may be called on a nil *Tracer, *Event and *Call, do nothing then and take no memory. Where spans
// go is decided elsewhere: this package knows no exporter and asks for nothing global.
//
// Attributes name the record by its coordinates and calls by their path template. They hold nothing
// of the event's content, no id of a person, no URL and no body.
package traces
