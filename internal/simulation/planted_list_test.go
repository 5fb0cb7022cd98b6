//go:build synctests

package simulation

// planted is a fault of ours that the simulation has to find: one text in one file,
// replaced by another.
type plantedFault struct {
	name     string
	file     string // from the repository's root
	old, new string
	// budget marks one that the simulation of the budget has to find.
	budget bool
}

var plantedFaults = []plantedFault{
	{
		name: "offsets are committed before they are settled", file: "processor/partition.go",
		old: "	if r := p.oldest; r != nil {\n		at =", new: "	if r := p.oldest; r != nil && r.bytes < 0 {\n		at =",
	},
	{
		name: "a record is settled before its outcome is acknowledged", file: "processor/deliver.go",
		old: "	}, func(offset int64, err error) { p.settled(l, r, &outcome, offset, err) })",
		new: "	}, func(int64, error) {})\n	p.settled(l, r, &outcome, -1, nil)",
	},
	{
		name: "an outcome that was refused counts as written", file: "sink/topics/parcel.go",
		old: "	case err == nil:\n		p.target.left(p, true)", new: "	case err == nil || p.failures > 0:\n		p.target.left(p, true)",
	},
	{
		name: "the outcome of a dead event does not wait for its letter", file: "sink/topics/writer.go",
		old: "		done: func(_ int64, err error) {\n			if err != nil {\n				done(-1, err)\n				return\n			}\n			go w.writeOutcome(ctx, &e, &out, done) // a promise may not produce itself, kgo says\n		},\n	}, e.MayWait)",
		new: "		done: func(int64, error) {},\n	}, e.MayWait)\n	w.writeOutcome(ctx, &e, &out, done)",
	},
	{
		name: "records without order: each is a lane of its own", file: "processor/intake.go",
		old: "	if key.value == \"\" {\n		key.alone", new: "	if key.alone == 0 {\n		key.alone",
	},
	{
		name: "the ledger is not read", file: "processor/claim.go",
		old: "reads.want(part, max(from, found.start[part.id%found.n]), end)", new: "reads.want(part, max(from, end), end)",
	},
	{
		name: "the checkpoint's position is too late", file: "processor/partition.go",
		old: "		m.From = r.position", new: "		m.From = p.position",
	},
	{
		name: "the checkpoint moves on while what was found done lies ahead", file: "processor/partition.go",
		old: "		if at.Offset <= p.done.top {", new: "		if at.Offset < 0 {",
	},
	{
		name: "outcomes go to another partition than the ledger's", file: "sink/topics/writer.go",
		old: "return src.Partition % max(n, 1) }", new: "return (src.Partition + 1) % max(n, 1) }",
	},
	{
		name: "the offset of an earlier topic is believed", file: "processor/start.go",
		old: "		if !c.isOfEarlierTopic(now) {", new: "		if now.Partitions == 0 || !c.isOfEarlierTopic(now) {",
	},
	{
		name: "the topic of an outcome is ignored", file: "processor/ledger.go",
		old: " && read.origin.Matches(entry.Origin) {", new: " {",
	},
	{
		name: "the leader epoch of an outcome is ignored", file: "processor/offsets.go",
		old: "	key := chunkKey{epoch, offset / chunkBits}", new: "	key := chunkKey{0, offset / chunkBits}",
	},
	{
		name: "the first call does not wait for the first checkpoint", file: "processor/claim.go",
		old: "return p.stillClaiming(uncommitted) }); err != nil {", new: "return nil }); err != nil {",
	},
	{
		name: "transaction markers do not count as done", file: "processor/intake.go",
		old: "	part.next, part.epoch = src.Offset+1, src.LeaderEpoch\n	if src.Attrs.IsControl() {\n		return\n	}",
		new: "	if src.Attrs.IsControl() {\n		return\n	}\n	part.next, part.epoch = src.Offset+1, src.LeaderEpoch",
	},
	{
		name: "a revoke does not wait for what is in the air", file: "processor/group.go",
		old: "	for _, part := range parts {\n		select {", new: "	for _, part := range parts[:0] {\n		select {",
	},
	{
		name: "a lost partition is kept", file: "processor/group.go",
		old: "	p.giveUp(p.named(topics), false)", new: "	p.named(topics)",
	},
	{
		name: "own calls that are open are not waited for when a partition comes back", file: "processor/claim.go",
		old: "	p.awaitOwnCalls(parts)\n", new: "",
	},
	{
		name: "calls begin after the session is over", file: "processor/membership.go",
		old: "		counted, renewed := time.Since(m.good) <= m.session, m.renewed", new: "		counted, renewed := !m.good.After(time.Now()), m.renewed",
	},
	{
		name: "an operator's hold has probes", file: "sink/hold.go",
		old: "bool { return h.Reason != OperatorHold }", new: "bool { return h.Reason != \"\" }",
	},
	{
		name: "a retry begins while the call before is open", file: "sink/session.go",
		old: "	return s.dest.client.do(ctx, r)",
		new: `	type answer struct {
		reply Reply
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		reply, err := s.dest.client.do(context.WithoutCancel(ctx), r)
		got <- answer{reply, err}
	}()
	select {
	case a := <-got:
		return a.reply, a.err
	case <-time.After(3 * time.Second):
		return Reply{}, &transportError{code: Timeout, sent: true, err: errCallTimeout}
	}`,
	},
	{
		name: "an interrupted event is a failed one", file: "sink/route.go",
		old: "	if errors.Is(err, ErrInterrupted) || errors.Is(err, ErrHeld) {", new: "	if errors.Is(err, ErrHeld) {",
	},
	{
		name: "a spent budget kills without evidence", file: "sink/settle.go",
		old: "	if spent && (s.dest.Alone || trial.convicts(s.others(call))) {", new: "	if spent {",
	},
	{
		name: "one round of evidence is enough", file: "sink/evidence.go",
		old: "const roundsAgainst = 3", new: "const roundsAgainst = 1",
	},
	{
		name: "a 403 kills at once", file: "sink/settle.go",
		old: "j.status == http.StatusForbidden && s.tried(call, j).convicts(s.others(call)) {", new: "j.status == http.StatusForbidden {",
	},
	{
		name: "the share of the budget is not divided again", file: "sink/share.go", budget: true,
		old: "	if share == b.share {\n", new: "	if share == b.share || b.share > 0 {\n",
	},
}
