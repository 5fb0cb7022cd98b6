//go:build kafka

package kafkatest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SessionTimeout is that of groups of the consumer protocol, whose brokers decide on it.
const SessionTimeout = 15 * time.Second

// baseProperties keep a test cluster quick and let its groups be quick.
var baseProperties = map[string]string{
	"offsets.topic.num.partitions":                                "8",
	"transaction.state.log.num.partitions":                        "4",
	"group.min.session.timeout.ms":                                "1000",
	"group.consumer.min.session.timeout.ms":                       "1000",
	"group.consumer.session.timeout.ms":                           strconv.FormatInt(SessionTimeout.Milliseconds(), 10),
	"group.consumer.min.heartbeat.interval.ms":                    "100",
	"group.consumer.heartbeat.interval.ms":                        "500",
	"log.initial.task.delay.ms":                                   "500",
	"log.retention.check.interval.ms":                             "500",
	"log.cleaner.backoff.ms":                                      "500",
	"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}

// properties are all that the configuration sets, with files in a directory.
func (c ApacheConfig) properties(files string) map[string]string {
	all := maps.Clone(baseProperties)
	for key, value := range c.Properties {
		all[key] = strings.ReplaceAll(value, FilesDir, files)
	}
	return all
}

// sorted are properties as lines of a file, in a stable order.
func sorted(properties map[string]string) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		lines = append(lines, key+"="+properties[key])
	}
	return lines
}

// javaOptions are the options for Java, with files in a directory.
func (c ApacheConfig) javaOptions(files string) []string {
	var options []string
	for _, option := range c.JavaOptions {
		options = append(options, strings.ReplaceAll(option, FilesDir, files))
	}
	return options
}
