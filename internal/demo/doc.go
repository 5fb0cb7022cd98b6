// Package demo runs the whole program in one process: a Kafka broker, stub help desks, a
// generator of events and the pipelines, wired as run wires them. At the end it counts, from
// the topics and from what the help desks received, whether every event is accounted for.
package demo
