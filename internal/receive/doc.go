// Package receive takes what help desks send by webhook, and writes one unified event for each to
// a topic.
//
// A request is answered with 200 when all in-sync replicas have its event, and with 503 while Kafka
// does not take it: the desk has to send it again. Nothing is kept on disk, and what is kept in
// memory is bounded: requests, their bodies, the writes that wait, the ids to know repeats by.
// Instances share nothing, so any number may stand behind a load balancer.
//
// A request counts when one of the destination's secrets has signed its bytes. After that it is
// never refused for what it holds: what cannot be read is written as an unknown event. Nothing that
// a client sends reaches a log, a metric or a response.
package receive
