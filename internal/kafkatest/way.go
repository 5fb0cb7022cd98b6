//go:build kafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/testcontainers/testcontainers-go"
)

// The environment variables that decide where brokers come from.
const (
	// brokersVariable names brokers that run already, separated by commas.
	brokersVariable = "KAFKA_BROKERS"
	// wayVariable asks for one way; without it the first that works is taken.
	wayVariable = "KAFKATEST_WAY"
)

// way is one way to get brokers.
type way string

const (
	wayBrokers way = "brokers" // those of KAFKA_BROKERS
	wayDocker  way = "docker"  // testcontainers
	wayJars    way = "jars"    // deploy/kafka-without-docker
)

var errNoBroker = errors.New("there is no way to a broker: set KAFKA_BROKERS to one that runs, " +
	"or start Docker, or install Java 17 or later and curl")

// brokers is how many brokers a cluster has.
func (w way) brokers() int {
	if w == wayJars {
		return 3
	}
	return 1
}

// chosenWay is the way that KAFKATEST_WAY asks for, else the first that works.
func chosenWay(ctx context.Context) (way, error) {
	switch asked := way(os.Getenv(wayVariable)); asked {
	case "":
	case wayBrokers:
		if os.Getenv(brokersVariable) == "" {
			return "", fmt.Errorf("%s=%s needs %s", wayVariable, asked, brokersVariable)
		}
		return asked, nil
	case wayDocker:
		if err := dockerAnswers(ctx); err != nil {
			return "", fmt.Errorf("%s=%s needs Docker: %w", wayVariable, asked, err)
		}
		return asked, nil
	case wayJars:
		if err := haveJava(); err != nil {
			return "", fmt.Errorf("%s=%s needs Java 17 or later and curl: %w", wayVariable, asked, err)
		}
		return asked, nil
	default:
		return "", fmt.Errorf("%s is %q, not %s, %s or %s", wayVariable, asked, wayBrokers, wayDocker, wayJars)
	}
	if os.Getenv(brokersVariable) != "" {
		return wayBrokers, nil
	}
	return ownOf(ctx)
}

// ownWay is the way to a cluster of a test's own.
func ownWay(ctx context.Context, c ApacheConfig) (way, error) {
	if c.Brokers > 1 || c.Disturbed {
		if err := haveJava(); err != nil {
			return "", fmt.Errorf("a cluster of several brokers, or of brokers that are stopped, needs Java 17 or later and curl: %w", err)
		}
		return wayJars, nil
	}
	if asked := way(os.Getenv(wayVariable)); asked != "" && asked != wayBrokers {
		return chosenWay(ctx)
	}
	return ownOf(ctx)
}

// ownOf is the first of the ways that start brokers which works.
func ownOf(ctx context.Context) (way, error) {
	if dockerAnswers(ctx) == nil {
		return wayDocker, nil
	}
	if haveJava() == nil {
		return wayJars, nil
	}
	return "", errNoBroker
}

// dockerAnswers is nil when a Docker engine can be used.
func dockerAnswers(ctx context.Context) error {
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return err
	}
	return provider.Health(ctx) // which closes it
}

// haveJava is nil when there is what the script with the jars needs. It looks at the
// version itself.
func haveJava() error {
	for _, program := range []string{"bash", "java", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	return nil
}
