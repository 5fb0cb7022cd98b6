package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// process is a program that this one started and ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of its end; read it after done
}

// stopBound is how long a process may take to stop when it is told to.
const stopBound = 45 * time.Second

// start starts a program, with variables that it has besides those of this one.
func start(ctx context.Context, command []string, env ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Stderr, p.cmd.Env = os.Stderr, append(os.Environ(), env...)
	return p, p.begin()
}

// startServer starts a program that prints its address first, and gives that back.
func startServer(ctx context.Context, command []string) (p *process, address string, err error) {
	p = &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("starting %s: %w", command[0], err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go p.wait()
	if err != nil {
		p.stop()
		return nil, "", fmt.Errorf("reading the address of %s: %w", strings.Join(command[:2], " "), err)
	}
	return p, strings.TrimSpace(line), nil
}

func (p *process) begin() error {
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.cmd.Path, err)
	}
	go p.wait()
	return nil
}

func (p *process) wait() {
	p.err = p.cmd.Wait()
	close(p.done)
}

// stop ends the process as a service manager does.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(stopBound):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// cpu is the processor time of a process that has ended.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// used is the CPU time of a process so far.
func (p *process) used() (time.Duration, error) { return usedBy(p.cmd.Process.Pid) }

// usedBy is the CPU time so far of a process that runs.
func usedBy(pid int) (time.Duration, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of a process: %w", err)
	}
	stat, err := p.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of a process: %w", err)
	}
	return time.Duration(stat.CPUTime() * float64(time.Second)), nil
}

// peak is the most memory that a process had so far, in bytes. What wait4 says of it when it
// has ended counts the memory of the one that started it, too (Linux, exec_mmap).
func (p *process) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading what memory a process had: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0, fmt.Errorf("reading VmHWM, what memory a process had: %w", err)
	}
	return kib << 10, nil
}

// until asks every 50 ms whether it is so, and gives up when p or ctx ends.
func until(ctx context.Context, p *process, what string, so func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := so(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, context.Cause(ctx))
		case <-p.done:
			return fmt.Errorf("%s ended before %s: %w", p.cmd.Path, what, errors.Join(p.err, errEnded))
		case <-tick.C:
		}
	}
}

var errEnded = errors.New("the process ended")
