package topics

import (
	"encoding/base64"
	"strconv"
)

// TopicID is Kafka's id of a topic. A topic that is deleted and created again has another
// one. It is zero where the broker has none.
type TopicID [16]byte

// topicIDText is how Kafka writes ids: base64 of the alphabet for URLs, without padding.
var topicIDText = base64.RawURLEncoding

// String is the id as Kafka's own tools print it, "" for the zero id.
func (id TopicID) String() string {
	if id == (TopicID{}) {
		return ""
	}
	return topicIDText.EncodeToString(id[:])
}

// appendText appends what String returns.
func (id TopicID) appendText(text []byte) []byte {
	if id == (TopicID{}) {
		return text
	}
	return topicIDText.AppendEncode(text, id[:])
}

// ParseTopicID reads the form that String gives. ok is false for any other text.
func ParseTopicID(text []byte) (id TopicID, ok bool) {
	if len(text) == 0 {
		return TopicID{}, true
	}
	if len(text) != topicIDText.EncodedLen(len(id)) {
		return TopicID{}, false
	}
	var bytes [18]byte // what 22 characters may decode to
	n, err := topicIDText.Strict().Decode(bytes[:], text)
	copy(id[:], bytes[:n])
	if err != nil || n != len(id) || id == (TopicID{}) {
		return TopicID{}, false
	}
	return id, true
}

// Origin says of which topic a record is, beyond the topic's name: that names another topic
// after it was deleted and created again, and on a mirrored cluster.
type Origin struct {
	// Cluster is the id of the Kafka cluster, "" if it is not known.
	Cluster string
	// TopicID is zero if it is not known.
	TopicID TopicID
}

// Unknown reports whether neither the cluster nor the topic's id is known.
func (o Origin) Unknown() bool { return o == Origin{} }

// Matches reports whether both can be the same. What is not known equals any.
func (o Origin) Matches(other Origin) bool {
	return (o.TopicID == other.TopicID || o.TopicID == TopicID{} || other.TopicID == TopicID{}) &&
		(o.Cluster == other.Cluster || o.Cluster == "" || other.Cluster == "")
}

// Place is where a record of the source lies. It names one record and no other, as far as
// all of it is known.
type Place struct {
	Origin
	Topic     string
	Partition int32
	Offset    int64
	// Epoch is the record's leader epoch, -1 if it is not known. After a truncation another
	// record may have the offset, with a higher epoch.
	Epoch int32
}

// Matches reports whether both can name the same record. What is not known equals any.
func (p Place) Matches(other Place) bool {
	return p.Offset == other.Offset && p.Partition == other.Partition && p.Topic == other.Topic &&
		(p.Epoch == other.Epoch || p.Epoch < 0 || other.Epoch < 0) && p.Origin.Matches(other.Origin)
}

// Identity names the record, as one group reads it, for those who have to know again what was
// made for it.
func (p Place) Identity(group string) string {
	return digest(32, p.Cluster, p.TopicID.String(), p.Topic, strconv.Itoa(int(p.Partition)), strconv.FormatInt(p.Offset, 10), strconv.Itoa(int(p.Epoch)), group)
}

// String is "topic/partition/offset".
func (p Place) String() string {
	return p.Topic + "/" + strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}
