//go:build kafka

package main

import "testing"

func TestKafka_everyCurableLetterComesHomeInOrder(t *testing.T) {
	t.Parallel()
	testComesHome(t, real(t, worldOptions{}))
}

func TestKafka_anApplyKilledAndRepeatedOpensNoTicketTwice(t *testing.T) {
	t.Parallel()
	testKilledAndRepeated(t, real(t, worldOptions{}))
}
