package console

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/output"
)

// deed is something that a person did at the console.
type deed struct {
	At                   time.Time
	By, Role             string
	What, Target, Reason string
	Result               string // "" while it is under way
	Failed               bool
	Job                  string // the address of its job, "" without one
}

// maxDeeds is how many deeds are kept for the page; all are in the log.
const maxDeeds = 200

// deeds are the latest, the newest last.
type deeds struct {
	mu   sync.Mutex
	list []*deed
}

// begin notes and logs what somebody begins to do. It is in the log before it is done.
func (c *Console) begin(d deed) *deed {
	d.At = time.Now()
	c.Log.Info("somebody acts at the console", "action", d.What, "target", d.Target, "by", d.By, "role", d.Role, "reason", d.Reason)
	c.deeds.mu.Lock()
	defer c.deeds.mu.Unlock()
	kept := &d
	c.deeds.list = append(c.deeds.list, kept)
	if len(c.deeds.list) > maxDeeds {
		c.deeds.list = c.deeds.list[1:]
	}
	return kept
}

// end notes and logs what became of it.
func (c *Console) end(d *deed, result string, err error) {
	c.deeds.mu.Lock()
	defer c.deeds.mu.Unlock()
	if d.Result = result; err != nil {
		d.Failed, d.Result = true, strings.TrimPrefix(result+": "+output.Error(err), ": ")
	}
	c.Log.Info("an action at the console has ended", "action", d.What, "target", d.Target, "by", d.By, "failed", d.Failed, "result", d.Result)
}

// latest are copies of the deeds, the newest first.
func (d *deeds) latest() []deed {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]deed, 0, len(d.list))
	for i := len(d.list) - 1; i >= 0; i-- {
		list = append(list, *d.list[i])
	}
	return list
}

// The shortest and the longest reason, in bytes.
const (
	minReason = 3
	maxReason = 500
)

// act is what a form asks for, with who and why.
type act struct {
	*visit
	reason string
}

// deed begins to record what the act does.
func (a *act) deed(what, target string) *deed {
	return a.console.begin(deed{By: a.person.Name, Role: a.person.Role, What: what, Target: target, Reason: a.reason})
}

// doAct does what a form asks for and returns the address of the page to show then.
type doAct func(*act) (to string, err error)

// act serves a form to an operator who gives a reason.
func (c *Console) act(do doAct) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := c.visit(w, r)
		if !ok {
			return
		}
		a := &act{visit: v, reason: strings.TrimSpace(r.PostFormValue("reason"))}
		var err error
		switch {
		case !c.settings.Actions:
			err = &refusedError{http.StatusForbidden, "console.actions is false in the configuration: nothing can be changed here"}
		case !v.person.Operator():
			err = &refusedError{http.StatusForbidden, "only operators can change something, and " + v.person.Name + " is a " + v.person.Role}
		case len(a.reason) < minReason || len(a.reason) > maxReason:
			err = &refusedError{http.StatusBadRequest, fmt.Sprintf("say why, in %d to %d characters: the reason goes to the log with your name", minReason, maxReason)}
		}
		var to string
		if err == nil {
			to, err = do(a)
		}
		if err != nil {
			c.showError(w, v, err)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
}

// refusedError is the error of a form that asks for what may not be.
type refusedError struct {
	status int
	text   string
}

// Error implements error.
func (e *refusedError) Error() string { return e.text }

// actionsBody is the page of what people did.
type actionsBody struct {
	Deeds []deed
	Pages paging
}

// actions shows what people did at this console since the process began.
func (c *Console) actions(v *visit) (content, error) {
	list := c.deeds.latest()
	pages, from, to := pagesOf(v, len(list))
	list = list[from:to]
	for i := range list {
		list[i].Target, list[i].Reason, list[i].Result = v.masker.text(list[i].Target), v.masker.text(list[i].Reason), v.masker.text(list[i].Result)
	}
	return content{title: "Actions", template: "actions", body: actionsBody{list, pages}}, nil
}

// hold puts a destination of this process on hold.
func (c *Console) hold(a *act) (string, error) {
	return c.turn(a, "hold", func(name string) (to, result string, err error) {
		here, err := c.Pipelines.Hold(name)
		if here != "" { // the overview does not know that
			return "/actions", "on hold in this instance, until it is resumed or the instance restarts: " + here, err
		}
		return "/", "on hold", err
	})
}

// resume ends the hold of a destination of this process.
func (c *Console) resume(a *act) (string, error) {
	return c.turn(a, "resume", func(name string) (to, result string, err error) {
		return "/", "resumed", c.Pipelines.Resume(name)
	})
}

// turn holds or resumes the destination that the address names. do returns the page to show then, and
// what became of it.
func (c *Console) turn(a *act, what string, do func(name string) (to, result string, err error)) (string, error) {
	name := a.PathValue("destination")
	if c.Pipelines == nil {
		return "", &refusedError{http.StatusConflict, "no pipeline runs in this process: use the console of run, or deskstream " + what + " " + output.Line(name)}
	}
	if _, known := a.cfg.Destination(name); !known {
		return "", &refusedError{http.StatusNotFound, a.cfg.NoDestination(name).Error()}
	}
	d := a.deed(what, name)
	to, result, err := do(name)
	c.end(d, result, err)
	if err != nil {
		return "", &refusedError{http.StatusConflict, err.Error()}
	}
	return to, nil
}
