package config

import (
	"log/slog"
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping/rules"
)

// Config is the whole file.
type Config struct {
	Kafka          Kafka          `yaml:"kafka" doc:"The cluster and how to reach it."`
	Source         Source         `yaml:"source" doc:"Where events are read."`
	SchemaRegistry SchemaRegistry `yaml:"schema_registry" doc:"The Confluent schema registry."`
	Responses      Responses      `yaml:"responses" doc:"The topic of outcomes, which is also what a restart reads to repeat nothing."`
	DeadLetters    DeadLetters    `yaml:"dead_letters" doc:"The topic of what could not be delivered."`
	Lane           []string       `yaml:"lane" default:"userId,anonymousId,key" doc:"The fields that order events: the first one present counts. A name with dots is a path. key is the record's key. An event with none stands alone."`
	Limits         Limits         `yaml:"limits" doc:"How much one pipeline may keep in memory."`
	HTTP           HTTP           `yaml:"http" doc:"The program's own endpoints."`
	Log            Log            `yaml:"log" doc:"What is logged."`
	Console        Console        `yaml:"console" doc:"Who may see and do what in the web pages of http.console."`
	Inbound        Inbound        `yaml:"inbound" doc:"What the help desks send back, for receive, webhooks and export."`
	Destinations   []Destination  `yaml:"destinations" doc:"The help desks, each a consumer group of its own."`

	warnings *Problems
}

// Warnings are what a file is advised to change though it is accepted: no settings are
// refused for it. The list is empty when there is nothing.
func (c *Config) Warnings() *Problems { return c.warnings }

// Kafka is the cluster and how to reach it.
type Kafka struct {
	Brokers  []string `yaml:"brokers" default:"localhost:9092" doc:"Bootstrap brokers as host:port. An element may hold several, separated by commas."`
	ClientID string   `yaml:"client_id" default:"deskstream" doc:"The name by which brokers know this client."`
	TLS      TLS      `yaml:"tls" doc:"Encryption of the connections to the brokers."`
	SASL     SASL     `yaml:"sasl" doc:"Authentication at the brokers."`
}

// TLS is how connections are encrypted.
type TLS struct {
	Enabled    bool   `yaml:"enabled" default:"false" doc:"Whether to use TLS."`
	CAFile     string `yaml:"ca_file" doc:"PEM file of the authorities to trust; empty: the system's."`
	CertFile   string `yaml:"cert_file" doc:"PEM file of the client's certificate, for mutual TLS."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of the client's key."`
	ServerName string `yaml:"server_name" doc:"The name to verify instead of the broker's host."`
}

// The SASL mechanisms.
const (
	Plain       = "plain"
	ScramSHA256 = "scram-sha-256"
	ScramSHA512 = "scram-sha-512"
	OAuthBearer = "oauthbearer"
	MSKIAM      = "aws_msk_iam"
)

// SASL is how the client authenticates at the brokers.
type SASL struct {
	Mechanism string `yaml:"mechanism" enum:"plain,scram-sha-256,scram-sha-512,oauthbearer,aws_msk_iam" case:"any" doc:"The mechanism; empty: none."`
	Username  string `yaml:"username" doc:"For plain and scram."`
	Password  Secret `yaml:"password" reload:"true" doc:"For plain and scram."`
	OAuth     OAuth  `yaml:"oauth" doc:"For oauthbearer: a token, or the client credentials grant."`
	AWS       AWS    `yaml:"aws" doc:"For aws_msk_iam: the keys, where AWS's usual places do not have them."`
}

// AWS is the keys for Amazon MSK. Without them they come from the environment, the profile's files, a web
// identity, the container or the instance.
type AWS struct {
	AccessKeyID     Secret `yaml:"access_key_id" reload:"true" doc:"The id of the access key; empty: the first that the environment, the profile's files, a web identity, the container or the instance has."`
	SecretAccessKey Secret `yaml:"secret_access_key" reload:"true" doc:"The access key's secret."`
	SessionToken    Secret `yaml:"session_token" reload:"true" doc:"The token of temporary keys."`
}

