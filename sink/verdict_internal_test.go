package sink

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// judged is a verdict in words.
type judged struct {
	verdict      verdict
	code         mapping.Code
	mayHaveActed bool
}

// wantJudged states once more, by ranges, whose answer it is. own is whether the body is
// in the API's own form.
func wantJudged(status int, own bool) judged {
	code := HTTPCode(status)
	switch {
	case status >= 200 && status < 300:
		return judged{accepted, code, false}
	case status >= 300 && status < 400:
		return judged{passing, Redirect, true}
	case status == 401, status == 403:
		return judged{denied, code, false}
	case status == 408:
		return judged{passing, code, true}
	case status == 425:
		return judged{passing, code, false}
	case status == 429:
		return judged{throttled, code, false}
	case status >= 400 && status < 500 && own:
		return judged{refusedForGood, code, false}
	default:
		return judged{passing, code, true}
	}
}

func TestJudge_everyStatus(t *testing.T) {
	for _, call := range []Call{{Lookup: true}, {Unrepeatable: true}, {}} {
		for status := 100; status < 600; status++ {
			for body, own := range map[string]bool{
				`{"message":"no"}`: true, `{"error":"no"}`: true, `{"errors":[]}`: true, `{"errors":{"name":["no"]}}`: true,
				"": status == 409 || status == 422, "<html>no</html>": false, `{"status":"no"}`: false, `["errors"]`: false, `"message"`: false,
			} {
				reply := Reply{Status: status, Body: []byte(body)}
				if reply.OK() {
					reply.Body = nil // TestCheck is about the bodies of success
				}
				j := judge(call, reply, nil, noon)
				if got, want := (judged{j.verdict, j.code, j.mayHaveActed}), wantJudged(status, own); got != want {
					t.Fatalf("judge(lookup %v, %d %s) = %v, want %v", call.Lookup, status, body, got, want)
				}
			}
			j := judge(call, Reply{Status: status}, nil, noon)
			if j.unanswered || j.status != status {
				t.Errorf("judge(%d): unanswered %v, status %d; it is an answer", status, j.unanswered, j.status)
			}
			if holds := status == 401 || status == 403 || status == 429; j.holds() != holds {
				t.Errorf("judge(%d).holds() = %v", status, j.holds())
			}
		}
	}
}

func TestJudge_answersOfTheCallAreAccepted(t *testing.T) {
	call := Call{Answers: []int{404, 409}}
	for status, want := range map[int]verdict{404: accepted, 409: accepted, 410: refusedForGood} {
		if j := judge(call, Reply{Status: status, Body: []byte(`{"message":"no"}`)}, nil, noon); j.verdict != want {
			t.Errorf("judge(%d) = %v, want %v", status, j.verdict, want)
		}
	}
}

// A gateway's page says nothing of what the API has.
func TestJudge_answersCountOnlyInTheAPIsOwnForm(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		own    bool
	}{
		{404, `{"errors":[{"status":404}]}`, true},
		{404, `{"error":"not found"}`, true},
		{404, ` {"message":null} `, true},
		{404, "", false},
		{404, "<html>Not Found</html>", false},
		{404, `{"status":404}`, false},
		{404, `["errors"]`, false},
		{404, `"message"`, false},
		{409, "", true},
		{409, "\n", true},
		{409, "Conflict", false},
		{422, "", true},
		{422, "{}", false},
	} {
		want := judgement{verdict: passing, code: HTTPCode(tt.status)}
		if tt.own {
			want.verdict = accepted
		}
		for _, lookup := range []bool{true, false} {
			call := Call{Lookup: lookup, Answers: []int{404, 409, 422}}
			j := judge(call, Reply{Status: tt.status, Body: []byte(tt.body)}, nil, noon)
			if j.verdict != want.verdict || j.code != want.code || j.mayHaveActed == tt.own {
				t.Errorf("judge(%d, %q) = %+v, want %+v", tt.status, tt.body, j, want)
			}
		}
	}
}

