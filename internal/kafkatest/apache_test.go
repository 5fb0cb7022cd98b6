//go:build kafka

package kafkatest_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

func TestApache_keepsItsDataThroughStopsAndKills(t *testing.T) {
	a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 1, Disturbed: true})
	a.CreateTopic(t, "events", 1, "retention.ms", "-1")
	produce := func(value string) {
		t.Helper()
		a.Produce(t, &kgo.Record{Topic: "events", Value: []byte(value)})
	}
	produce("a")
	for _, end := range []func(testing.TB, int){a.Kill, a.Stop} {
		end(t, 1)
		a.Restart(t)
		produce("b")
	}
	a.Pause(t, 1)
	a.Resume(t, 1)
	produce("c")
	if got := a.Consume(t, "events"); len(got) != 4 {
		t.Errorf("%d records, want 4", len(got))
	}
	if got := a.EndOffsets(t, "events")[0]; got != 4 {
		t.Errorf("the end is %d, want 4", got)
	}
}

func TestApache_hasTheListenersPropertiesAndFilesOfTheTest(t *testing.T) {
	a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{
		Brokers:    1,
		Listeners:  []string{"SASL_PLAINTEXT"},
		Properties: map[string]string{"sasl.enabled.mechanisms": "PLAIN"},
		Files: map[string][]byte{"jaas.conf": []byte(`KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="s3cr3t";
};
`)},
		JavaOptions: []string{"-Djava.security.auth.login.config=" + kafkatest.FilesDir + "/jaas.conf"},
	})
	for password, good := range map[string]bool{"s3cr3t": true, "other": false} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(a.Listener("SASL_PLAINTEXT")...),
			kgo.SASL(plain.Auth{User: "alice", Pass: password}.AsMechanism()))
		if err != nil {
			t.Fatal(err)
		}
		err = cl.Ping(t.Context())
		cl.Close()
		if (err == nil) != good {
			t.Errorf("with the password %s: %v", password, err)
		}
	}
}
