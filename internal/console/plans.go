package console

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/redrive"
	"github.com/deskstream/deskstream/sink"
)

// The bounds of the plans that the process holds: how many, how long after one was made or its last apply
// ended, and the bytes of the calls that one shows. A plan of the most letters takes about 20 MiB with
// them. Calls have personal data.
const (
	maxPlans     = 5
	plansKept    = time.Hour
	maxPlanCalls = 8 << 20
)

// heldPlan is a plan that this process holds. Completing it makes another one of the same id.
type heldPlan struct {
	// Plan is sealed and does not change.
	*letters.Plan

	words, by, reason string
	options           redrive.PlanOptions // to complete it
	// why says why it is not finished, "" for one that is.
	why  string
	rows *plannedRows
	held time.Time // since when

	mu      sync.Mutex
	applies []*job
}

// sends is how many letters an apply sends or settles.
func (p *heldPlan) sends() (n int) {
	for verdict, count := range p.Count() {
		if verdict.Applies() {
			n += count
		}
	}
	return n
}

// incomplete is how many letters could not be decided.
func (p *heldPlan) incomplete() int {
	counts := p.Count()
	return counts[letters.Unplanned] + counts[letters.Undecidable]
}

func (p *heldPlan) applying(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.applies = append(p.applies, j); len(p.applies) > maxJobs {
		p.applies = p.applies[1:]
	}
}

// applied are the applies of the plan, the newest last.
func (p *heldPlan) applied() []*job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.applies)
}

// usedAt is when the plan was last made or applied: now while an apply runs.
func (p *heldPlan) usedAt(now time.Time) time.Time {
	at := p.held
	for _, j := range p.applied() {
		ended := j.state().ended
		if ended.IsZero() {
			return now
		}
		if ended.After(at) {
			at = ended
		}
	}
	return at
}

// plans are those that the process holds, the newest last.
type plans struct {
	mu   sync.Mutex
	list []*heldPlan
}

// add takes a plan in, in the place of an older one of its id. The oldest one leaves when there are too
// many.
func (s *plans) add(p *heldPlan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.held = time.Now()
	s.list = slices.DeleteFunc(s.list, func(old *heldPlan) bool { return old.ID == p.ID })
	if s.list = append(s.list, p); len(s.list) > maxPlans {
		s.list = slices.Delete(s.list, 0, 1)
	}
}

// expire drops the plans that nobody has used for plansKept.
func (s *plans) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(p *heldPlan) bool { return now.Sub(p.usedAt(now)) >= plansKept })
}

func (s *plans) find(id string) (*heldPlan, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.list {
		if p.ID == id {
			return p, true
		}
	}
	return nil, false
}

// all are the plans, the newest first.
func (s *plans) all() []*heldPlan {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.list)
	slices.Reverse(list)
	return list
}

// plannedRow is what a plan shows of a letter.
type plannedRow struct {
	eventType, eventID, user string
	steps, keys              []string
	// died says why it died, "" where that is no longer on record.
	died string
	// compared reports whether there are calls, then those that were made and now those that would be.
	compared  bool
	then, now []plannedCall
	// left reports whether the calls are not kept, since those of the plan take too much memory.
	left bool
}

// plannedCall is a call that changes something.
type plannedCall struct{ method, url, body string }

// plannedRows are the rows of a plan by the letters' ids, in the memory that they may take.
type plannedRows struct {
	mu     sync.Mutex
	byID   map[string]*plannedRow
	memory int
}

func newPlannedRows() *plannedRows { return &plannedRows{byID: map[string]*plannedRow{}} }

// take is a redrive.PlanOptions.Show.
func (s *plannedRows) take(r *redrive.Rehearsed) {
	row := &plannedRow{
		eventType: beginning(r.Letter.EventType), eventID: beginning(r.Letter.EventID), user: beginning(r.Letter.Lane), steps: r.Steps, keys: r.Keys,
		compared: r.Compares(),
	}
	if row.compared {
		row.then, row.now = plannedCalls(r.Then), plannedCalls(r.Now)
		if r.Then != nil {
			row.died = redrive.ReasonOf(r.Then)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.byID[r.Planned.ID]; before != nil { // it is planned again
		s.memory -= before.size()
	}
	if size := row.size(); s.memory+size <= maxPlanCalls {
		s.memory += size
	} else {
		row.then, row.now, row.steps, row.keys, row.died, row.left = nil, nil, nil, nil, "", true
	}
	s.byID[r.Planned.ID] = row
}

func (s *plannedRows) of(id string) *plannedRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.byID[id]; row != nil {
		return row
	}
	return new(plannedRow)
}

// maxPlannedName is how much of the names of an event a plan keeps, in bytes.
const maxPlannedName = 200

// beginning is a copy of the beginning of a name, without a part of a character: the name itself can be
// long, and is not kept.
func beginning(name string) string {
	return strings.ToValidUTF8(strings.Clone(name[:min(len(name), maxPlannedName)]), "")
}

func plannedCalls(o *sink.Outcome) (list []plannedCall) {
	if o == nil {
		return nil
	}
	for _, call := range redrive.Writes(o) {
		c := plannedCall{method: call.Method, url: call.URL}
		if !call.Request.IsZero() {
			c.body = call.Request.String()
		}
		list = append(list, c)
	}
	return list
}

// size is about how many bytes of memory the texts take.
func (r *plannedRow) size() (n int) {
	for _, list := range [][]string{r.steps, r.keys, {r.died}} {
		for _, text := range list {
			n += len(text)
		}
	}
	for _, list := range [][]plannedCall{r.then, r.now} {
		for _, call := range list {
			n += len(call.method) + len(call.url) + len(call.body) + 64
		}
	}
	return n
}

// planSummary is a plan in the list of them.
type planSummary struct {
	ID, By, Words, Link string
	Made                time.Time
	Letters, Sends      int
	Unfinished          bool
}

// planList shows the plans that the process holds.
func (c *Console) planList(v *visit) (content, error) {
	var list []planSummary
	for _, p := range c.plans.all() {
		list = append(list, planSummary{
			ID: p.ID, By: p.by, Words: v.masker.text(p.words), Link: address("/plan/"+p.ID, v.keep(nil)), Made: p.Created,
			Letters: len(p.Letters), Sends: p.sends(), Unfinished: p.incomplete() > 0,
		})
	}
	return content{title: "Plans", template: "plans", body: list}, nil
}
