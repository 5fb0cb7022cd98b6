package desktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

func senderLaws() []law {
	return []law{
		{"sender: an event is delivered", delivers},
		{"sender: every request has the credential, and no outcome shows it", authenticates},
		{"sender: calls are named by templates", namesCallsByTemplates},
		{"sender: unknown members of answers are ignored", ignoresUnknownAnswers},
		{"sender: what is on a later page is found", findsLaterPages},
		{"sender: a refusal by the API is final", isRejectedByTheAPI},
		{"sender: a refusal by a gateway is a passing failure", isNotRejectedByAGateway},
		{"sender: a web page is no success", isNotDeliveredByAWebPage},
		{"sender: a refused credential or a used-up limit holds the desk", isHeld},
		{"sender: a write that is not safe to repeat is not repeated when its owner says so", isNotRepeated},
		{"sender: a redirected write is not followed", doesNotFollowWrites},
		{"sender: an interrupted event has no outcome", isInterrupted},
	}
}

func delivers(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		o, err := w.deliver(t.Context(), event)
		if err != nil || o.Outcome != sink.Delivered {
			t.Fatalf("outcome %s, error %+v, %v", o.Outcome, o.Error, err)
		}
		if len(w.writes()) == 0 {
			t.Error("no write was received")
		}
		if sent := len(w.received()); len(o.Calls) != sent {
			t.Errorf("the outcome has %d calls, %d were received", len(o.Calls), sent)
		}
	})
}

func authenticates(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, d, func(rw http.ResponseWriter, r *http.Request, stub http.Handler) {
				if !strings.Contains(r.Header.Get("Authorization"), Token) {
					t.Errorf("%s %s has no credential", r.Method, r.URL.Path)
				}
				if isLookup(r) {
					stub.ServeHTTP(rw, r)
					return
				}
				rw.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(rw, `{"message":"not with `+r.Header.Get("Authorization")+`"}`)
			})
			o, err := w.deliver(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte(Token)) {
				t.Errorf("the credential stands in the outcome: %s", text)
			}
		})
	}
}

// The name of a call is a label of metrics: it may hold nothing of the event.
func namesCallsByTemplates(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		if _, err := w.deliver(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		if len(w.ops) == 0 {
			t.Error("no call was observed")
		}
		for op := range w.ops {
			for _, text := range textsOf(event) {
				if strings.Contains(op, text) {
					t.Errorf("the call %q holds %q of the event", op, text)
				}
			}
		}
	})
}

// textsOf are the values of an event that are not words of its specification.
func textsOf(event string) []string {
	var texts []string
	for part := range strings.SplitSeq(event, `"`) {
		if strings.ContainsAny(part, "0123456789@") {
			texts = append(texts, part)
		}
	}
	return texts
}

func ignoresUnknownAnswers(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, d, func(rw http.ResponseWriter, r *http.Request, stub http.Handler) {
				answer := httptest.NewRecorder()
				stub.ServeHTTP(answer, r)
				body := answer.Body.String()
				if strings.HasPrefix(body, "{") && body != "{}" {
					body = `{"zz_unknown":{"status":"NEW_STATE"},` + strings.TrimPrefix(body, "{")
				}
				for key := range answer.Header() {
					if key != "Content-Length" {
						rw.Header().Set(key, answer.Header().Get(key))
					}
				}
				rw.WriteHeader(answer.Code)
				_, _ = io.WriteString(rw, body)
			})
			if o, err := w.deliver(t.Context(), event); err != nil || o.Outcome != sink.Delivered {
				t.Errorf("outcome %s, error %+v, %v", o.Outcome, o.Error, err)
			}
		})
	}
}

func findsLaterPages(t *testing.T, d Desk) {
	if d.Paging == nil {
		t.Fatal("the desk has no test of its pages, and does not skip it")
	}
	d.Paging(t)
}

// refusing lets lookups through and answers writes.
func refusing(status int, body string) api {
	return func(rw http.ResponseWriter, r *http.Request, stub http.Handler) {
		if isLookup(r) {
			stub.ServeHTTP(rw, r)
			return
		}
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

func isRejectedByTheAPI(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, d, refusing(http.StatusUnprocessableEntity, `{"message":"no"}`))
			o, err := w.deliver(t.Context(), event)
			if err != nil || o.Error == nil || o.Error.Class != sink.Rejected || o.Error.Code != "http_422" {
				t.Errorf("outcome %s, error %+v, %v, want rejected http_422", o.Outcome, o.Error, err)
			}
			if n := len(w.writes()); n != 1 {
				t.Errorf("%d writes were sent, want 1", n)
			}
		})
	}
}

