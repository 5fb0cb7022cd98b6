//go:build kafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// jars runs brokers from the published jars, by the script that users have too.
type jars struct {
	script, dir string
	args, env   []string
	// guard ends the brokers when its input closes: at the end, and also when the test's
	// process dies.
	guard *exec.Cmd
	alive io.Closer
}

func startJars(ctx context.Context, c ApacheConfig, port int) (*jars, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "deskstream-kafka-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the brokers: %w", err)
	}
	j := &jars{
		script: filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "deploy", "kafka-without-docker", "kafka.sh"),
		dir:    filepath.Join(dir, "cluster"),
		args:   []string{"--brokers", strconv.Itoa(c.Brokers), "--port", strconv.Itoa(port)},
		env:    append(os.Environ(), "KAFKA_OPTS="+strings.Join(c.javaOptions(dir), " ")),
	}
	for _, name := range c.Listeners {
		j.args = append(j.args, "--listener", name)
	}
	for _, line := range sorted(c.properties(dir)) {
		j.args = append(j.args, "-o", line)
	}
	for name, content := range c.Files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing a file for the brokers: %w", err)
		}
	}
	if err := j.watch(dir); err != nil {
		return nil, err
	}
	if err := j.start(ctx); err != nil {
		return nil, errors.Join(err, j.end())
	}
	return j, nil
}

// watch starts the guard. A signal to the test's process group is not for it.
func (j *jars) watch(dir string) error {
	// It outlives the context: that is what it is for.
	j.guard = exec.CommandContext(context.Background(), "bash", "-c", `trap "" INT TERM HUP; cat; "$1" stop --dir "$2" --delete; rm -rf "$3"`, "guard", j.script, j.dir, dir)
	j.guard.Stderr = os.Stderr
	input, err := j.guard.StdinPipe()
	if err != nil {
		return fmt.Errorf("opening a pipe to the guard of the brokers: %w", err)
	}
	j.alive = input
	if err := j.guard.Start(); err != nil {
		return fmt.Errorf("starting the guard of the brokers: %w", err)
	}
	return nil
}

func (j *jars) run(ctx context.Context, command string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, j.script, append([]string{command, "--dir", j.dir}, args...)...)
	cmd.Env = j.env
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return "", fmt.Errorf("kafka.sh %s: %w: %s", command, err, exit.Stderr)
	}
	return string(out), err
}

// start starts the brokers that do not run.
func (j *jars) start(ctx context.Context) error {
	_, err := j.run(ctx, "start", j.args...)
	return err
}

// pid is a broker's process, 0 if it does not run.
func (j *jars) pid(ctx context.Context, broker int) (int, error) {
	out, err := j.run(ctx, "status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == strconv.Itoa(broker) {
			return strconv.Atoi(fields[2])
		}
	}
	return 0, nil
}

func (j *jars) signal(ctx context.Context, broker int, s syscall.Signal) error {
	pid, err := j.pid(ctx, broker)
	if err != nil {
		return err
	}
	if pid == 0 {
		return errors.New("the broker does not run")
	}
	return syscall.Kill(pid, s)
}

func (j *jars) end() error {
	return errors.Join(j.alive.Close(), j.guard.Wait())
}
