package console

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
)

// auditResult is what the latest audit of this process has found.
type auditResult struct {
	audit.Document

	Words, By, Reason string
	Began, Ended      time.Time
	Notes             []string
}

// audits is the latest audit.
type audits struct {
	mu   sync.Mutex
	last *auditResult
}

func (a *audits) set(r *auditResult) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = r
}

func (a *audits) latest() *auditResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// startAudit audits the topics, as deskstream audit does. It reads them whole, so it is a job.
func (c *Console) startAudit(a *act) (string, error) {
	var times [2]time.Time
	for i, name := range []string{"since", "until"} {
		var err error
		if times[i], err = moment(a.PostForm, name, time.Now()); err != nil {
			return "", &config.FlagError{Err: err}
		}
	}
	result := &auditResult{Words: auditedWords(times[0], times[1]), By: a.person.Name, Reason: a.reason, Began: time.Now()}
	return c.start(a, "audit", result.Words, func(ctx context.Context, j *job, o journal.Options) error {
		found, err := audit.Run(ctx, audit.Options{Options: o, Since: times[0], Until: times[1]})
		if err != nil {
			return err
		}
		result.Document, result.Ended, result.Notes = found.Document(), time.Now(), j.notes.lines()
		output.Printf(j, "%d missing, %d conflicting, %d with effects twice\n", found.Missing, found.Conflicting, found.Doubled)
		c.audits.set(result)
		j.leadsTo("/audit", "What the audit found")
		return nil
	})
}

func auditedWords(since, until time.Time) string {
	words := "all events"
	if !since.IsZero() {
		words = "events since " + output.Time(since)
	}
	if !until.IsZero() {
		words += " until " + output.Time(until)
	}
	return words
}

// auditBody is the page of the audit.
type auditBody struct {
	May     bool   // the reader may start one
	Running string // the address of the job that runs, "" for none
	Last    *auditView
}

// auditView is what was found, of which a page shows the findings or the partitions.
type auditView struct {
	*auditResult

	Reason, Sum  string
	Wrong        int
	More         int // findings that are not kept
	ByPartition  bool
	Other        string // the address of the other view
	FindingRows  []findingRow
	PartitionRow []audit.DocumentPartition
	Pages        paging
}

// findingRow is one finding.
type findingRow struct {
	audit.DocumentFinding

	Letters string // the address of the letters of its event
}

// byPartition is the value of the parameter view that asks for the partitions.
const byPartition = "partitions"

// audit shows what the latest audit has found.
func (c *Console) audit(v *visit) (content, error) {
	body := auditBody{May: c.mayAct(v.person)}
	if j := c.jobs.current("audit"); j != nil {
		body.Running = "/job/" + j.ID
	}
	if last := c.audits.latest(); last != nil {
		body.Last = v.audited(last)
	}
	return content{title: "Audit", template: "audit", body: body}, nil
}

func (v *visit) audited(last *auditResult) *auditView {
	view := &auditView{auditResult: last, Reason: v.masker.text(last.Reason), Wrong: last.Missing + last.Conflicting + last.Doubled, ByPartition: v.query("view") == byPartition}
	view.More = view.Wrong - len(last.Findings)
	sum := audit.DocumentPartition{}
	for _, p := range last.Partitions {
		sum.Delivered, sum.Skipped, sum.Dead, sum.Duplicates = sum.Delivered+p.Delivered, sum.Skipped+p.Skipped, sum.Dead+p.Dead, sum.Duplicates+p.Duplicates
	}
	view.Sum = fmt.Sprintf("%s: %d delivered, %d skipped, %d dead; %d duplicates",
		output.Count(sum.Delivered+sum.Skipped+sum.Dead, "outcome"), sum.Delivered, sum.Skipped, sum.Dead, sum.Duplicates)
	if view.ByPartition {
		pages, from, to := pagesOf(v, len(last.Partitions))
		view.Pages, view.PartitionRow, view.Other = pages, last.Partitions[from:to], address("/audit", v.keep(nil))
		return view
	}
	pages, from, to := pagesOf(v, len(last.Findings))
	view.Pages, view.Other = pages, address("/audit", v.keep(url.Values{"view": {byPartition}}))
	for _, f := range last.Findings[from:to] {
		f.What = v.masker.text(f.What)
		letters := url.Values{
			"destination": {f.Destination}, "partition": {strconv.Itoa(int(f.Partition))}, "offset": {strconv.FormatInt(f.Offset, 10)}, "all": {"1"},
		}
		view.FindingRows = append(view.FindingRows, findingRow{f, address("/letters/list", v.keep(letters))})
	}
	return view
}
