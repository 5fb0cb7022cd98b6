// Package call reads records that are API requests, and decides which of them may be made.
// CONTRACT: Calls over Kafka.
//
// A path is compared as it is after decoding, segment by segment, and written anew for the wire,
// so that what was compared is what is sent, whoever decodes it on the way.
package call
