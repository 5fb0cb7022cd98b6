package keys

import (
	"crypto/sha256"
	"time"
)

// Digest stands for a text that may be a person's.
type Digest [16]byte

// DigestOf is the digest of a text.
func DigestOf(text string) Digest {
	sum := sha256.Sum256([]byte(text))
	return Digest(sum[:16])
}

// Name names a key of one destination.
type Name struct {
	// Topic is the source topic of the events that use the key.
	Topic string
	// Lane is the digest of their lane's value, Key that of the key. They are apart, so that all
	// keys of a person can be found.
	Lane, Key Digest
}

// NameOf names a key of a lane.
func NameOf(topic, lane, key string) Name {
	return Name{Topic: topic, Lane: DigestOf(lane), Key: DigestOf(key)}
}

// ID is Kafka's id of a topic, zero for an unknown one.
type ID [16]byte

func (i ID) matches(other ID) bool { return i == other || i == ID{} || other == ID{} }

// Event is the event that wrote an Entry, by its record.
type Event struct {
	TopicID   ID
	Partition int32
	Offset    int64
	// Epoch is the record's leader epoch, -1 for an unknown one.
	Epoch int32
	// At is the record's time, to the millisecond; zero for an unknown one.
	At time.Time
}

// Is reports whether both are the same event. What is not known equals any.
func (e Event) Is(other Event) bool {
	return e.Offset == other.Offset && e.in(other) && (e.Epoch == other.Epoch || e.Epoch < 0 || other.Epoch < 0)
}

// in reports whether both are of one partition.
func (e Event) in(other Event) bool {
	return e.Partition == other.Partition && e.TopicID.matches(other.TopicID)
}

// Claim is the claim of a source partition under which an Entry was written: its number, and the
// partition of the responses topic that numbers it.
type Claim struct {
	TopicID   ID
	Partition int32
	Number    int64
}

// Entry is what is known of a key.
type Entry struct {
	// Ticket is the desk's id of the ticket.
	Ticket string
	// Closed says that the ticket was closed.
	Closed bool
	// Kept says that a closed ticket can be reopened, so that the key stays until it expires.
	Kept bool
	// By is the event that wrote it.
	By    Event
	Claim Claim
	// Redriven says that By was sent again as a dead letter, under no claim.
	Redriven bool
	// Expires is when the key is removed unless it is used, to the second.
	Expires time.Time
}

// Replaces reports whether an entry counts though there is an other one of its key, which was
// written before it: it does unless it is of an earlier event. Of one partition's events that of
// the higher claim is the later one, then that of the higher offset. The numbers of claims are
// comparable in one partition of the responses topic only. A redriven event has no claim, so its
// offset counts and, between partitions, its time. DESIGN: Keys.
func (e Entry) Replaces(other Entry) bool {
	same := e.By.in(other.By)
	switch {
	case same && (e.Redriven || other.Redriven):
		return e.By.Offset >= other.By.Offset
	case same && e.Claim.Partition == other.Claim.Partition && e.Claim.TopicID.matches(other.Claim.TopicID):
		if e.Claim.Number != other.Claim.Number {
			return e.Claim.Number > other.Claim.Number
		}
		return e.By.Offset >= other.By.Offset
	case e.Redriven && !same:
		return !e.By.At.Before(other.By.At)
	}
	return true
}