func isNotRejectedByAGateway(t *testing.T, d Desk) {
	for name, event := range d.Events {
		for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity} {
			t.Run(name+"/"+http.StatusText(status), func(t *testing.T) {
				w := newWorld(t, d, func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
					rw.WriteHeader(status)
					_, _ = io.WriteString(rw, "<html>not found</html>")
				})
				o, err := w.deliver(t.Context(), event)
				if err != nil || o.Error == nil || o.Error.Class != sink.Exhausted {
					t.Errorf("outcome %s, error %+v, %v, want exhausted", o.Outcome, o.Error, err)
				}
			})
		}
	}
}

func isNotDeliveredByAWebPage(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			// Not looked for, which would take as long as a late effect may.
			w := newWorld(t, d, refusing(http.StatusOK, "<html>welcome</html>"), func(c *sink.Config) { c.Unknown = sink.UnknownRetried })
			o, err := w.deliver(t.Context(), event)
			if err != nil || o.Error == nil || o.Error.Code != sink.BadAnswer {
				t.Errorf("outcome %s, error %+v, %v, want bad_answer", o.Outcome, o.Error, err)
			}
		})
	}
}

func isHeld(t *testing.T, d Desk) {
	for name, event := range d.Events {
		for _, status := range []int{http.StatusUnauthorized, http.StatusTooManyRequests} {
			t.Run(name+"/"+http.StatusText(status), func(t *testing.T) {
				w := newWorld(t, d, func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
					rw.Header().Set("Retry-After", "60")
					rw.WriteHeader(status)
					_, _ = io.WriteString(rw, `{"message":"no"}`)
				})
				if o, err := w.deliver(t.Context(), event); !errors.Is(err, hold.ErrHeld) {
					t.Errorf("outcome %s, error %+v, %v, want it held", o.Outcome, o.Error, err)
				}
				if !w.dest.Gate().Held().Active() {
					t.Error("the desk is not on hold")
				}
			})
		}
	}
}

// An answer that is lost leaves open whether the write took effect.
func isNotRepeated(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			var lost atomic.Bool
			w := newWorld(t, d, func(rw http.ResponseWriter, r *http.Request, stub http.Handler) {
				if isLookup(r) || lost.Swap(true) {
					stub.ServeHTTP(rw, r)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler) // the connection ends without an answer
			}, func(c *sink.Config) { c.Unknown = sink.UnknownDies })
			o, err := w.deliver(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			writes := w.writes()
			switch {
			case o.Error != nil && o.Error.Class == sink.Unknown:
				if len(writes) != 1 {
					t.Errorf("%d writes were sent, want 1", len(writes))
				}
			case o.Outcome == sink.Delivered:
				if len(writes) < 2 {
					t.Error("it is delivered by a write without an answer")
				}
			default:
				t.Errorf("outcome %s, error %+v", o.Outcome, o.Error)
			}
		})
	}
}

func doesNotFollowWrites(t *testing.T, d Desk) {
	for name, event := range d.Events {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, d, func(rw http.ResponseWriter, r *http.Request, stub http.Handler) {
				if isLookup(r) {
					stub.ServeHTTP(rw, r)
					return
				}
				http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
			})
			o, err := w.deliver(t.Context(), event)
			if err != nil || o.Outcome == sink.Delivered {
				t.Errorf("outcome %s, %v", o.Outcome, err)
			}
			if slices.ContainsFunc(w.received(), func(r *http.Request) bool { return r.URL.Path == "/elsewhere" }) {
				t.Error("the redirect was followed")
			}
		})
	}
}

func isInterrupted(t *testing.T, d Desk) {
	eachEvent(t, d, func(t *testing.T, w *world, event string) {
		ctx, stop := context.WithCancel(t.Context())
		pass, err := w.dest.Gate().Enter(ctx, "lane")
		if err != nil {
			t.Fatal(err)
		}
		stop()
		_, err = w.route.Deliver(t.Context(), w.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx}), []byte(event))
		if !errors.Is(err, sink.ErrInterrupted) {
			t.Errorf("error = %v, want it interrupted", err)
		}
		if n := len(w.received()); n > 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
}
