package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
)

// These tests read docker-compose.yml as docker compose does, and need no Docker.

const (
	repository  = "../.."
	composeFile = repository + "/docker-compose.yml"
	stackConfig = repository + "/deploy/stack/deskstream.yaml"
	envExample  = repository + "/.env.example"
	dockerfile  = repository + "/deploy/Dockerfile"
)

// stack loads the compose file with an environment.
func stack(t *testing.T, env map[string]string) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml")}},
	}, func(o *loader.Options) { o.ResolvePaths = true })
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) < 5 {
		t.Fatalf("only %d services", len(project.Services))
	}
	return project
}

// exampleEnv is what .env.example sets.
func exampleEnv(t *testing.T) map[string]string {
	t.Helper()
	env, err := dotenv.Read(envExample)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// lookup finds variables as a container's process does.
func lookup(env map[string]string) config.LookupFunc {
	return func(name string) (string, bool) { value, found := env[name]; return value, found }
}

// serviceEnv is the environment of a service's container.
func serviceEnv(service types.ServiceConfig) map[string]string {
	env := make(map[string]string)
	for name, value := range service.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}

// stackSettings reads the configuration as a service's container does.
func stackSettings(t *testing.T, service types.ServiceConfig) (*config.Config, error) {
	t.Helper()
	return config.Load(stackConfig, lookup(serviceEnv(service)))
}

// pinned is an image with a version in its tag.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9][\w.-]*$`)

func TestStack_imagesArePinnedPortsAreOnLoopbackAndHealthIsChecked(t *testing.T) {
	t.Parallel()
	for name, service := range stack(t, nil).Services {
		if service.Build == nil && !pinned.MatchString(service.Image) {
			t.Errorf("%s: the image %q has no version", name, service.Image)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" || port.Published == "" {
				t.Errorf("%s: port %d is published as %q at %q, not as a number at 127.0.0.1", name, port.Target, port.Published, port.HostIP)
			}
		}
		if service.HealthCheck == nil || service.HealthCheck.Disable || len(service.HealthCheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
		for on, condition := range service.DependsOn {
			if condition.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s starts when %s has %s, not when it is healthy", name, on, condition.Condition)
			}
		}
		if service.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: a crash restarts it %q", name, service.Restart)
		}
	}
}

var userLine = regexp.MustCompile(`(?m)^USER ([1-9][0-9]*):[1-9][0-9]*$`)

// Our own containers are as closed as they can be.
func TestStack_ownContainersHaveNoRightThatTheyDoNotNeed(t *testing.T) {
	t.Parallel()
	final := readFile(t, dockerfile)
	final = final[strings.LastIndex(final, "\nFROM "):]
	if !strings.HasPrefix(final, "\nFROM scratch\n") || !userLine.MatchString(final) {
		t.Errorf("the image does not begin from scratch, or its user is not a number other than 0:\n%s", final)
	}
	own := 0
	for name, service := range stack(t, nil).Services {
		if service.Build == nil {
			continue
		}
		own++
		if !service.ReadOnly || service.Privileged || service.User != "" || len(service.CapAdd) > 0 ||
			!slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only %v, privileged %v, user %q, cap_add %v, cap_drop %v, security_opt %v", name,
				service.ReadOnly, service.Privileged, service.User, service.CapAdd, service.CapDrop, service.SecurityOpt)
		}
		if service.Image != "deskstream:local" || service.Build.Dockerfile != "deploy/Dockerfile" {
			t.Errorf("%s is not the one image: %s of %s", name, service.Image, service.Build.Dockerfile)
		}
	}
	if own != 5 {
		t.Errorf("%d services are of our image, want deskstream, receive, export, stub and producer", own)
	}
}

func TestStack_theConfigurationIsAcceptedAndFitsTheContainer(t *testing.T) {
	t.Parallel()
	service := stack(t, nil).Services["deskstream"]
	cfg, err := stackSettings(t, service)
	if err != nil {
		t.Fatal(err)
	}
	if grace := time.Duration(*service.StopGracePeriod); grace <= cfg.Source.DrainTimeout+5*time.Second {
		t.Errorf("it is killed after %v, and may take %v and 5s to stop", grace, cfg.Source.DrainTimeout)
	}
	if cfg.HTTP.Listen != "0.0.0.0:9400" || cfg.HTTP.Admin != "0.0.0.0:9401" {
		t.Errorf("it listens at %q and %q, which cannot be published", cfg.HTTP.Listen, cfg.HTTP.Admin)
	}
	var published []string
	for _, port := range service.Ports {
		published = append(published, "0.0.0.0:"+port.Published)
	}
	if diff := cmp.Diff([]string{cfg.HTTP.Listen, cfg.HTTP.Admin}, published); diff != "" {
		t.Errorf("published ports (-listening +published):\n%s", diff)
	}
}