func TestJudge_bodyOfASuccess(t *testing.T) {
	tests := map[string]struct {
		reply Reply
		want  verdict
	}{
		"empty":         {Reply{Status: 200}, accepted},
		"blanks":        {Reply{Status: 201, Body: []byte(" \r\n")}, accepted},
		"null":          {Reply{Status: 200, Body: []byte("null")}, accepted},
		"JSON":          {Reply{Status: 200, Body: []byte(`{"id":1}`)}, accepted},
		"HTML":          {Reply{Status: 200, Body: []byte("<html>")}, passing},
		"half a JSON":   {Reply{Status: 200, Body: []byte(`{"id":`)}, passing},
		"cut in blanks": {Reply{Status: 200, Body: []byte("{} "), Cut: true}, passing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := judge(Call{}, tt.reply, nil, noon)
			if j.verdict != tt.want {
				t.Errorf("verdict = %v, want %v", j.verdict, tt.want)
			}
			if bad := tt.want == passing; j.unanswered != bad || j.mayHaveActed != bad || (j.code == BadAnswer) != bad {
				t.Errorf("judgement = %+v", j)
			}
		})
	}
}

func TestJudge_limitOfOneObjectIsPassing(t *testing.T) {
	for remaining, want := range map[string]verdict{"1": passing, "99": passing, "0": throttled, "-1": throttled, "": throttled, "many": throttled} {
		reply := Reply{Status: 429, Header: http.Header{"X-Ratelimit-Remaining": {remaining}}}
		j := judge(Call{}, reply, nil, noon)
		if j.verdict != want || j.limited() != (want == passing) || j.mayHaveActed {
			t.Errorf("429 with %q remaining = %+v, want %v", remaining, j, want)
		}
	}
}

