package console

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// letterBody is the page of one letter.
type letterBody struct {
	*explain.Shown

	Message, Key, State     string
	Value                   clip
	EventType, User         string
	EventID, EventLink      string
	Before                  []string
	Outcomes                []outcomeView
	Sections                []sectionView
	OutcomesOut, HeadersOut int
	Original                string // the address of all of it, "" for who may not see that
	Others                  string // the address of the letters of its cause
	Plan                    string // the address from which it is sent again, "" for one that is closed or for who may not
}

// letter shows one letter with its story.
func (c *Console) letter(v *visit) (content, error) {
	var shown *explain.Shown
	err := v.read(func(ctx context.Context, o journal.Options) (err error) {
		shown, err = explain.Letter(ctx, o, v.PathValue("id"))
		return err
	})
	if err != nil {
		return content{}, err
	}
	m, l := v.masker, shown.Read()
	steps, outcomes, value, headers := room{left: maxStepsPart}, room{left: maxOutcomesPart}, room{left: maxValuePart}, room{left: maxHeadersPart}
	body := letterBody{
		Shown: shown, Message: cut(2_000, m.text(shown.Error.Message)), Value: value.clip(maxValuePart, m.event(shown.Value)), State: cut(2_000, m.text(shown.StateText())),
		EventType: cut(maxLine, m.id(l.EventType)), EventID: m.id(l.EventID), User: cut(maxLine, m.person(l.Lane)), Before: steps.lines(letters.StepTexts(l.Progress())),
		Outcomes: v.outcomes(&outcomes, shown.Outcomes), Sections: v.sectionViews(&headers, shown.Sections),
	}
	if shown.Key != nil {
		body.Key = cut(maxLine, m.person(*shown.Key))
	}
	body.OutcomesOut, body.HeadersOut = outcomes.Out, headers.Out
	if c.maySee(v.person) {
		body.Original = "/letter/" + url.PathEscape(shown.ID) + "/original"
	}
	if l.EventID != "" && len(l.EventID) <= maxLine && body.EventID == l.EventID { // the address would have what is masked
		body.EventLink = address("/event", v.keep(url.Values{"id": {l.EventID}}))
	}
	body.EventID = cut(maxLine, body.EventID)
	if l.Fingerprint != "" && len(l.Fingerprint) <= maxFingerprint {
		body.Others = address("/letters/list", v.keep(url.Values{"fingerprint": {l.Fingerprint}}))
	}
	if c.mayAct(v.person) && !shown.Status.Closed() {
		body.Plan = address("/letters/plan", url.Values{"id": {shown.ID}})
	}
	return content{title: "Letter " + short(shown.ID), template: "letter", body: body}, nil
}

// short is the beginning of an id, which is enough to find it again.
func short(id string) string { return id[:min(len(id), 12)] }

// maskedHeaders are the headers of ours whose values can name a person.
var maskedHeaders = []string{"dlq.lane", "dlq.message", "dlq.steps", "dlq.steps.next"}

// sectionView is a section of headers.
type sectionView struct {
	Dialect letters.Dialect
	Count   int
	Headers []letters.Header
}

// sectionViews are the headers that have place in a part of a page.
func (v *visit) sectionViews(part *room, list []letters.Section) (views []sectionView) {
	for _, s := range v.sections(list) {
		view := sectionView{Dialect: s.Dialect, Count: len(s.Headers)}
		for _, h := range s.Headers {
			if part.has(itemMarkup / 8) {
				view.Headers = append(view.Headers, letters.Header{Name: part.line(h.Name), Value: part.line(h.Value)})
			}
		}
		views = append(views, view)
	}
	return views
}

// sections masks the values of headers, but for those of ours that say nothing of a person.
func (v *visit) sections(list []letters.Section) []letters.Section {
	var masked []letters.Section
	for _, section := range list {
		s := letters.Section{Dialect: section.Dialect}
		for _, h := range section.Headers {
			plain := section.Dialect == letters.Own && strings.HasPrefix(h.Name, "dlq.") && !slices.Contains(maskedHeaders, h.Name)
			switch {
			case v.masker.show:
			case !plain:
				h.Value = hidden
			case strings.HasPrefix(h.Name, "dlq.event."):
				h.Value = v.masker.id(h.Value)
			}
			s.Headers = append(s.Headers, h)
		}
		masked = append(masked, s)
	}
	return masked
}

// outcomeView is an outcome with its calls.
type outcomeView struct {
	Destination, What, Error, Rule, At, Merged string

	Round    int
	Calls    []callView
	CallsOut int
	Steps    []string
	Warnings []string
}

// callView is one call.
type callView struct {
	Method, URL, Status string
	Failed              bool
	Attempts            int
	Request, Response   clip
}

// outcomes are those that have place in a part of a page.
func (v *visit) outcomes(part *room, list []sink.Outcome) []outcomeView {
	var views []outcomeView
	for i := range list {
		if part.has(itemMarkup) {
			views = append(views, v.outcome(part, &list[i]))
		}
	}
	return views
}

func (v *visit) outcome(part *room, o *sink.Outcome) outcomeView {
	view := outcomeView{
		Destination: o.Destination.Name, What: string(o.Outcome), Rule: o.Rule, At: o.At.String(), Round: o.Round, Merged: explain.MergedText(o.MergedInto),
	}
	switch {
	case o.Error != nil:
		view.Error = part.line(v.masker.text(output.Line(string(output.Words(string(o.Error.Class), string(o.Error.Code)+":", o.Error.Message)))))
	case o.Reason != nil:
		view.Error = string(*o.Reason)
	}
	calls := room{left: part.left} // of this outcome: the next ones may have place
	for i := range o.Calls {
		if calls.has(itemMarkup) {
			view.Calls = append(view.Calls, v.call(&calls, &o.Calls[i]))
		}
	}
	part.left, view.CallsOut = calls.left, calls.Out
	for _, step := range o.Steps {
		view.Steps = append(view.Steps, part.line(string(output.Words(step.Name, string(step.State)))))
	}
	for _, warning := range o.Warnings {
		view.Warnings = append(view.Warnings, part.line(v.masker.text(warning)))
	}
	return view
}

func (v *visit) call(part *room, c *sink.CallRecord) callView {
	view := callView{Method: c.Method, URL: part.line(v.masker.url(c.URL)), Status: "no answer", Failed: true, Attempts: c.Attempts}
	if c.Status != nil {
		view.Status, view.Failed = number(*c.Status), *c.Status >= 400
	}
	if !c.Request.IsZero() {
		view.Request = part.clip(maxBodyPart, v.masker.body([]byte(c.Request.String())))
	}
	if !c.Response.IsZero() {
		view.Response = part.clip(maxBodyPart, v.masker.body([]byte(c.Response.String())))
	}
	return view
}
