package console

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// policy lets a page load what this server has, and nothing else: no script and no style in the
// page itself, no frame around it, and forms that go nowhere else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm is the size in bytes of the largest form.
const maxForm = 64 << 10

// guard refuses what a person at the console does not send: requests for other hosts, from pages of
// other origins, and, where nobody logs in, through a proxy.
func (c *Console) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, "the request comes from a web page of another origin")
	}))
	next = crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		// With no-referrer a browser sends "Origin: null" with a form, which is refused where it does not
		// say Sec-Fetch-Site: over plain HTTP, from any host but this one.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !c.hosts.Take(r.Host):
			refuse(w, "the Host of the request is neither an IP address nor localhost nor one of console.hosts")
		case !c.settings.HasLogin() && isForwarded(r):
			refuse(w, "a proxy has forwarded the request, and nobody has to log in here: set console.proxy, console.users_file or console.token")
		default:
			// The body is read within the server's limit for that, which would then end a page that takes
			// longer to make.
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
			if err != nil {
				refuse(w, "the request did not come whole, in time and with a form of this console")
				return
			}
			for _, encoded := range []string{r.URL.RawQuery, formOf(r, body)} {
				if name, found := malformedField(encoded); found {
					http.Error(w, "the field "+name+" of the request is not encoded as a form's", http.StatusBadRequest)
					return
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			next.ServeHTTP(w, r)
		}
	})
}

// formOf is the body of a request that has the fields of a form, "" for another one.
func formOf(r *http.Request, body []byte) string {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return ""
	}
	return string(body)
}

// isForwarded reports whether a request came through a proxy, which says so.
func isForwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// refuse answers a request that no person at the console makes.
func refuse(w http.ResponseWriter, why string) {
	http.Error(w, "refused: "+why, http.StatusForbidden)
}

// isLocalPath reports whether a path that a request names leads to a page of this console. Browsers
// leave tabs out of an address, and take \ for /.
func isLocalPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`) && !strings.ContainsFunc(path, unicode.IsControl)
}
