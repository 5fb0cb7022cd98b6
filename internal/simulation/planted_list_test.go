//go:build synctests

package simulation

// plantedFault is a fault of ours that the simulation has to find: one edit of one function.
type plantedFault struct {
	name string
	in   string // a directory of the repository; the function is there or below
	fn   string // function, or Type.method
	edit edit
	// budget marks one that the simulation of the budget has to find.
	budget bool
	// priorities marks one that the simulation of priorities has to find.
	priorities bool
	// groups marks one that the simulation of groups has to find.
	groups bool
	// test is the test in the fault's directory that finds it, for one that no script shows.
	test string
}

var plantedFaults = []plantedFault{
	{
		name: "what is less urgent gets no call while anything urgent waits",
		in:   "sink", fn: "debts.next", edit: never("everyNth"), priorities: true,
	},
	{
		name: "an event keeps its place while it waits for the rate budget",
		in:   "sink", fn: "retrier.takePlaceAndCall", edit: first("if $recv.pass.MayCall() { return $recv.spend($1, 0) }"), priorities: true,
	},
	{
		name: "an urgent event goes before those of its lane that came first",
		in:   "processor", fn: "lane.push",
		edit: first(`if $1.priority == mapping.High && $recv.head != nil && $recv.head.behind != nil && $recv.head.behind.priority != mapping.High {
			$recv.size++
			$recv.count($1, 1)
			$1.behind = $recv.head.behind
			$recv.head.behind = $1
			return false
		}`),
	},
	{
		name: "the outcomes of a group begin with its second event",
		in:   "processor", fn: "Processor.write",
		edit: first(`if next := $1.then; next != nil && $1.entry.Outcome.MergedInto != nil && $2 == 0 {
			$1.entry, next.entry = next.entry, $1.entry
		}`),
	},
	{
		name: "an identify is drawn past an event of another type",
		in:   "sink", fn: "Session.follower",
		edit: first(`for g := $recv.Group; g.drawn < MaxGroup-2; g.drawn++ {
			f, ok := g.Following(g.drawn)
			if !ok || f.Value == nil {
				break
			}
			ev, err := g.route.read($recv, f.Decoder, f.Value)
			if _, more := g.Following(g.drawn + 1); err != nil || ev.Type == identifyType || !more {
				break
			}
			g.joined = append(g.joined, Joined{Event: InfoOf(ev, $recv.Lane), Warnings: []string{}, Time: g.newest})
		}`),
	},
	{
		name: "what goes out together is not on record",
		in:   "sink", fn: "retrier.recordGroup", edit: first("return nil"), groups: true,
	},
	{
		name: "a takeover does not wait for what went out together",
		in:   "processor", fn: "partition.awaits", edit: first("return false"), groups: true,
	},
	{
		name: "offsets are committed before they are settled",
		in:   "processor", fn: "partition.commitPoint", edit: never("oldest"),
	},
	{
		name: "a record is settled before its outcome is acknowledged",
		in:   "processor", fn: "Processor.write", edit: callBefore("-1, nil", "settled"),
	},
	{
		name: "an outcome that was refused counts as written",
		in:   "sink", fn: "Writer.settle", edit: always("left"),
	},
	{
		name: "the outcome of a dead event does not wait for its letter",
		in:   "sink", fn: "Writer.Write", edit: callBefore("-1, nil", "writeOutcome"),
	},
	{
		name: "records without order: each is a lane of its own",
		in:   "processor", fn: "book.enqueue", edit: always("value"),
	},
	{
		name: "the ledger is not read",
		in:   "processor", fn: "Processor.claimListed", edit: wrap("max(1<<62, %s)", "max"),
	},
	{
		name: "the checkpoint's position is too late",
		in:   "processor", fn: "partition.commitPoint", edit: drop("From", "position"),
	},
	{
		name: "the checkpoint moves on while what was already settled lies ahead",
		in:   "processor", fn: "partition.commitPoint", edit: never("top"),
	},
	{
		name: "outcomes go to another partition than the ledger's",
		in:   "sink", fn: "targetPartition", edit: wrap("(%s + 1)", "Partition"),
	},
	{
		name: "the offset of an earlier topic is believed",
		in:   "processor", fn: "Processor.dropStale", edit: always("isOfEarlierTopic"),
	},
	{
		name: "a checkpoint of another topic is believed",
		in:   "processor", fn: "checkpoint.check", edit: first("$recv.Source, $recv.Responses = $1.Source, $1.Responses"),
	},
	{
		name: "every instance decides where the group begins",
		in:   "processor", fn: "Processor.beginTopic", edit: never("owns"),
	},
	{
		name: "the group begins by the time of each instance",
		in:   "processor", fn: "Processor.listStart",
		edit: first(`if $3.Latest {
			at, err := $recv.kafka.admin.ListOffsetsAfterMilli($1, $recv.member.assignedAt.UnixMilli(), $2)
			return at, at, err
		}`),
	},
	{
		name: "a recreated topic is a new one to the group",
		in:   "processor", fn: "Processor.beginRecreated", edit: always("Latest"),
	},
	{
		name: "a letter is matched by name only",
		in:   "sink", fn: "Place.Matches", edit: wrap("(true || %s)", "Origin", "Matches"),
	},
	{
		name: "a letter's id is made of the name only",
		in:   "sink", fn: "LetterID", edit: never("TopicID"),
	},
	{
		name: "the topic of an outcome is ignored",
		in:   "processor", fn: "ledgerReads.take", edit: wrap("(true || %s)", "Matches"),
	},
	{
		name: "the leader epoch of an outcome is ignored",
		in:   "processor", fn: "offsetSet.add", edit: first("$2 = 0"),
	},
	{
		name: "the first call does not wait for the first checkpoint",
		in:   "processor", fn: "Processor.claimListed", edit: wrap("%s[:0]", "stillClaiming"),
	},
	{
		name: "transaction markers do not count as done",
		in:   "processor", fn: "book.takeInRecord", edit: first("if $2.Attrs.IsControl() {\n return\n }"),
	},
	{
		name: "a revoke does not wait for calls in flight",
		in:   "processor", fn: "Processor.drain", edit: dontWait("drained"),
	},
	{
		name: "a lost partition is kept",
		in:   "processor", fn: "Processor.lost", edit: drop("drop"),
	},
	{
		name: "own calls that are open are not waited for when a partition comes back",
		in:   "processor", fn: "Processor.claim", edit: drop("awaitOwnCalls"),
	},
	{
		name: "calls begin after the session is over",
		in:   "processor", fn: "membership.await", edit: wrap("0 * %s", "Since"),
	},
	{
		name: "an operator's hold has probes",
		in:   "sink", fn: "State.probed", edit: first(`return $recv.Reason != ""`),
	},
	{
		name: "a retry begins while the call before is open",
		in:   "sink", fn: "sender.send",
		edit: first(`type answer struct {
			reply Reply
			err   error
		}
		got := make(chan answer, 1)
		go func() {
			reply, err := $recv.dest.client.do(context.WithoutCancel($1), $2)
			got <- answer{reply, err}
		}()
		select {
		case a := <-got:
			return a.reply, a.err
		case <-time.After(3 * time.Second):
			return Reply{}, &transportError{code: Timeout, sent: true, err: errCallTimeout}
		}`),
	},
	{
		name: "an interrupted event is a failed one",
		in:   "sink", fn: "Route.once", edit: wrap("(false && %s)", "Is", "ErrInterrupted"),
	},
	{
		name: "a spent budget kills without evidence",
		in:   "sink", fn: "retrier.settlePassing", edit: wrap("true || %s", "Alone", "enoughEvidence"),
	},
	{
		name: "one round of evidence is enough",
		in:   "sink", fn: "trial.enoughEvidence", edit: wrap("1 /* %s */", "roundsAgainst"),
	},
	{
		name: "a 403 kills at once",
		in:   "sink", fn: "retrier.settle", edit: wrap("(true || %s)", "enoughEvidence"),
	},
	{
		// The scripts find it too, by luck: two runs of five found it in no seed of 2,500.
		name: "the checkpoint is kept for outcomes only",
		in:   "processor", fn: "ledgerRead.goOn", edit: drop("reach"), test: "TestLedger_progress",
	},
	{
		// A process that lost its partition knows no more than it did then, so that what it puts on
		// record too late misleads nobody in a script.
		name: "the newest progress counts, not that of the highest claim",
		in:   "processor", fn: "ledgerRead.goOn", edit: never("Claim"), test: "TestLedger_progress",
	},
	{
		name: "a write is not announced",
		in:   "sink", fn: "once.announce", edit: wrap("error(nil) /* %s */", "putOnRecord"),
	},
	{
		name: "a ticket that is not there is believed at once",
		in:   "sink", fn: "once.look", edit: always("Unsure"),
	},
	{
		name: "a ticket is not looked for",
		in:   "sink", fn: "once.unsure", edit: first("return false"),
	},
	{
		name: "a dead event has repeats",
		in:   "processor", fn: "repeats.settled", edit: always("HasRepeats"),
	},
	{
		name: "a record is a repeat of itself",
		in:   "processor", fn: "ledgerRead.noteRepeats", edit: never("Offset", "from"),
	},
	{
		name: "a repeat does not wait for the one in flight",
		in:   "processor", fn: "repeats.takeIn", edit: never("waiting"),
	},
	{
		name: "a takeover knows no message ids from before its checkpoint",
		in:   "processor", fn: "Processor.surveyResponses", edit: wrap("%s + 1<<40", "UnixMilli"),
	},
	{
		name: "the share of the budget is not divided again", budget: true,
		in: "sink", fn: "Budget.Divide", edit: first("if $recv.share > 0 {\n return\n }"),
	},
}