// OAuth is a bearer token, or how to get one by the client credentials grant.
type OAuth struct {
	Token        Secret   `yaml:"token" reload:"true" doc:"A token to present as it is."`
	TokenURL     string   `yaml:"token_url" doc:"The endpoint that issues tokens."`
	ClientID     string   `yaml:"client_id" doc:"The client's id at that endpoint."`
	ClientSecret Secret   `yaml:"client_secret" reload:"true" doc:"The client's secret at that endpoint."`
	Scopes       []string `yaml:"scopes" doc:"The scopes to ask for."`
}

// The values of source.group_protocol, source.isolation and the formats that code compares with.
const (
	ProtocolClassic  = "classic"
	ProtocolConsumer = "consumer"

	ReadCommitted   = "read_committed"
	ReadUncommitted = "read_uncommitted"

	FormatAvro = "avro"
)

// Source is where events are read.
type Source struct {
	Topics          []string          `yaml:"topics" default:"events" doc:"The topics to read."`
	Group           string            `yaml:"group" default:"deskstream" doc:"Each destination is the consumer group <group>.<destination name>."`
	GroupInstanceID string            `yaml:"group_instance_id" doc:"Static membership: a name that is unique to this instance; empty: none."`
	GroupProtocol   string            `yaml:"group_protocol" default:"classic" enum:"classic,consumer" doc:"classic (cooperative) or consumer (KIP-848, Kafka 4.0 or later)."`
	SessionTimeout  time.Duration     `yaml:"session_timeout" default:"45s" min:"1s" doc:"After how long without a heartbeat a member is removed from the group; classic only, with consumer the broker's group setting is read."`
	Isolation       string            `yaml:"isolation" default:"read_committed" enum:"read_committed,read_uncommitted" doc:"Whether records of open and aborted transactions are read."`
	Format          string            `yaml:"format" default:"auto" enum:"auto,json,avro" doc:"auto looks at the headers and first bytes of each record; with schema_file, what that schema reads is Avro."`
	SchemaFile      string            `yaml:"schema_file" doc:"File with the Avro schema of all events, for values in plain binary or single-object encoding; the registry is not asked for events then."`
	Unwrap          string            `yaml:"unwrap" doc:"The member of the record that holds the event, or its JSON text: a name, or a JSON Pointer like /body/event. Empty: the record is the event."`
	Fields          map[string]string `yaml:"fields" doc:"Other names for event fields: {userId: customer_id} reads userId from customer_id, {traits.email: contact.mail} from a path."`
	NoIDs           []string          `yaml:"no_ids" default:"undefined,null,None,nil,NaN,nan,(null),[object Object]" doc:"Words that are no id: such a user id is absent, for lanes and help desks alike. The list replaces the default one; the number 0 is never an id."`
	Dedup           time.Duration     `yaml:"dedup" default:"0s" min:"0s" doc:"For how long after an event was delivered or skipped other records of its partition with its messageId are skipped as duplicate; 0s: off. A takeover reads that much of the responses topic."`
	Start           Start             `yaml:"start" default:"earliest" doc:"Where a group begins with a topic that it has no offset of: earliest, latest or an RFC 3339 time."`
	CommitInterval  time.Duration     `yaml:"commit_interval" default:"1s" min:"10ms" doc:"How often offsets are committed."`
	DrainTimeout    time.Duration     `yaml:"drain_timeout" default:"35s" min:"1ms" doc:"How long calls in flight may take to complete when a partition is revoked or the process stops. Longer than any delivery.timeout, shorter than session_timeout."`
}

// SchemaRegistry is the Confluent schema registry.
type SchemaRegistry struct {
	URLs         []string      `yaml:"urls" doc:"Its addresses; when one gives no answer the next is asked. Empty: no registry."`
	Username     string        `yaml:"username" doc:"For basic authentication."`
	Password     Secret        `yaml:"password" doc:"For basic authentication."`
	Token        Secret        `yaml:"token" doc:"For bearer authentication."`
	TLS          TLS           `yaml:"tls" doc:"Encryption of the connections to it."`
	AutoRegister bool          `yaml:"auto_register" default:"false" doc:"Whether run registers the schema of outcomes, and produce --avro that of events."`
	UnknownGrace time.Duration `yaml:"unknown_grace" default:"30s" min:"0s" doc:"How long a schema id that no address knows holds its partition before its events are dead letters."`
}