func TestAskedWait(t *testing.T) {
	at := func(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }
	tests := map[string]struct {
		status            int
		retryAfter, reset string
		want              time.Duration
	}{
		"seconds":                      {429, "7", "", 7 * time.Second},
		"on any status":                {503, "7", "", 7 * time.Second},
		"blanks around":                {429, " 7 ", "", 7 * time.Second},
		"a fraction":                   {429, "1.5", "", 1500 * time.Millisecond},
		"zero":                         {429, "0", "1767355260", 0},
		"a date":                       {429, at(90 * time.Second), "", 90 * time.Second},
		"a date that passed":           {429, at(-time.Minute), "", 0},
		"a far date":                   {429, at(48 * time.Hour), "", time.Hour},
		"huge":                         {429, "99999999999999999999", "", time.Hour},
		"beyond float64":               {429, strings.Repeat("9", 400), "", time.Hour},
		"negative is junk":             {429, "-5", "", 0},
		"junk":                         {429, "soon", "", 0},
		"infinity is junk":             {429, "Inf", "", 0},
		"not a number is junk":         {429, "NaN", "", 0},
		"hexadecimal is junk":          {429, "0x10", "", 0},
		"two dots are junk":            {429, "1.2.3", "", 0},
		"reset in Unix seconds":        {429, "", "1767355260", time.Minute},
		"reset when the rest is junk":  {429, "soon", "1767355260", time.Minute},
		"Retry-After wins":             {429, "5", "1767355260", 5 * time.Second},
		"reset that passed":            {429, "", "1767355000", 0},
		"a far reset":                  {429, "", "9999999999", time.Hour},
		"reset in words":               {429, "", "tomorrow", 0},
		"reset on another status":      {503, "", "1767355260", 0},
		"nothing":                      {429, "", "", 0},
		"reset at the end of all time": {429, "", "9223372036854775807", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set("Retry-After", tt.retryAfter)
			h.Set("x-ratelimit-reset", tt.reset)
			got := budget.AskedWait(tt.status, h, noon)
			if name == "reset at the end of all time" {
				if got < 0 || got > time.Hour {
					t.Errorf("wait = %v, want it bounded", got)
				}
			} else if got != tt.want {
				t.Errorf("wait = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVendorMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"no"}`: "no", `{"errors":[{"title":"t","detail":"d"}]}`: "t: d", `{"errors":[{"title":"t"}]}`: "t", `{"errors":["e"]}`: "e",
		`{"error":"e"}`: "e", `{"error":{"message":"x"}}`: "", `[]`: "", `<html>`: "", ``: "", `{"message":7}`: "", `{"errors":{"name":["n"]},"message":"m"}`: "m name: n",
		`{"errors":["e","f"],"message":"m"}`: "m e", `{"errors":["m"],"message":"m"}`: "m", `{"errors":[{"title":"t"}],"message":"m"}`: "m",
		`{"errors":{"name":["n","o"]}}`: "name: n", `{"errors":{"name":"n","x":["y"]}}`: "name: n; x: y",
		`{"errors":{"name":["m"]},"message":"m"}`: "m", `{"errors":[{"title":"t","detail":"t"}]}`: "t", `{"errors":{}}`: "", `{"error":true,"message":["m","o"]}`: "m",
		`{"errors":[{"status":"400","meta":{}}]}`: "", `{"errors":[{"meta":{"a":"b"}}],"error":"e"}`: "e",
	} {
		if got := vendorMessage(Reply{Body: []byte(body)}); got != want {
			t.Errorf("vendorMessage(%s) = %q, want %q", body, got, want)
		}
	}
}

func TestTrial_threeRounds(t *testing.T) {
	tests := map[string]struct {
		events string // f: this event fails, p: another's call passes
		want   bool
	}{
		"failures alone":                          {"ffffffffff", false},
		"passes before the first failure":         {"ppppf", false},
		"three rounds":                            {"fpfpfpfp", true},
		"the last pass is missing":                {"fpfpfpf", false},
		"two rounds":                              {"fpfpfp", false},
		"passes without a failure between":        {"fpppppppp", false},
		"failures without a pass between":         {"fpffffffffp", false},
		"several of each are one round":           {"fppffppffppffpp", true},
		"an outage between rounds counts nothing": {"fpffffpffffp", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tr trial
			n := uint64(0)
			for _, e := range tt.events {
				if e == 'p' {
					n++
				} else {
					tr.fail(n)
				}
			}
			if got := tr.enoughEvidence(n); got != tt.want {
				t.Errorf("convicts after %s = %v, want %v", tt.events, got, tt.want)
			}
		})
	}
}

func TestCut_leavesWholeCharacters(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aé", 2, "a"}, {"😀😀", 7, "😀"}, {"", 0, ""}} {
		if got := cut(tt.in, tt.limit); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

// Whatever an answer is, it refuses the event only in the API's own form.
func FuzzJudge_onlyTheAPIsOwnFormRefuses(f *testing.F) {
	for _, body := range []string{"", "{}", `{"message":"no"}`, `{"errors":[]}`, "<html>", `["error"]`, `{"a":{"error":1}}`, "\xEF\xBB\xBF{\"error\":1}"} {
		for _, status := range []int{302, 400, 403, 404, 409, 413, 422, 429} {
			f.Add(status, body, "7", "120", true)
			f.Add(status, body, "", "", false)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, retryAfter, remaining string, lookup bool) {
		header := make(http.Header)
		header.Set("Retry-After", retryAfter)
		header.Set("X-Ratelimit-Remaining", remaining)
		reply := Reply{Status: status, Body: []byte(body), Header: header}
		j := judge(Call{Lookup: lookup, Unrepeatable: !lookup}, reply, nil, noon)
		if j.verdict != refusedForGood {
			return
		}
		var object map[string]json.RawMessage
		err := json.Unmarshal(bytes.TrimPrefix([]byte(body), []byte("\xEF\xBB\xBF")), &object)
		named := object["errors"] != nil || object["error"] != nil || object["message"] != nil
		empty := strings.TrimSpace(body) == "" && (status == http.StatusConflict || status == http.StatusUnprocessableEntity)
		if status < 400 || status > 499 || !empty && (err != nil || !named) {
			t.Errorf("%d %q refuses an event", status, body)
		}
	})
}