// Every command line of our containers is one that the program takes.
func TestStack_theCommandsExist(t *testing.T) {
	t.Parallel()
	health := regexp.MustCompile(`CMD (\[.*\])`).FindStringSubmatch(readFile(t, dockerfile))
	if health == nil || !strings.Contains(health[1], `"health", "http://127.0.0.1:9400/readyz"`) {
		t.Error("the image has no health check")
	}
	for name, service := range stack(t, nil).Services {
		if service.Build == nil {
			continue
		}
		lines := [][]string{service.Command}
		if test := service.HealthCheck.Test; len(test) > 2 && test[0] == "CMD" && test[1] == "/deskstream" {
			lines = append(lines, test[2:])
		}
		for _, line := range lines {
			root := newRootCommand(&app{}, new(bool))
			cmd, args, err := root.Find(line)
			if err == nil && cmd == root {
				err = cmd.Help()
			}
			if err == nil {
				err = cmd.ParseFlags(args)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil || cmd == root {
				t.Errorf("%s: %q is no command of the program: %v", name, line, err)
			}
		}
	}
}

// What is mounted, built from or copied is in the repository.
func TestStack_everyFileExists(t *testing.T) {
	t.Parallel()
	mounted := 0
	for name, service := range stack(t, nil).Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			mounted++
			if _, err := os.Stat(volume.Source); err != nil || !volume.ReadOnly {
				t.Errorf("%s mounts %s, read-only %v: %v", name, volume.Source, volume.ReadOnly, err)
			}
		}
		if service.Build != nil {
			if _, err := os.Stat(filepath.Join(service.Build.Context, service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if mounted < 5 {
		t.Errorf("only %d files are mounted", mounted)
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(readFile(t, dockerfile), -1) {
		for source := range strings.FieldsSeq(m[1]) {
			if _, err := os.Stat(filepath.Join(repository, source)); err != nil {
				t.Errorf("the image copies %s: %v", source, err)
			}
			if !strings.Contains(readFile(t, repository+"/.dockerignore"), "\n!"+source+"\n") && source != "go.sum" {
				t.Errorf("the image copies %s, which .dockerignore leaves out", source)
			}
		}
	}
}

var composeVariable = regexp.MustCompile(`\$\{(\w+)(:-[^}]*)?\}`)

// .env.example says what can be set, and what happens when nothing is.
func TestStack_everyVariableHasTheDefaultOfTheExample(t *testing.T) {
	t.Parallel()
	example, read := exampleEnv(t), map[string]string{}
	for _, path := range []string{composeFile, stackConfig} {
		for _, m := range composeVariable.FindAllStringSubmatch(readFile(t, path), -1) {
			if m[1] == "NAME" { // what a comment is about
				continue
			}
			if m[2] == "" {
				t.Errorf("%s: ${%s} has no default", path, m[1])
			}
			read[m[1]] = strings.TrimPrefix(m[2], ":-")
		}
	}
	if diff := cmp.Diff(read, example); diff != "" {
		t.Errorf(".env.example differs from what the files read (-read +example):\n%s", diff)
	}
	// What the configuration reads gets into the container that reads it.
	settings := composeVariable.FindAllStringSubmatch(readFile(t, stackConfig), -1)
	set := make(map[string]string)
	for _, m := range settings {
		set[m[1]] = "set"
	}
	for _, name := range []string{"deskstream", "receive", "export"} {
		got := serviceEnv(stack(t, set).Services[name])
		for _, m := range settings {
			if m[1] != "NAME" && got[m[1]] != "set" {
				t.Errorf("%s is not handed to the container of %s", m[1], name)
			}
		}
	}
}

// realEnv is .env of somebody who delivers to real help desks from a cluster of his own.
func realEnv() map[string]string {
	return map[string]string{
		"KAFKA_BROKERS": "broker-1:9093,broker-2:9093", "KAFKA_TLS": "true",
		"KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "secret",
		"TRENGO_BASE_URL": "https://app.trengo.com/api/v2", "TRENGO_API_TOKEN": "token-for-trengo", "TRENGO_CHANNEL_ID": "7",
		"KUSTOMER_BASE_URL": "https://api.kustomerapp.com", "KUSTOMER_API_KEY": "key-for-kustomer", "ALLOW_INSECURE": "false",
	}
}

func TestStack_realClustersAndHelpDesksComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	services := stack(t, realEnv()).Services
	cfg, err := stackSettings(t, services["deskstream"])
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, d := range cfg.Destinations {
		urls = append(urls, d.BaseURL())
	}
	if diff := cmp.Diff([]string{"https://app.trengo.com/api/v2", "https://api.kustomerapp.com"}, urls); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if k := cfg.Kafka; !slices.Equal(k.Brokers, []string{"broker-1:9093", "broker-2:9093"}) || !k.TLS.Enabled || k.SASL.Mechanism != config.ScramSHA512 {
		t.Errorf("the cluster is %+v", k)
	}
	plain := realEnv()
	plain["TRENGO_BASE_URL"] = "http://app.trengo.com/api/v2"
	if _, err := stackSettings(t, stack(t, plain).Services["deskstream"]); err == nil {
		t.Error("ALLOW_INSECURE=false lets a token travel in plain http")
	}
}

// The events of the producer are made up: they stay in the stack's own cluster, and are
// not even made when a help desk is real.
func TestStack_madeUpEventsReachNothingReal(t *testing.T) {
	t.Parallel()
	producer := stack(t, realEnv()).Services["producer"]
	cfg, err := stackSettings(t, producer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kafka:9092"}, cfg.Kafka.Brokers); diff != "" || cfg.Kafka.TLS.Enabled || cfg.Kafka.SASL.Mechanism != "" {
		t.Errorf("it writes to the cluster %+v", cfg.Kafka)
	}
	for name := range serviceEnv(producer) {
		if strings.Contains(name, "TOKEN") || strings.Contains(name, "KEY") || strings.Contains(name, "PASSWORD") {
			t.Errorf("it is given %s", name)
		}
	}
	env := serviceEnv(producer)
	env["KAFKA_BROKERS"] = "127.0.0.1:1" // were it not refused, it would find no broker
	got := runWith(t.Context(), lookup(env), "", "produce", "-c", stackConfig, "--sample")
	got.want(t, exitUsage, "", "--sample is for stub help desks")
}
