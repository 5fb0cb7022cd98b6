package sample

import "golang.org/x/time/rate"

const (
	// shopUsers is how many customers a shop has, shopOddShare which part of its events is broken.
	shopUsers    = 500
	shopOddShare = 0.02
)

// Shop returns a generator of a web shop's events, which continues after that many events.
func Shop(seed uint64, after int) *Generator {
	return New(Config{Seed: seed, Users: shopUsers, OddShare: shopOddShare, MarkNames: true, After: after})
}

// Pace returns a limiter for that many events a second, or without a limit for 0.
func Pace(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), 1)
}
