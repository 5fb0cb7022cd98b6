package budget

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Remaining is how many calls a response says remain.
func Remaining(header http.Header) (n int64, ok bool) {
	return headerInt(header, "X-Ratelimit-Remaining")
}

// AskedWait is how long a response asks us to wait: Retry-After (RFC 9110, 10.2.3),
// else x-ratelimit-reset in Unix seconds on a 429.
func AskedWait(status int, header http.Header, now time.Time) time.Duration {
	if wait, ok := retryAfter(header.Get("Retry-After"), now); ok {
		return wait
	}
	if status == http.StatusTooManyRequests {
		return resetIn(header, now)
	}
	return 0
}

// retryAfter reads seconds, a fraction of them too, or a date; ok is false for
// anything else.
func retryAfter(text string, now time.Time) (wait time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false
	}
	if at, err := http.ParseTime(text); err == nil {
		return bounded(at.Sub(now)), true
	}
	if strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return bounded(time.Duration(min(seconds, maxAsked.Seconds()) * float64(time.Second))), true
}

// maxAsked bounds what a header can make us wait.
const maxAsked = time.Hour

func bounded(wait time.Duration) time.Duration { return min(max(wait, 0), maxAsked) }

// resetIn is the time until x-ratelimit-reset, 0 if the header does not say.
func resetIn(header http.Header, now time.Time) time.Duration {
	at, ok := headerInt(header, "X-Ratelimit-Reset")
	if !ok {
		return 0
	}
	return bounded(time.Unix(at, 0).Sub(now))
}

func headerInt(header http.Header, name string) (int64, bool) {
	text := strings.TrimSpace(header.Get(name))
	if text == "" {
		return 0, false // an error would only be thrown away
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
