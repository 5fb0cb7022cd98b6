package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/version"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// pages are the templates by name, each with the layout around it.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	list := make(pages)
	entries, err := templates.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("listing the pages: %w", err)
	}
	for _, e := range entries {
		name, _ := strings.CutSuffix(e.Name(), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		list[name], err = template.New(name).Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts*.html", "templates/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", name, err)
		}
	}
	return list, nil
}

// serveStatic serves what pages load.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache") // it changes with the program
	http.ServeFileFS(w, r, static, "static/"+r.PathValue("file"))
}

// visit is one request for a page.
type visit struct {
	*http.Request

	console *Console
	person  Person
	cfg     *config.Config
	// masker masks personal data unless the person has asked for it and may.
	masker *masker
	notes  notes
}

// visit begins the visit of a known person, to whom personal data is masked. ok is false for somebody
// else, who is sent to the login.
func (c *Console) visit(w http.ResponseWriter, r *http.Request) (v *visit, ok bool) {
	person, ok := c.personOf(r)
	if !ok {
		c.sendToLogin(w, r)
		return nil, false
	}
	return &visit{Request: r, console: c, person: person, cfg: c.Config(), masker: &masker{key: c.masking[:]}}, true
}

// query is the first value of a parameter of the address.
func (v *visit) query(name string) string { return v.URL.Query().Get(name) }

// content is what a page shows: the template's name and what it is filled with.
type content struct {
	title, template string
	body            any
	refresh         bool // the page changes: it is loaded again in a while
}

// showPage makes one page. Its error becomes a page that says what to do.
type showPage func(*visit) (content, error)

// page serves a page to who may see it.
func (c *Console) page(show showPage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := c.visit(w, r)
		if !ok {
			return
		}
		v.unmask(c)
		shown, err := show(v)
		if err != nil {
			c.showError(w, v, err)
			return
		}
		if shown.refresh {
			w.Header().Set("Refresh", "2")
		}
		c.write(w, http.StatusOK, c.viewOf(v, shown))
	})
}

// showPersonal is the value of the parameter show that asks for personal data.
const showPersonal = "personal"

// unmask shows personal data to who asks for it and may see it, which is logged.
func (v *visit) unmask(c *Console) {
	if v.masker.show = v.query("show") == showPersonal && c.maySee(v.person); v.masker.show {
		c.Log.Info("personal data shown at the console", "by", v.person.Name, "page", v.URL.Path)
	}
}

// maySee reports whether a person may see personal data.
func (c *Console) maySee(p Person) bool { return slices.Contains(c.settings.PersonalData, p.Role) }

// mayAct reports whether a person may change something.
func (c *Console) mayAct(p Person) bool { return c.settings.Actions && p.Operator() }

// view is what the layout shows.
type view struct {
	Title, Template string
	Path            string // of the page, for the navigation
	Person          *Person
	Session         bool
	Actions         bool // the person may act
	// Shown reports whether personal data is shown, Toggle is the address of the page the other
	// way, "" for who may not see it.
	Shown  bool
	Toggle string
	// Live reports whether pipelines run in this process.
	Live bool
	// Instances reports whether instances elsewhere are asked.
	Instances bool
	Version   string
	Notes     []string
	Body      any
}

func (c *Console) viewOf(v *visit, shown content) view {
	page := view{
		Title: shown.title, Template: shown.template, Path: v.URL.Path, Person: &v.person, Session: v.person.session, Actions: c.mayAct(v.person),
		Shown: v.masker.show, Live: c.Pipelines != nil, Instances: len(c.Instances) > 0, Notes: v.notes.lines(), Body: shown.body,
	}
	if c.maySee(v.person) {
		query := v.URL.Query()
		if query.Del("show"); !page.Shown {
			query.Set("show", showPersonal)
		}
		page.Toggle = "?" + query.Encode()
	}
	return page
}

// write writes a page, whole or not at all.
func (c *Console) write(w http.ResponseWriter, status int, page view) {
	page.Version = version.Release()
	var b bytes.Buffer
	if err := c.pages[page.Template].ExecuteTemplate(&b, "layout", page); err != nil {
		c.Log.Error("making a page of the console failed", "page", page.Template, "err", err)
		http.Error(w, "This page could not be made: the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader went away: nobody to tell
}

// failure is what the page of an error shows.
type failure struct {
	Text  string
	Retry string // the address of the page
}

// errNoPage is the error of an address that has no page.
var errNoPage = errors.New("there is no such page")

// showError shows a page for what went wrong: a wrong address or filter, something that is not
// there, or topics that cannot be read.
func (c *Console) showError(w http.ResponseWriter, v *visit, err error) {
	status, title := http.StatusServiceUnavailable, "The topics could not be read"
	_, wrongFlag := errors.AsType[*config.FlagError](err)
	_, missing := errors.AsType[*journal.NotFoundError](err)
	refused, isRefused := errors.AsType[*refusedError](err)
	switch {
	case isRefused:
		status, title = refused.status, "Refused"
	case errors.Is(err, errNoPage), missing:
		status, title = http.StatusNotFound, "Not found"
	case wrongFlag:
		status, title = http.StatusBadRequest, "The address is wrong"
	case errors.Is(err, errBusy):
		title = "Too many pages read topics"
	case errors.Is(err, context.Canceled) && v.Context().Err() != nil:
		return // the reader went away
	default:
		c.Log.Warn("a page of the console could not be made", "page", v.URL.Path, "err", err)
	}
	c.write(w, status, c.viewOf(v, content{title: title, template: "error", body: failure{Text: v.masker.text(output.Error(err)), Retry: v.retry()}}))
}

// retry is the address from which the reader tries again: of a form that of its page.
func (v *visit) retry() string {
	if v.Method == http.MethodGet {
		return v.URL.RequestURI()
	}
	if from, err := url.Parse(v.Referer()); err == nil && from.Host == v.Host && isLocalPath(from.RequestURI()) {
		return from.RequestURI()
	}
	return "/"
}

// errBusy says that other pages read topics.
var errBusy = errors.New("others are reading the topics at this moment: try again in a few seconds")

// read calls fn when few others read topics.
func (v *visit) read(fn func(context.Context, journal.Options) error) error {
	select {
	case v.console.reading <- struct{}{}:
	default:
		return errBusy
	}
	defer func() { <-v.console.reading }()
	return fn(v.Context(), journal.Options{Config: v.cfg, Log: v.console.Log, Notes: &v.notes})
}

// address is a path with parameters, in which what is empty is left out.
func address(path string, parameters url.Values) string {
	for name, values := range parameters {
		if values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }); len(values) == 0 {
			delete(parameters, name)
		} else {
			parameters[name] = values
		}
	}
	if len(parameters) == 0 {
		return path
	}
	return path + "?" + parameters.Encode()
}
