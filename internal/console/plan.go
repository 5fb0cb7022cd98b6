package console

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/redrive"
)

// The bounds of the pages of plans: how many letters one has, and the bytes that the calls of one
// letter take there and on a page of their own.
const (
	plannedPerPage = 20
	maxInlineDiff  = 4_000
	maxDiffPage    = 100_000
)

// planBody is the page of a plan.
type planBody struct {
	*letters.Plan

	Words, By, Reason, Why string
	Verdicts               []verdictCount
	Sends, Incomplete      int
	May                    bool   // the reader may act
	MaxFail                string // percent, as the form suggests
	File                   string // the address of the file, "" for who may not have it
	Applies                []appliedRow
	Verdict                letters.Verdict // those that are shown, "" for all
	Everything             string          // the address of all
	Shown                  int
	Rows                   []plannedView
	Pages                  paging
}

// verdictCount is how many letters have a verdict.
type verdictCount struct {
	Verdict letters.Verdict
	Count   int
	Applies bool
	Link    string
}

// appliedRow is an apply of the plan.
type appliedRow struct {
	By, Link, Result string
	Began            time.Time
	Running          bool
}

// plannedView is one letter of a plan.
type plannedView struct {
	letters.Planned

	Text, EventType, EventID, User string
	Link                           string
	Steps, Keys                    []string
	Diff                           *diffView
}

// heldPlan returns the plan that an address names.
func (c *Console) heldPlan(r *http.Request) (*heldPlan, error) {
	p, ok := c.plans.find(r.PathValue("id"))
	if !ok {
		return nil, journal.NotFound("no plan has this id: the process that makes plans holds the newest %d of them, each for an hour after it was made or applied last: plan again", maxPlans)
	}
	return p, nil
}

// plan shows a plan: its verdicts, and beside what was sent then what would be sent now.
func (c *Console) plan(v *visit) (content, error) {
	p, err := c.heldPlan(v.Request)
	if err != nil {
		return content{}, err
	}
	if err := unknownField(v.URL.Query(), []string{"verdict"}, pageNames); err != nil {
		return content{}, err
	}
	at := "/plan/" + p.ID
	body := planBody{
		Plan: p.Plan, Words: v.masker.text(p.words), By: p.by, Reason: v.masker.text(p.reason), Why: v.masker.text(p.why), Verdicts: verdictsOf(v, p),
		Sends: p.sends(), Incomplete: p.incomplete(), May: c.mayAct(v.person), MaxFail: strconv.Itoa(suggestedMaxFail),
		Verdict: letters.Verdict(v.query("verdict")), Everything: address(at, v.keep(nil)),
	}
	if c.mayHaveFile(v.person) {
		body.File = at + "/file"
	}
	for _, j := range slices.Backward(p.applied()) {
		state := j.state()
		body.Applies = append(body.Applies, appliedRow{By: j.By, Began: j.Began, Link: "/job/" + j.ID, Running: state.running, Result: v.masker.text(state.text())})
	}
	var picked []int
	for i := range p.Letters {
		if body.Verdict == "" || p.Letters[i].Verdict == body.Verdict {
			picked = append(picked, i)
		}
	}
	body.Shown = len(picked)
	pages, from, to := pagesBy(v, len(picked), plannedPerPage, redrive.MaxLetters/plannedPerPage)
	body.Pages = pages
	for _, i := range picked[from:to] {
		body.Rows = append(body.Rows, v.planned(p, &p.Letters[i], maxInlineDiff))
	}
	return content{title: "Plan " + p.ID, template: "plan", body: body}, nil
}

func verdictsOf(v *visit, p *heldPlan) (list []verdictCount) {
	for verdict, count := range p.Count() {
		list = append(list, verdictCount{verdict, count, verdict.Applies(), address("/plan/"+p.ID, v.keep(url.Values{"verdict": {string(verdict)}}))})
	}
	slices.SortFunc(list, func(a, b verdictCount) int {
		if a.Applies != b.Applies {
			return map[bool]int{true: -1, false: 1}[a.Applies]
		}
		return b.Count - a.Count
	})
	return list
}

// planned is a letter of a plan with a diff of at most so many bytes.
func (v *visit) planned(p *heldPlan, l *letters.Planned, most int) plannedView {
	m, row := v.masker, p.rows.of(l.ID)
	view := plannedView{
		Planned: *l, Text: m.text(redrive.VerdictText(l)), EventType: m.id(row.eventType), EventID: m.id(row.eventID), User: m.person(row.user),
		Link: address("/letter/"+url.PathEscape(l.ID), v.keep(nil)), Steps: m.texts(row.steps), Keys: m.texts(row.keys),
	}
	if row.compared {
		view.Diff = v.diff(row, most)
		view.Diff.Whole = address("/plan/"+p.ID+"/letter/"+url.PathEscape(l.ID), v.keep(nil))
	}
	return view
}

// plannedLetter shows one letter of a plan with all of its calls.
func (c *Console) plannedLetter(v *visit) (content, error) {
	p, err := c.heldPlan(v.Request)
	if err != nil {
		return content{}, err
	}
	i := slices.IndexFunc(p.Letters, func(l letters.Planned) bool { return l.ID == v.PathValue("letter") })
	if i < 0 {
		return content{}, journal.NotFound("the plan has no such letter")
	}
	body := struct {
		Plan, Link string
		Row        plannedView
	}{p.ID, address("/plan/"+p.ID, v.keep(nil)), v.planned(p, &p.Letters[i], maxDiffPage)}
	return content{title: "Letter " + short(p.Letters[i].ID) + " of plan " + p.ID, template: "planletter", body: body}, nil
}

// mayHaveFile reports whether a person may have the file of a plan: it quotes what APIs and headers say.
func (c *Console) mayHaveFile(p Person) bool { return p.Operator() && c.maySee(p) }

// planFile answers with the file that dlq apply takes.
func (c *Console) planFile(w http.ResponseWriter, r *http.Request) {
	v, ok := c.visit(w, r)
	if !ok {
		return
	}
	p, err := c.heldPlan(r)
	if err == nil && !c.mayHaveFile(v.person) {
		err = &refusedError{http.StatusForbidden, "only operators who may see personal data can have the file of a plan"}
	}
	var text bytes.Buffer
	if err == nil {
		sealed := *p.Plan // Write seals it again
		err = sealed.Write(&text)
	}
	if err != nil {
		c.showError(w, v, err)
		return
	}
	c.Log.Info("the file of a plan was downloaded at the console", "by", v.person.Name, "plan", p.ID)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="plan-`+p.ID+`.json"`)
	_, _ = io.Copy(w, &text) // the reader went away: nobody to tell
}
