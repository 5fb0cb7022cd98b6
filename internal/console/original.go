package console

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
)

// letterOriginal answers with all of a letter, as dlq show --json has it.
func (c *Console) letterOriginal(w http.ResponseWriter, r *http.Request) {
	c.original(w, r, "letter", func(ctx context.Context, o journal.Options) (any, error) {
		return explain.Letter(ctx, o, r.PathValue("id"))
	})
}

// eventOriginal answers with all of the story of an event, as explain --json has it.
func (c *Console) eventOriginal(w http.ResponseWriter, r *http.Request) {
	c.original(w, r, "event", func(ctx context.Context, o journal.Options) (any, error) {
		if err := unknownField(r.URL.Query(), []string{"id"}, pageNames); err != nil {
			return nil, err
		}
		return explain.Event(ctx, o, strings.TrimSpace(r.URL.Query().Get("id")))
	})
}

// original answers with a file of what a page shows, whole and with personal data, to who may see that.
func (c *Console) original(w http.ResponseWriter, r *http.Request, name string, find func(context.Context, journal.Options) (any, error)) {
	v, ok := c.visit(w, r)
	if !ok {
		return
	}
	var err error
	if !c.maySee(v.person) {
		err = &refusedError{http.StatusForbidden, "only who may see personal data can have the original"}
	}
	var whole any
	if err == nil {
		err = v.read(func(ctx context.Context, o journal.Options) (err error) {
			whole, err = find(ctx, o)
			return err
		})
	}
	var text bytes.Buffer
	if err == nil {
		err = output.NewEncoder(&text).Encode(whole)
	}
	if err != nil {
		c.showError(w, v, err)
		return
	}
	c.Log.Info("personal data shown at the console", "by", v.person.Name, "page", r.URL.Path)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8") // no browser shows it as a page
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.json"`)
	_, _ = io.Copy(w, &text) // the reader went away: nobody to tell
}
