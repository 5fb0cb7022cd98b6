package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
)

// job is work that goes on when its page is left: letters that are discarded, planned or sent.
type job struct {
	ID, What, Words, By, Reason string
	Began                       time.Time
	cancel                      context.CancelFunc
	notes                       notes

	mu       sync.Mutex
	ended    time.Time
	out      strings.Builder
	err      error
	stopped  bool
	progress func() string      // of the engine, nil when it shows none
	now      func() jobProgress // how far it is, nil for a job that does not say
	link     jobLink
}

// jobLink leads to what a job has made.
type jobLink struct{ To, Text string }

// jobProgress is how far a job is.
type jobProgress struct {
	Done, Total int
	Facts       []jobFact
	Waits       []string
}

// jobFact is one figure of it.
type jobFact struct{ Name, Value string }

// leadsTo sets where the job's page leads.
func (j *job) leadsTo(to, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.link = jobLink{to, text}
}

// watch sets what says how far the job is.
func (j *job) watch(now func() jobProgress) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now = now
}

// jobState is what became of a job.
type jobState struct {
	running, stopped bool
	ended            time.Time
	result           string // the last line that its engine has printed
	err              error
}

func (j *job) state() jobState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return jobState{j.ended.IsZero(), j.stopped, j.ended, lastLine(j.out.String()), j.err}
}

// text is the state in a line.
func (s jobState) text() string {
	switch {
	case s.running:
		return "under way"
	case s.err != nil:
		return strings.TrimPrefix(s.result+": "+output.Error(s.err), ": ")
	}
	return s.result
}

// maxOut is how much of what an engine prints is kept, in bytes.
const maxOut = 1 << 20

// Write implements io.Writer for what an engine prints.
func (j *job) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.out.Len() < maxOut {
		j.out.Write(p)
	}
	return len(p), nil
}

// jobNotes is where an engine writes its notes and shows its progress.
type jobNotes struct{ *job }

var _ output.Shower = jobNotes{}

// Write implements io.Writer.
func (n jobNotes) Write(p []byte) (int, error) { return n.notes.Write(p) }

// ShowProgress implements output.Shower.
func (n jobNotes) ShowProgress(line func() string) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.progress = line
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.progress = nil
	}
}

// maxJobs is how many jobs that have ended are kept.
const maxJobs = 20

// jobs are the jobs of a console, of which one runs at a time.
type jobs struct {
	mu     sync.Mutex
	list   []*job          // the newest last
	ctx    context.Context // a job outlives the request that begins it
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newJobs() *jobs {
	j := new(jobs)
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

// close ends the jobs and waits for them.
func (s *jobs) close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
}

// find returns the job of an id.
func (s *jobs) find(id string) (*job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.list {
		if j.ID == id {
			return j, true
		}
	}
	return nil, false
}

// current is the job of that kind that runs, nil for none.
func (s *jobs) current(what string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.list {
		if j.What == what && j.running() {
			return j
		}
	}
	return nil
}

// add takes a job in, unless another one runs or the console ends.
func (s *jobs) add(j *job) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, &refusedError{http.StatusConflict, "the console is ending"}
	}
	for _, other := range s.list {
		if other.running() {
			return nil, &refusedError{http.StatusConflict, "another job runs at this console, " + other.What + " by " + other.By + ": wait for its end, or stop it"}
		}
	}
	if s.list = append(s.list, j); len(s.list) > maxJobs {
		s.list = s.list[1:]
	}
	ctx, cancel := context.WithCancel(s.ctx)
	j.cancel = cancel
	s.wg.Add(1)
	return ctx, nil
}

func (j *job) running() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ended.IsZero()
}

// start begins a job for letters and returns the address of its page.
func (c *Console) start(a *act, what, words string, run func(context.Context, *job, journal.Options) error) (string, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	j := &job{ID: hex.EncodeToString(id[:]), What: what, Words: words, By: a.person.Name, Reason: a.reason, Began: time.Now()}
	ctx, err := c.jobs.add(j)
	if err != nil {
		return "", err
	}
	d := c.begin(deed{By: j.By, Role: a.person.Role, What: what, Target: words, Reason: j.Reason, Job: "/job/" + j.ID})
	options := journal.Options{Config: a.cfg, Log: c.Log, Notes: jobNotes{j}}
	go func() {
		defer c.jobs.wg.Done()
		defer j.cancel()
		err := run(ctx, j, options)
		if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			err = errors.New("stopped")
		}
		j.finish(err, ctx.Err() != nil)
		c.end(d, j.state().result, err)
	}()
	return "/job/" + j.ID, nil
}

// finish notes how the job has ended. How far it was is asked once more and kept: the engine, with the
// letters that it holds, is not, and an ended job waits for nothing.
func (j *job) finish(err error, told bool) {
	j.mu.Lock()
	now := j.now
	j.mu.Unlock()
	if now != nil { // not under the lock: the engine has its own
		last := now()
		last.Waits = nil
		now = func() jobProgress { return last }
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now, j.ended, j.err, j.stopped = now, time.Now(), err, err != nil && told
}

// lastLine is the last line of a text: engines print their sum there.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// jobBody is the page of a job.
type jobBody struct {
	ID, What, Words, By, Reason string
	Began                       time.Time
	Running, Failed, Stopped    bool
	Progress, Result, Error     string
	Link                        jobLink
	Now                         *jobProgress // nil for a job that does not say
	Notes                       []string
	Stop                        bool // the reader may stop it
	// Stopping reports whether the reader is about to: the page is not loaded again, which would take
	// away what is typed.
	Stopping bool
}

// job shows how far a job is.
func (c *Console) job(v *visit) (content, error) {
	j, ok := c.jobs.find(v.PathValue("id"))
	if !ok {
		return content{}, journal.NotFound("no job has this id: jobs are known to the process that runs them, until it ends")
	}
	state := j.state()
	body := jobBody{
		ID: j.ID, What: j.What, Words: v.masker.text(j.Words), By: j.By, Reason: v.masker.text(j.Reason), Began: j.Began,
		Running: state.running, Failed: state.err != nil, Stopped: state.stopped, Result: v.masker.text(state.result),
	}
	if state.err != nil {
		body.Error = v.masker.text(output.Error(state.err))
	}
	j.mu.Lock()
	progress, now := j.progress, j.now
	body.Link = j.link
	j.mu.Unlock()
	if now != nil { // not under the lock: the engine has its own
		far := now()
		far.Waits = v.masker.texts(far.Waits)
		body.Now = &far
	} else if progress != nil {
		body.Progress = v.masker.text(progress())
	}
	for _, line := range j.notes.lines() {
		body.Notes = append(body.Notes, v.masker.text(line))
	}
	body.Stop = body.Running && c.mayAct(v.person)
	body.Stopping = body.Stop && v.query("stop") != ""
	return content{title: "Job: " + j.What, template: "job", body: body, refresh: body.Running && !body.Stopping}, nil
}

// stopJob ends a job. What it has done stays done.
func (c *Console) stopJob(a *act) (string, error) {
	j, ok := c.jobs.find(a.PathValue("id"))
	if !ok || !j.running() {
		return "", &refusedError{http.StatusConflict, "this job does not run"}
	}
	d := a.deed("stop", j.What+" of "+j.Words)
	j.cancel()
	c.end(d, "stopped", nil)
	return "/job/" + j.ID, nil
}
