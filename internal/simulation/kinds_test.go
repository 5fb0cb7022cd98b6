//go:build synctests

package simulation

// kind is a kind of fault. A table counts how often each took effect.
type kind string

// Faults of the help desk, in windows.
const (
	serverError   kind = "api answers 5xx"
	requestTime   kind = "api answers 408"
	unauthorized  kind = "api answers 401"
	noRights      kind = "api answers 403"
	overQuota     kind = "api answers 429"
	objectQuota   kind = "api answers 429 for one object"
	lostAnswer    kind = "api acts, answer lost"
	resetCall     kind = "api resets the connection"
	silent        kind = "api acts and never answers"
	nonsense      kind = "api acts and answers nonsense"
	connRefused   kind = "api refuses connections"
	slow          kind = "api is slow"
	rejectsAll    kind = "api refuses every write for good"
	poisonedEvent kind = "api fails one event only"
	refusedEvent  kind = "api refuses one event for good"
)

// gatewayAnswers is the fault of TestOutage: a gateway answers instead of the API. It is in
// no script that is drawn.
const gatewayAnswers kind = "a gateway answers"

// Faults of Kafka, in windows.
const (
	produceError    kind = "produce refused"
	produceLost     kind = "produce done, answered with an error"
	produceDenied   kind = "produce not authorized"
	fetchError      kind = "fetch refused"
	commitError     kind = "commit refused"
	commitLost      kind = "commit done, answered with an error"
	heartbeatError  kind = "heartbeat refused"
	memberFenced    kind = "member unknown to its group"
	metadataError   kind = "metadata refused"
	listError       kind = "listing offsets refused"
	coordinatorMove kind = "coordinator moved"
	connectionCut   kind = "connection to kafka cut"
)

// Steps.
const (
	join              kind = "instance joins"
	leave             kind = "instance leaves"
	restart           kind = "instance restarts"
	kill              kind = "instance killed"
	freeze            kind = "instance cut off beyond its session"
	newLeader         kind = "partition leaders elected"
	foreignCheckpoint kind = "foreign checkpoint, then all killed"
	loseOutcome       kind = "outcomes deleted, then one killed"
	operator          kind = "operator holds and resumes"
	discard           kind = "letter discarded"

	recreateSource    kind = "source topic deleted and created again"
	recreateStopped   kind = "all killed, source topic deleted and created again"
	recreateResponses kind = "responses topic deleted and created again"
	recreateLetters   kind = "dead-letter topic deleted and created again"
	recreateStates    kind = "state topic deleted and created again"
)

// What a script has from its beginning.
const (
	oldLife  kind = "outcomes of an older topic of the name"
	oldEpoch kind = "outcomes of an older leader epoch"
	oldForm  kind = "outcomes without ids, with a foreign checkpoint"
	latest   kind = "group begins at the latest record of a backlog"
	aborted  kind = "transaction aborted"
	repeated kind = "message id repeated"
)

var windowKinds = []kind{
	serverError, serverError, requestTime, unauthorized, noRights, overQuota, objectQuota, lostAnswer, resetCall, silent, nonsense, connRefused, slow, rejectsAll,
	produceError, produceLost, produceDenied, fetchError, commitError, commitLost, heartbeatError, memberFenced, metadataError, listError, coordinatorMove, connectionCut,
}

var stepKinds = []kind{join, join, leave, restart, kill, kill, freeze, newLeader, foreignCheckpoint, loseOutcome, operator, recreateSource, recreateStopped, recreateResponses, recreateResponses, recreateLetters, discard, discard, recreateStates}

// allKinds are the kinds in the order of the table.
var allKinds = []kind{
	serverError, requestTime, unauthorized, noRights, overQuota, objectQuota, lostAnswer, resetCall, silent, nonsense, connRefused, slow, rejectsAll, poisonedEvent, refusedEvent,
	produceError, produceLost, produceDenied, fetchError, commitError, commitLost, heartbeatError, memberFenced, metadataError, listError, coordinatorMove, connectionCut,
	join, leave, restart, kill, freeze, newLeader, foreignCheckpoint, loseOutcome, operator, discard, recreateSource, recreateStopped, recreateResponses, recreateLetters, recreateStates, oldLife, oldEpoch, oldForm, latest, aborted, repeated,
}

func (k kind) ofKafka() bool {
	switch k {
	case produceError, produceLost, produceDenied, fetchError, commitError, commitLost, heartbeatError, memberFenced, metadataError, listError, coordinatorMove, connectionCut:
		return true
	default:
		return false
	}
}