// Responses is the topic of outcomes.
type Responses struct {
	Topic  string `yaml:"topic" default:"events.responses" doc:"Never compacted, and kept longer than any stall."`
	Format string `yaml:"format" default:"json" enum:"json,avro" doc:"How outcomes are written."`
	Bodies bool   `yaml:"bodies" default:"true" doc:"false: no bodies of requests and responses on the topic."`
}

// DeadLetters is the topic of what could not be delivered.
type DeadLetters struct {
	Topic    string   `yaml:"topic" default:"dlq.events.deskstream" doc:"Its compacted companion is <topic>.state."`
	Dialects []string `yaml:"dialects" default:"connect,spring,kip1191" enum:"connect,spring,kip1191,xoriginal,streams" doc:"The header sets of other tools to write beside our own."`
	Breaker  Breaker  `yaml:"breaker" doc:"Holds a destination that rejects too much, until a probe is accepted or a person resumes it."`
}

// Breaker holds a destination when too many of the last events were rejected.
type Breaker struct {
	Share float64 `yaml:"share" default:"0.5" min:"0" below:"1" doc:"Hold when more than this share of the last events were rejected; 0: off."`
	Of    int     `yaml:"of" default:"100" min:"1" below:"100001" doc:"How many of the last events that reached the API are looked at."`
	// Invalid counts apart: an event that cannot be mapped reaches no API.
	Invalid float64 `yaml:"invalid" default:"0" min:"0" below:"1" doc:"The same share, of the last 1,000 events, for those that can never be mapped; 0: only warn, at half of them."`
}

// Limits is what one pipeline may hold in memory.
type Limits struct {
	Records int   `yaml:"records" default:"100000" min:"1" doc:"Records."`
	Bytes   Size  `yaml:"bytes" default:"64MiB" min:"1" doc:"Bytes of keys, values and headers."`
	Lanes   int   `yaml:"lanes" default:"50000" min:"1" doc:"Lanes."`
	Span    int64 `yaml:"span" default:"5000000" min:"1" doc:"Offsets from the committed to the newest, per partition."`
}

// HTTP is the program's own endpoints.
type HTTP struct {
	Listen  string `yaml:"listen" default:"127.0.0.1:9400" doc:"/metrics, /healthz and /readyz; empty: off, port 0: a free one, logged."`
	Admin   string `yaml:"admin" default:"127.0.0.1:9401" doc:"Holds, reloads, waiting lanes and profiles (pprof), for trusted hosts; empty: off, port 0: a free one, logged."`
	Console string `yaml:"console" doc:"The web pages of the console, as 127.0.0.1:9402; empty: off, port 0: a free one, logged. Elsewhere than on loopback it needs a login, see console."`
}

// Log is what is logged.
type Log struct {
	Level string `yaml:"level" default:"info" enum:"debug,info,warn,error" reload:"true" doc:"The lowest level that run logs; --log-level overrides it."`
}

// Slog is the level as the logger takes it.
func (l Log) Slog() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // one of the enum's words
	return level
}

// HasKeys reports whether a rule of the destination finds tickets by keys.
func (d Destination) HasKeys() bool { return rules.HaveKeys(d.Rules) }

// KeysTopic is the topic of the keys of destinations, "" where none has keys.
func (c *Config) KeysTopic(of ...Destination) string {
	if !slices.ContainsFunc(of, Destination.HasKeys) {
		return ""
	}
	return c.KeysTopicName()
}

// KeysTopicName is the name of the topic of keys, also where no rule has one.
func (c *Config) KeysTopicName() string { return c.Responses.Topic + ".keys" }

// Group is the consumer group of a destination.
func (c *Config) Group(d Destination) string { return c.Source.Group + "." + d.Name }
