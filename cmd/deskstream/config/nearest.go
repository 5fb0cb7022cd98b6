package config

import (
	"fmt"
	"regexp"
	"strings"
)

// looksLikeKey is what keys look like, also misspelled, and secrets do not.
var looksLikeKey = regexp.MustCompile(`^[A-Za-z]+([_-][A-Za-z]+)*$`)

// suggest finds the known key that is nearest to an unknown one, and the words to
// name it with.
func suggest(key string, fields []field) (nearest, advice string) {
	best, distance := "", -1
	for _, f := range fields {
		if n := editDistance(plain(key), plain(f.key)); distance < 0 || n < distance {
			best, distance = f.key, n
		}
	}
	subject := "unknown key"
	if looksLikeKey.MatchString(key) {
		subject = fmt.Sprintf("unknown key %q", key)
	}
	if distance <= max(2, len(best)/2) {
		return best, fmt.Sprintf("%s; did you mean %q?", subject, best)
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return best, fmt.Sprintf("%s; the nearest known key is %q, of %s", subject, best, strings.Join(keys, ", "))
}

// plain removes what people vary most: apiToken, api-token and api_token are alike.
func plain(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// editDistance is the Levenshtein distance of two short texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
