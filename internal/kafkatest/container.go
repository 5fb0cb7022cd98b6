//go:build kafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const (
	kafkaImage = "apache/kafka:" + kafkaVersion
	// imageFiles is where the image's users put secrets, imageConfig where they put a
	// configuration.
	imageFiles  = "/etc/kafka/secrets"
	imageConfig = "/mnt/shared/config/server.properties"
)

// startContainer starts one broker in a container and gives what ends it. Ports are the
// same inside and outside, on loopback, so that the broker's address is known before it
// starts. The engine is taken to be on this machine.
func startContainer(ctx context.Context, c ApacheConfig, port int) (end func() error, err error) {
	properties := singleBroker(c, port)
	maps.Copy(properties, c.properties(imageFiles))
	ports := []int{port}
	for i := range c.Listeners {
		ports = append(ports, port+2+i)
	}
	bindings := network.PortMap{}
	request := testcontainers.ContainerRequest{
		Image:              kafkaImage,
		Env:                map[string]string{"KAFKA_HEAP_OPTS": "-Xmx512m", "KAFKA_OPTS": strings.Join(c.javaOptions(imageFiles), " ")},
		WaitingFor:         wait.ForLog("Kafka Server started").WithStartupTimeout(answerTimeout),
		Files:              []testcontainers.ContainerFile{file(imageConfig, strings.Join(sorted(properties), "\n")+"\n")},
		HostConfigModifier: func(h *container.HostConfig) { h.PortBindings = bindings },
	}
	for _, p := range ports {
		text := strconv.Itoa(p)
		request.ExposedPorts = append(request.ExposedPorts, text+"/tcp")
		bindings[network.MustParsePort(text+"/tcp")] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: text}}
	}
	for name, content := range c.Files {
		request.Files = append(request.Files, file(imageFiles+"/"+name, string(content)))
	}
	started, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{ContainerRequest: request, Started: true})
	end = func() error {
		return testcontainers.TerminateContainer(started, testcontainers.StopTimeout(time.Millisecond))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the image %s, which %s=%s does without: %w", kafkaImage, wayVariable, wayJars, err), end())
	}
	return end, nil
}

func file(path, content string) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{Reader: strings.NewReader(content), ContainerFilePath: path, FileMode: 0o644}
}

// singleBroker are the properties of a broker that is the controller too.
func singleBroker(c ApacheConfig, port int) map[string]string {
	controller := port + 1
	listeners, advertised := fmt.Sprintf("CONTROLLER://:%d,PLAINTEXT://:%d", controller, port), fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", port)
	for i, name := range c.Listeners {
		listeners += fmt.Sprintf(",%s://:%d", name, port+2+i)
		advertised += fmt.Sprintf(",%s://127.0.0.1:%d", name, port+2+i)
	}
	return map[string]string{
		"process.roles": "broker,controller", "node.id": "1",
		"controller.quorum.voters":   fmt.Sprintf("1@127.0.0.1:%d", controller),
		"controller.listener.names":  "CONTROLLER",
		"inter.broker.listener.name": "PLAINTEXT",
		"listeners":                  listeners, "advertised.listeners": advertised,
		"listener.security.protocol.map":           "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
		"log.dirs":                                 "/tmp/kraft-combined-logs",
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
		"share.coordinator.state.topic.replication.factor": "1", "share.coordinator.state.topic.min.isr": "1",
		"group.initial.rebalance.delay.ms": "0",
	}
}
