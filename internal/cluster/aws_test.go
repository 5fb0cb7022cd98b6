package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
)

// msk is a cluster that takes AWS_MSK_IAM: it keeps what it was sent, and refuses the key "refused".
type msk struct {
	*kafkatest.Cluster
	mu   sync.Mutex
	sent map[string]string
}

func newMSK(t *testing.T) *msk {
	t.Helper()
	m := &msk{Cluster: kafkatest.Kafka(t)}
	m.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		m.KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
		resp.SupportedMechanisms = []string{"AWS_MSK_IAM"}
		if r.(*kmsg.SASLHandshakeRequest).Mechanism != "AWS_MSK_IAM" {
			resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return resp, nil, true
	})
	m.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		m.KeepControl()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.sent = nil
		resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		err := json.Unmarshal(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, &m.sent)
		if err != nil || strings.HasPrefix(m.sent["x-amz-credential"], "refused/") {
			resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		}
		resp.SASLAuthBytes = []byte(`{"version":"2020_10_22","request-id":"1"}`)
		return resp, nil, true
	})
	return m
}

func (m *msk) got() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// withoutAWS leaves the process without what the machine has of AWS. The instance is at the end of the
// list, and asking it takes seconds where there is none, so a container without an answer stands in.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_DEFAULT_REGION",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", writeFile(t, "credentials", ""))
	t.Setenv("AWS_CONFIG_FILE", writeFile(t, "config", ""))
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://"+closedAddress(t)+"/?token=s3cr3t")
	t.Setenv("AWS_REGION", "eu-west-1")
}

func TestMSKIAM_signsInWithTheKeysOfEachPlace(t *testing.T) {
	cluster := newMSK(t)
	for _, c := range []struct {
		name    string
		aws     config.AWS
		place   func(t *testing.T)
		key     string
		session string
	}{
		{name: "configuration", key: "AKIACONFIG", session: "s1", aws: config.AWS{
			AccessKeyID: sink.NewSecret("AKIACONFIG"), SecretAccessKey: sink.NewSecret("s3cr3t-k3y"), SessionToken: sink.NewSecret("s1"),
		}},
		{name: "environment", key: "AKIAENV", place: func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-k3y")
		}},
		{name: "profile", key: "AKIAFILE", session: "s2", place: func(t *testing.T) {
			t.Setenv("AWS_PROFILE", "kafka")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", writeFile(t, "credentials", "[kafka]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s3cr3t-k3y\naws_session_token = s2\n"))
		}},
		{name: "container", key: "AKIATASK", session: "s3", place: func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprint(w, `{"AccessKeyId":"AKIATASK","SecretAccessKey":"s3cr3t-k3y","Token":"s3","Expiration":"2999-01-01T00:00:00Z"}`)
			}))
			t.Cleanup(server.Close)
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			withoutAWS(t)
			if c.place != nil {
				c.place(t)
			}
			if err := reach(t, config.Kafka{Brokers: cluster.Brokers, SASL: config.SASL{Mechanism: config.MSKIAM, AWS: c.aws}}); err != nil {
				t.Fatal(err)
			}
			got := cluster.got()
			if scope := got["x-amz-credential"]; !strings.HasPrefix(scope, c.key+"/") || !strings.HasSuffix(scope, "/eu-west-1/kafka-cluster/aws4_request") {
				t.Errorf("signed with %q, want the key %s", scope, c.key)
			}
			if got["x-amz-security-token"] != c.session || got["action"] != "kafka-cluster:Connect" || len(got["x-amz-signature"]) != 64 {
				t.Errorf("sent %v", got)
			}
			if !strings.HasPrefix(got["user-agent"], "deskstream/") {
				t.Errorf("the user agent is %q", got["user-agent"])
			}
			for name, value := range got {
				if strings.Contains(value, "s3cr3t") {
					t.Errorf("%s has the secret", name)
				}
			}
		})
	}
}

func TestMSKIAM_aServiceAccountsTokenIsExchangedForKeys(t *testing.T) {
	withoutAWS(t)
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.FormValue("RoleArn") + " " + r.FormValue("WebIdentityToken")
		_, _ = fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>`+
			`<SecretAccessKey>s3cr3t-k3y</SecretAccessKey><SessionToken>s4</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>`+
			`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/kafka")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", writeFile(t, "token", "t0ken"))
	keys, err := awsPlaces{credentials.NewEnvAWS(), credentials.NewIAM(server.URL)}.get(t.Context())
	if err != nil || keys.AccessKeyID != "ASIAWEB" || keys.SessionToken != "s4" || asked != "arn:aws:iam::1:role/kafka t0ken" {
		t.Errorf("got %q, %v after asking for %q", keys.AccessKeyID, err, asked)
	}
}

func TestMSKIAM_aRefusalSaysWhatToLookAt(t *testing.T) {
	cluster := newMSK(t)
	keys := config.AWS{AccessKeyID: sink.NewSecret("refused"), SecretAccessKey: sink.NewSecret("s3cr3t-k3y")}
	for _, c := range []struct {
		name, region, want string
		aws                config.AWS
	}{
		{"no keys", "eu-west-1", "found no keys of AWS", config.AWS{}},
		{"refused keys", "eu-west-1", "kafka-cluster:Connect", keys},
		{"no region", "", "set AWS_REGION", keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			withoutAWS(t)
			t.Setenv("AWS_REGION", c.region)
			err := reach(t, config.Kafka{Brokers: cluster.Brokers, SASL: config.SASL{Mechanism: config.MSKIAM, AWS: c.aws}})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
